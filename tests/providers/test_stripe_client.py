"""Asking Stripe: its fake over real HTTP, found by the connection's address alone."""
from datetime import UTC, datetime

import pytest

from app.audit import COMMAND_LINE
from app.fakes.fake import DROP, EXPIRED, GARBLED, HUGE, LOST, SLOW, failing, limited, refusing, served
from app.fakes.stripe import KEY, FakeStripe
from app.integrations import breaker, connections, limiter
from app.integrations.connections import Wanted
from app.integrations.errors import (
    AuthError,
    BadResponse,
    CircuitOpen,
    NotFoundThere,
    ProviderError,
    RateLimited,
    RejectedThere,
    TimedOut,
    UnavailableThere,
)
from app.integrations.retry import Patience
from app.providers.stripe_client import REFERENCE, VERSION, Refund, StripeClient
from app.transaction import transaction

pytestmark = pytest.mark.alike


@pytest.fixture
def stripe(app):
    limiter.forget()
    breaker.forget()
    fake = FakeStripe()
    with served(fake) as url:
        connections.add("stripe", Wanted("Stripe EU", "eu", {"api_key": KEY}, url, True), by=COMMAND_LINE)
        yield fake


@pytest.fixture
def client(stripe):
    found = connections.of_account("stripe", "eu")
    assert found is not None
    return StripeClient(found)


def test_things_are_shown_as_they_stand(stripe, client):
    stripe.paid("pi_1", amount=5000)
    stripe.shelves["customers"].put({"id": "cus_1", "object": "customer", "email": "ada@example.com"})

    assert client.show("payment", "pi_1")["status"] == "succeeded"
    assert client.show("charge", "ch_pi_1")["amount"] == 5000
    assert client.show("customer", "cus_1")["email"] == "ada@example.com"
    assert stripe.heard[0].headers["stripe-version"] == VERSION


def test_what_is_not_there_is_said_so(client):
    with pytest.raises(NotFoundThere, match="No such payment_intent: 'pi_9'") as caught:
        client.show("payment", "pi_9")
    assert caught.value.provider_code == "resource_missing"


@pytest.mark.parametrize("id", ["../balance", "pi_1/capture", "", "pi_1?expand[]=x", "π"])
def test_an_id_leads_nowhere_else(stripe, client, id):
    with pytest.raises(BadResponse):
        client.show("payment", id)
    assert stripe.heard == []


def test_a_list_comes_page_by_page_and_goes_on_from_a_checkpoint(stripe, client):
    for number in range(7):
        stripe.paid(f"pi_{number}", created=1_780_000_000 + number)
    since = datetime.fromtimestamp(1_780_000_002, UTC)

    pages = list(client.each("payment", since=since, size=2))
    assert [each["id"] for page in pages for each in page.items] == ["pi_6", "pi_5", "pi_4", "pi_3", "pi_2"]
    rest = client.each("payment", since=since, size=2, start=pages[0].after)
    assert [each["id"] for page in rest for each in page.items] == ["pi_4", "pi_3", "pi_2"]


def test_a_refund_is_made_once_however_often_it_is_asked_for(stripe, client):
    stripe.paid("pi_1", amount=5000)

    first, again = client.refund("pi_1", "effect-1", amount=1200), client.refund("pi_1", "effect-1", amount=1200)

    assert first == again == Refund(first.id, "succeeded", 1200, "EUR")
    assert stripe.shelves["charges"].get("ch_pi_1")["amount_refunded"] == 1200
    assert stripe.heard[0].headers["idempotency-key"] == "effect-1"


@pytest.mark.parametrize("wrong", [LOST, failing(500, does_it=True)])
def test_a_refund_whose_reply_was_lost_is_made_once(stripe, client, wrong):
    stripe.paid("pi_1", amount=5000)
    stripe.next(wrong)

    client.refund("pi_1", "effect-1")

    assert len(stripe.shelves["refunds"].all()) == 1
    assert stripe.shelves["charges"].get("ch_pi_1")["refunded"]


def test_a_refund_in_doubt_is_found_by_our_reference(stripe, client):
    stripe.paid("pi_1", amount=5000)
    assert client.find_refund("pi_1", "effect-1") is None
    made = client.refund("pi_1", "effect-1", amount=100)
    client.refund("pi_1", "effect-2", amount=200)

    assert client.find_refund("pi_1", "effect-1") == made
    assert stripe.shelves["refunds"].get(made.id)["metadata"] == {REFERENCE: "effect-1"}


def test_more_than_there_is_cannot_be_refunded(stripe, client):
    stripe.paid("pi_1", amount=5000)
    with pytest.raises(RejectedThere, match="greater than unrefunded amount"):
        client.refund("pi_1", "effect-1", amount=5001)
    client.refund("pi_1", "effect-2")
    with pytest.raises(RejectedThere) as caught:
        client.refund("pi_1", "effect-3")
    assert caught.value.provider_code == "charge_already_refunded"


def test_a_key_that_was_used_for_something_else_is_refused(stripe, client):
    stripe.paid("pi_1", amount=5000)
    client.refund("pi_1", "effect-1", amount=100)
    with pytest.raises(RejectedThere, match="same parameters"):
        client.refund("pi_1", "effect-1", amount=200)


def test_a_subscription_ends_once(stripe, client):
    stripe.shelves["subscriptions"].put({"id": "sub_1", "object": "subscription", "status": "active"})
    assert client.cancel_subscription("sub_1")["status"] == "canceled"
    with pytest.raises(NotFoundThere):
        client.cancel_subscription("sub_1")


@pytest.mark.parametrize(("wrong", "kind"), [
    ([EXPIRED], AuthError), ([refusing(402, "Your card was declined", "card_declined")], RejectedThere), ([limited("300")], RateLimited),
    ([failing(500)] * 3, UnavailableThere), ([DROP] * 3, UnavailableThere), ([SLOW], TimedOut), ([GARBLED], BadResponse),
    ([HUGE], BadResponse)])
def test_what_goes_wrong_has_a_name(stripe, client, wrong, kind, monkeypatch):
    stripe.paid("pi_1")
    stripe.next(*wrong)
    was = client.client.call
    monkeypatch.setattr(client.client, "call", lambda *args, **values: was(*args, **values, seconds=0.5, patience=Patience(2, 0.4)))
    with pytest.raises(ProviderError) as caught:
        client.show("payment", "pi_1")
    assert isinstance(caught.value, kind | CircuitOpen)
    assert KEY not in str(caught.value)


def test_nobody_asks_within_a_transaction(client):
    with transaction(), pytest.raises(RuntimeError):
        client.show("payment", "pi_1")
