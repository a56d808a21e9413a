"""Asking EasyPost: its fake over real HTTP, and what is fetched for an event."""
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask

from app.audit import COMMAND_LINE
from app.errors import Invalid
from app.fakes.easypost import KEY, FakeEasyPost
from app.fakes.fake import EXPIRED, served
from app.integrations import breaker, connections, limiter
from app.integrations.calling import Connection
from app.integrations.connections import Wanted
from app.integrations.errors import AuthError, BadResponse, NotFoundThere
from app.integrations.provider import EndpointConfig
from app.integrations.registry import provider
from app.providers.easypost_client import EasyPostClient
from tests.providers.test_easypost import TestEasyPost as EasyPost

pytestmark = pytest.mark.alike
TRACKER = "trk_4f1e8c0a7b2d4e6f8a9b0c1d2e3f4a5b"


@pytest.fixture
def easypost(app: Flask) -> Iterator[FakeEasyPost]:
    limiter.forget()
    breaker.forget()
    fake = FakeEasyPost()
    with served(fake) as url:
        connections.add("easypost", Wanted("EasyPost", "eu", {"api_key": KEY}, url, True), by=COMMAND_LINE)
        yield fake


@pytest.fixture
def connection(easypost: FakeEasyPost) -> Connection:
    found = connections.of_account("easypost", "eu")
    assert found is not None
    return found


def test_a_tracker_is_shown_as_it_stands(easypost, connection):
    easypost.tracked("trk_1", "in_transit")

    assert EasyPostClient(connection).show("trk_1")["status"] == "in_transit"
    with pytest.raises(NotFoundThere):
        EasyPostClient(connection).show("trk_2")


@pytest.mark.parametrize("id", ["", "shp_1", "trk_1/../../users", "trk_1?x=1", "trk_é"])
def test_an_id_leads_nowhere_else(easypost, connection, id):
    with pytest.raises(BadResponse):
        EasyPostClient(connection).show(id)
    assert easypost.heard == []


@pytest.mark.alike
def test_a_list_comes_page_by_page_and_goes_on_from_a_checkpoint(easypost, connection):
    for number in range(7):
        easypost.tracked(f"trk_{number}", "in_transit", created=f"2026-06-1{number}T00:00:00Z")
    client, since = EasyPostClient(connection), datetime(2026, 6, 12, tzinfo=UTC)

    pages = list(client.each(since=since, size=2))

    assert [each["id"] for page in pages for each in page.items] == ["trk_6", "trk_5", "trk_4", "trk_3", "trk_2"]
    rest = client.each(since=since, size=2, start=pages[0].after)
    assert [each["id"] for page in rest for each in page.items] == ["trk_4", "trk_3", "trk_2"]


def test_a_key_it_no_longer_takes_is_said_so(easypost, connection):
    easypost.next(EXPIRED)

    with pytest.raises(AuthError):
        EasyPostClient(connection).show("trk_1")


@pytest.mark.parametrize(("key", "is_sandbox"), [("EZAK0123456789", True), ("EZTK0123456789", False), ("sécret", True)])
def test_a_key_of_another_kind_is_not_saved(app, key, is_sandbox):
    with pytest.raises(Invalid):
        connections.add("easypost", Wanted("EasyPost", "eu", {"api_key": key}, "", is_sandbox), by=COMMAND_LINE)


def test_what_is_fetched_counts_as_of_the_moment_before_it_was_asked(easypost, connection):
    easypost.tracked(TRACKER, "delivered")
    before = datetime.now(UTC)
    [incoming] = EasyPost().read("in_transit")

    found = provider("easypost").fetch(incoming, connection)

    assert found is not None
    [change] = provider("easypost").changes(found, EndpointConfig("Test", "eu"))
    assert (change.key, change.values["status"]) == ({"external_id": TRACKER}, "delivered")
    assert change.as_of is not None
    assert before <= change.as_of <= datetime.now(UTC)
