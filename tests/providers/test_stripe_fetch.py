"""Stripe, asked for the object an event is about: what it shows then counts as of the moment before we asked."""
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from app.audit import COMMAND_LINE
from app.fakes.fake import served
from app.fakes.stripe import KEY, FakeStripe
from app.integrations import breaker, connections, limiter
from app.integrations.calling import Connection
from app.integrations.connections import Wanted
from app.integrations.errors import NotFoundThere
from app.integrations.provider import EndpointConfig, Incoming, Receipt, Unreadable
from app.integrations.registry import provider
from app.records.changes import Change
from tests.providers.contract import NOW, case
from tests.providers.test_stripe import TestStripe as Stripe

ENDPOINT = EndpointConfig("Test", "eu")


@pytest.fixture
def stripe(app: Flask) -> Iterator[FakeStripe]:
    limiter.forget()
    breaker.forget()
    fake = FakeStripe()
    with served(fake) as url:
        connections.add("stripe", Wanted("Stripe EU", "eu", {"api_key": KEY}, url, True), by=COMMAND_LINE)
        yield fake


@pytest.fixture
def connection(stripe: FakeStripe) -> Connection:
    found = connections.of_account("stripe", "eu")
    assert found is not None
    return found


def thin(type: str, path: str, id: str) -> Incoming:
    event = {"id": "evt_1", "object": "v2.core.event", "type": type, "created": "2026-06-12T03:00:00.000Z",
             "related_object": {"id": id, "url": f"/v1/{path}/{id}"}}
    return Stripe().provider.parse(Stripe().receipt(_json(event), {}), ENDPOINT)[0]


def fetched(incoming: Incoming, connection: Connection) -> tuple[Incoming, list[Change]]:
    found = provider("stripe").fetch(incoming, connection)
    assert found is not None
    return found, provider("stripe").changes(found, ENDPOINT)


def test_a_thin_event_names_its_object_and_says_nothing_until_it_is_fetched():
    [incoming] = Stripe().read("thin_charge_refunded")

    assert (incoming.kind, incoming.is_thin, incoming.said) == ("charge.changed", True, "v1.charge.refunded")
    with pytest.raises(Unreadable, match="connect Stripe"):
        provider("stripe").changes(incoming, ENDPOINT)


def test_what_is_fetched_counts_as_of_the_moment_before_it_was_asked(stripe, connection):
    stripe.paid("pi_1", amount=5000)
    before = datetime.now(UTC)

    found, [change] = fetched(thin("v1.charge.succeeded", "charges", "ch_pi_1"), connection)

    assert (found.is_thin, found.object_key) == (False, "pi_1")
    assert (change.key, change.values["status"], change.values["amount_minor"]) == ({"external_id": "pi_1"}, "paid", 5000)
    assert before <= found.occurred_at <= datetime.now(UTC)
    assert change.as_of == found.occurred_at


def test_a_payment_that_failed_and_was_paid_since_is_paid(stripe, connection):
    stripe.paid("pi_3QkTb2", amount=5000)
    [incoming] = Stripe().read("payment_attempt_failed")

    _, [change] = fetched(incoming, connection)

    assert change.values["status"] == "paid"


def test_what_is_gone_is_said_so(stripe, connection):
    with pytest.raises(NotFoundThere):
        provider("stripe").fetch(thin("v1.charge.succeeded", "charges", "ch_9"), connection)


@pytest.mark.parametrize("event", ["unknown_kind", "thin_event"])
def test_what_we_keep_nothing_of_is_not_asked_for(stripe, connection, event):
    body = _json(case("stripe", event))
    [incoming] = provider("stripe").parse(Receipt("POST", "", {}, body, None, NOW), ENDPOINT)

    assert provider("stripe").fetch(incoming, connection) is None
    assert stripe.heard == []


def _json(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode()
