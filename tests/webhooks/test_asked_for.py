"""Providers whose posts show or prove nothing, through the real address: what Xero and Shippo are asked for ends in the record."""
import json
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import permutations

import pytest

from app.audit import COMMAND_LINE
from app.commerce.customers import Customer
from app.commerce.deliveries import Delivery
from app.commerce.payments import Payment
from app.extensions import db
from app.fakes.fake import served
from app.fakes.shippo import TOKEN, FakeShippo
from app.fakes.xero import CLIENT_ID, CLIENT_SECRET, FakeXero
from app.integrations import auth, breaker, connections, limiter
from app.integrations.connections import Wanted
from app.records.changes import Change, Door, Source, apply
from app.transaction import transaction
from app.webhooks import endpoints, retry, story, testing
from app.webhooks.models import Endpoint
from tests.providers.contract import case
from tests.providers.test_shippo import NUMBER
from tests.providers.test_shippo import TestShippo as Shippo
from tests.providers.test_xero import ADA, CONTACT, INVOICE, PAID, PAYMENT, SOLD
from tests.providers.test_xero import TestXero as Xero
from tests.webhooks.conftest import events, only, payments, receipts

Send = Callable[..., tuple[int, str]]


def by_place():
    """The events of a batch, as they stood in it."""
    return sorted(events(), key=lambda each: each.item)


@pytest.fixture(autouse=True)
def _calm(app):
    for each in (limiter, breaker, auth):
        each.forget()


@pytest.fixture
def xero(app):
    fake = FakeXero()
    with served(fake) as url:
        known = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        connections.add("xero", Wanted("Xero", "", known, url, True), by=COMMAND_LINE)
        yield fake


@pytest.fixture
def shippo(app):
    fake = FakeShippo()
    with served(fake) as url:
        connections.add("shippo", Wanted("Shippo", "", {"api_token": TOKEN}, url, True), by=COMMAND_LINE)
        yield fake


@pytest.fixture
def tell(app) -> Send:
    """Post to the endpoint of Xero: `tell("batch")`, or a body."""
    target = endpoints.add("xero", "Xero", [Xero.secrets[0]], by=COMMAND_LINE)

    def post(what: str | bytes, secret: str = "") -> tuple[int, str]:
        body = json.dumps(case("xero", what)).encode() if isinstance(what, str) else what
        receipt = Xero().signed(body, secret, datetime.now(UTC))
        answer = app.test_client().post(target.path, data=body, headers=receipt.headers)
        return answer.status_code, answer.text
    return post


@pytest.fixture
def parcel(app) -> Callable[..., int]:
    def post(name: str, unproven: str = "ask") -> int:
        found = known.get(unproven) or endpoints.add("shippo", "Shippo", [], by=COMMAND_LINE, settings={"option_unproven": unproven})
        known[unproven] = found
        answer: int = app.test_client().post(found.path, json=case("shippo", name)).status_code
        return answer
    known: dict[str, Endpoint] = {}
    return post


def test_an_intent_to_receive_is_answered_as_xero_wants_to_hear_it(tell):
    body = b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"FMLHZNKCVK"}'

    assert tell(body) == (200, "")
    assert tell(body, Xero.secrets[1]) == (401, "")
    assert tell("batch", Xero.secrets[1]) == (401, "")
    assert events() == []


def test_a_batch_of_xero_is_fetched_and_ends_in_records(tell, xero, drain):
    xero.put("Contacts", ADA)
    xero.put("Invoices", SOLD)
    assert tell("batch") == (200, "")
    drain()

    assert [(each.said, each.outcome) for each in by_place()] == [
        ("CONTACT.UPDATE", "created"), ("INVOICE.UPDATE", "created"), ("SUBSCRIPTION.UPDATE", "ignored")]
    customer, paid = only(Customer), only(Payment)
    assert (customer.external_id, customer.email, customer.company) == (CONTACT, "ada@example.com", "Lovelace Engines")
    assert (paid.external_id, paid.amount_minor, paid.currency, paid.status) == (PAYMENT, 4600, "NZD", "paid")


