"""Asking PayPal: its fake over real HTTP, tokens that end, and what is fetched for an event."""
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from app.audit import COMMAND_LINE
from app.errors import Invalid
from app.fakes.fake import served
from app.fakes.paypal import CLIENT_ID, CLIENT_SECRET, FakePayPal
from app.integrations import auth, breaker, connections, limiter
from app.integrations.calling import Connection
from app.integrations.connections import Wanted
from app.integrations.errors import AuthError, BadResponse, NotFoundThere
from app.integrations.provider import EndpointConfig
from app.integrations.registry import provider
from app.providers.paypal_client import PayPalClient
from app.records.changes import Change
from tests.providers.contract import case
from tests.providers.test_paypal import CAPTURE, SALE
from tests.providers.test_paypal import TestPayPal as PayPal

pytestmark = pytest.mark.alike
PAIR = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}


@pytest.fixture
def paypal(app: Flask) -> Iterator[FakePayPal]:
    limiter.forget()
    breaker.forget()
    auth.forget()
    fake = FakePayPal()
    with served(fake) as url:
        connections.add("paypal", Wanted("PayPal", "eu", PAIR, url, True), by=COMMAND_LINE)
        yield fake


@pytest.fixture
def connection(paypal: FakePayPal) -> Connection:
    found = connections.of_account("paypal", "eu")
    assert found is not None
    return found


def fetched(name: str, connection: Connection) -> list[Change]:
    [incoming] = PayPal().read(name)
    found = provider("paypal").fetch(incoming, connection)
    assert found is not None
    return provider("paypal").changes(found, EndpointConfig("Test", "eu"))


def test_things_are_shown_as_they_stand_under_one_token(paypal, connection):
    paypal.captured("CAPTURE1", "PENDING")
    client = PayPalClient(connection)

    assert client.show("capture", "CAPTURE1")["status"] == "PENDING"
    with pytest.raises(NotFoundThere, match="does not exist") as caught:
        client.show("capture", "CAPTURE2")

    assert caught.value.provider_code == "RESOURCE_NOT_FOUND"
    assert [each.path for each in paypal.heard].count("/v1/oauth2/token") == 1


def test_a_token_that_ended_is_replaced_on_the_way(paypal, connection):
    paypal.captured("CAPTURE1")
    client = PayPalClient(connection)
    client.show("capture", "CAPTURE1")
    paypal.end_tokens()

    assert client.show("capture", "CAPTURE1")["status"] == "COMPLETED"


def test_credentials_it_does_not_know_are_said_so(paypal, connection):
    wrong = Connection(2, "paypal", "Wrong", "other", connection.base, PAIR | {"client_secret": "E-another-secret"})

    with pytest.raises(AuthError, match="invalid_client"):
        PayPalClient(wrong).show("capture", "CAPTURE1")


@pytest.mark.parametrize("id", ["", "../../v1/oauth2", "A/refund", "A?x=1", "é"])
def test_an_id_leads_nowhere_else(paypal, connection, id):
    with pytest.raises(BadResponse):
        PayPalClient(connection).show("capture", id)
    assert paypal.heard == []


def test_a_webhook_id_is_no_client_id(app):
    with pytest.raises(Invalid):
        connections.add("paypal", Wanted("PayPal", "eu", PAIR | {"client_id": "5GP028458E2496506"}), by=COMMAND_LINE)


@pytest.mark.alike
def test_what_moved_comes_month_by_month_and_goes_on_from_a_checkpoint(paypal, connection):
    days = ("05-02", "05-03", "05-04", "06-10", "07-20")
    for day in days:
        paypal.moved(day, f"2026-{day}T10:00:00Z")
    span: dict[str, Any] = {"since": datetime(2026, 5, 1, tzinfo=UTC), "until": datetime(2026, 8, 1, tzinfo=UTC), "size": 2}
    client = PayPalClient(connection)

    pages = list(client.each(**span))

    assert [id for page in pages for id in _ids(page.items)] == list(days)
    assert pages[-1].after is None
    for number, page in enumerate(pages[:-1], 1):
        rest = [id for later in client.each(**span, start=page.after) for id in _ids(later.items)]
        assert rest == [id for later in pages[number:] for id in _ids(later.items)]


def test_a_refund_of_which_the_event_does_not_say_that_it_is_all_is_told_by_its_capture(paypal, connection):
    paypal.captured(CAPTURE, "REFUNDED")
    before = datetime.now(UTC)

    [change] = fetched("capture_refunded", connection)

    assert change.key == {"external_id": CAPTURE}
    assert change.values == {"status": "refunded", "amount": "248.90", "refunded": "248.90", "currency": "EUR"}
    assert change.as_of is not None
    assert before <= change.as_of <= datetime.now(UTC)


def test_a_complete_capture_counts_as_of_its_own_moment_for_it_knows_no_dispute(paypal, connection):
    paypal.captured(CAPTURE)

    [change] = fetched("capture_pending", connection)

    assert (change.values["status"], change.as_of) == ("paid", datetime(2026, 6, 12, 9, 41, tzinfo=UTC))


@pytest.mark.parametrize(("name", "path", "status"), [
    ("subscription_activated", "/v1/billing/subscriptions/I-BW452GLLEP1G", "ended"),
    ("dispute_created", "/v1/customer/disputes/PP-D-27803", "paid"),
    ("authorisation_created", "/v2/payments/authorizations/7W5147081L658180V", "failed"),
    ("sale_refunded", f"/v1/payments/sale/{SALE}", "failed"),
])
def test_every_kind_is_asked_for_where_it_is_kept(paypal, connection, name, path, status):
    now = {"subscription_activated": "subscription_cancelled", "dispute_created": "dispute_won",
           "authorisation_created": "authorisation_voided", "sale_refunded": "sale_denied"}[name]
    paypal.kept[path] = case("paypal", now)["resource"]

    [change] = fetched(name, connection)

    assert change.values["status"] == status


def _ids(items: list[Any]) -> list[str]:
    """The days, which the test gave them for IDs."""
    return [each["transaction_info"]["transaction_id"] for each in items]