@pytest.mark.parametrize("order", list(permutations(["invoice_created", "invoice_updated", "payment_created"])))
def test_in_every_order_and_doubled_xero_is_as_it_is_now(tell, xero, drain, order):
    xero.put("Invoices", SOLD)
    xero.put("Payments", PAID)
    for name in (*order, *order):
        tell(name)
    drain()

    assert [each.status for each in events()] == ["done"] * 3
    assert len(receipts()) == 6
    assert only(Payment).status == "paid"


def test_a_payment_deleted_since_is_in_the_trash(tell, xero, drain):
    xero.put("Payments", PAID)
    tell("payment_created")
    drain()
    xero.put("Payments", PAID | {"Status": "DELETED"})

    retry.retry(events()[0].id, by=COMMAND_LINE)
    drain()

    assert only(Payment).trashed_at is not None


def test_xero_that_is_not_connected_is_waited_for(tell, drain):
    tell("contact_created")
    drain()

    assert [each.status for each in events()] == ["dead"]
    assert "Add a connection to Xero" in events()[0].last_error


def test_what_xero_no_longer_has_harms_nothing_else(tell, xero, drain):
    xero.put("Contacts", ADA)
    tell("batch")
    drain()

    assert [each.status for each in by_place()] == ["done", "dead", "done"]
    assert only(Customer).external_id == CONTACT
    assert INVOICE in json.dumps(case("xero", "batch"))


def test_shippo_is_asked_whatever_a_post_says(shippo, parcel, drain):
    shippo.moved("dhl_germany", NUMBER, "TRANSIT", eta="2026-06-13T00:00:00Z")
    assert parcel("delivered") == 200
    drain()

    found = only(Delivery)
    assert (found.tracking_number, found.status, found.carrier, str(found.eta)) == (NUMBER, "in_transit", "dhl_germany", "2026-06-13")


@pytest.mark.parametrize("unproven", ["ask", "believe"])
def test_a_post_that_cannot_be_asked_about_counts_only_where_the_endpoint_says_so(parcel, drain, unproven):
    parcel("delivered", unproven)
    drain()

    [event] = events()
    if unproven == "believe":
        assert only(Delivery).status == "delivered"
    else:
        assert event.status == "dead"
        assert "Add a connection to Shippo" in event.last_error


def test_a_delivery_that_would_be_new_is_named_by_its_number(parcel):
    parcel("delivered", "believe")

    preview = story.preview(db.session(), events()[0], COMMAND_LINE)

    assert [(each.verb, each.text) for each in preview.touched] == [("Created", f"delivery {NUMBER}")]


@pytest.mark.parametrize("order", list(permutations(["label_made", "in_transit", "delivered"])))
def test_in_every_order_and_doubled_a_parcel_is_where_it_was_last(parcel, drain, order):
    for name in (*order, *order):
        parcel(name, "believe")
        drain()

    assert only(Delivery).status == "delivered"
    assert len(events()) == 3


def test_a_parcel_somebody_else_made_is_found_by_its_number(shippo, parcel, drain, app):
    with transaction() as session:
        apply(session, [Change("deliveries", {"tracking_number": NUMBER, "status": "label_made"}, key={"external_id": "F-1"},
                               as_of=datetime(2026, 6, 1, tzinfo=UTC))], Source(Door.EVENT, COMMAND_LINE, account="shop"))
    shippo.moved("dhl_germany", NUMBER, "DELIVERED")
    parcel("delivered")
    drain()

    found = only(Delivery)
    assert (found.account, found.external_id, found.status) == ("shop", "F-1", "delivered")


@pytest.mark.parametrize("provider", ["xero", "shippo"])
def test_a_test_event_changes_nothing(app, provider):
    secrets = [Xero.secrets[0]] if provider == "xero" else [Shippo.secrets[0]]
    found = endpoints.add(provider, provider, secrets, by=COMMAND_LINE)

    testing.send(found.id, by=COMMAND_LINE)

    assert [each.outcome for each in events()] == ["ignored"]
    assert payments() == []
