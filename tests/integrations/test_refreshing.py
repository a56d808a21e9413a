"""A record is read anew from its provider when somebody presses Refresh; and a subscription is ended there, once."""
import pytest
from sqlalchemy import select

from app.access import ROLES
from app.audit import COMMAND_LINE, Actor, Door
from app.errors import Conflict, Forbidden
from app.extensions import db
from app.fakes.easypost import KEY as EASYPOST_KEY
from app.fakes.easypost import FakeEasyPost
from app.fakes.fake import DROP, EXPIRED, LOST, served
from app.fakes.stripe import KEY, FakeStripe
from app.integrations import connections
from app.integrations.connections import Wanted
from app.integrations.models import Effect
from app.jobs.models import Job
from app.records import actions
from app.records.changes import Change, Source
from app.records.registry import named
from app.records.values import Reading
from app.transaction import transaction
from tests.integrations.conftest import calls
from tests.records import gate
from tests.records.gate import EVENT, act, payment

MINA = Actor("staff", "mina", 1, ROLES["manager"])
OPERATOR, VIEWER = (Actor("staff", role, id, ROLES[role]) for role, id in (("operator", 2), ("viewer", 3)))
STATES = {"status": "active", "amount_minor": 1900, "currency": "EUR"}


@pytest.fixture
def stripe(app):
    fake = FakeStripe()
    fake.paid("pi_1", amount=100_000)
    fake.shelves["subscriptions"].put({"id": "sub_1", "object": "subscription", "status": "active", "currency": "eur", "customer": "cus_1",
                                       "items": {"data": [{"quantity": 1, "price": {"unit_amount": 1900, "currency": "eur", "product": "p"}}]}})
    fake.shelves["customers"].put({"id": "cus_1", "object": "customer", "email": "ada@example.com", "name": "Ada"})
    with served(fake) as url:
        connections.add("stripe", Wanted("Stripe EU", "", {"api_key": KEY}, url, True), by=COMMAND_LINE)
        yield fake


@pytest.fixture
def subscribed(stripe):
    """The id of an active subscription."""
    act(Change("subscriptions", STATES, key={"external_id": "sub_1"}, as_of=gate.at(1)), source=EVENT)
    return gate.row("subscriptions")["id"]


def do(resource, name, actor=MINA, id=None, **body):
    return actions.run(actor, named(resource), id or gate.row(resource)["id"], name, body, Reading(ids=True))


def effect():
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Effect).order_by(Effect.id.desc())).first()


def due_now():
    with transaction() as session:
        for job in session.scalars(select(Job).where(Job.status == "waiting")):
            job.run_at = job.created_at


def test_a_payment_is_read_anew_with_what_nobody_told_us(stripe, drain):
    act(payment("paid", 1, amount_minor=100_000), source=EVENT)
    stripe.shelves["charges"].get("ch_pi_1").update(amount_refunded=2500)
    assert do("payments", "refresh", OPERATOR).startswith("The provider is asked now")
    do("payments", "refresh", OPERATOR)
    drain()

    assert (gate.row("payments")["refunded_minor"], gate.row("payments")["status"]) == (2500, "part_refunded")
    assert [(call.op, call.resource) for call in calls()] == [("payments.show", "payments"), ("charges.show", "payments")]


def test_a_payment_nobody_tried_to_pay_is_read_by_its_intent(stripe, drain):
    act(payment("pending", 1, amount_minor=100_000), source=EVENT)
    stripe.shelves["payment_intents"].get("pi_1").update(status="canceled", latest_charge=None)
    do("payments", "refresh")
    drain()
    assert gate.row("payments")["status"] == "failed"


@pytest.mark.parametrize(("resource", "id", "was", "field", "now"), [
    ("subscriptions", "sub_1", STATES | {"amount_minor": 100}, "amount_minor", 1900),
    ("customers", "cus_1", {"email": "ada@example.com", "name": "A."}, "name", "Ada")])
def test_whatever_stripe_keeps_is_read_anew(stripe, drain, resource, id, was, field, now):
    act(Change(resource, was, key={"external_id": id}, as_of=gate.at(1)), source=EVENT)
    do(resource, "refresh")
    drain()
    assert gate.row(resource)[field] == now


def test_a_parcel_is_read_anew(app, drain):
    fake = FakeEasyPost()
    fake.tracked("trk_1", "delivered")
    source = Source(Door.EVENT, EVENT.actor, account="easypost")
    act(Change("deliveries", {"tracking_number": "T1", "status": "in_transit"}, key={"external_id": "trk_1"}, as_of=gate.at(1)), source=source)
    with served(fake) as url:
        connections.add("easypost", Wanted("EasyPost", "", {"api_key": EASYPOST_KEY}, url, True), by=COMMAND_LINE)
        do("deliveries", "refresh")
        drain()
    assert gate.row("deliveries")["status"] == "delivered"


def test_reading_anew_takes_a_connection_and_the_right_to(stripe, app, drain):
    act(payment("paid", 1, amount_minor=100_000), source=EVENT)
    with pytest.raises(Forbidden):
        do("payments", "refresh", VIEWER)
    do("payments", "refresh")
    found = connections.of_account("stripe", "stripe")
    assert found
    connections.switch(found.id, on=False, by=COMMAND_LINE)
    with pytest.raises(Conflict, match="does not allow it"):
        do("payments", "refresh")
    drain()
    db.session.rollback()
    assert "switch it on" in str(db.session.scalars(select(Job.last_error)).one())
    assert stripe.heard == []


def test_what_the_provider_does_not_have_is_said_by_the_job(stripe, drain):
    act(Change("customers", {"email": "eve@example.com"}, key={"external_id": "cus_9"}, as_of=gate.at(1)), source=EVENT)
    do("customers", "refresh")
    drain()
    db.session.rollback()
    (job,) = db.session.scalars(select(Job))
    assert (job.status, "No such customer" in str(job.last_error)) == ("dead", True)


def test_a_subscription_is_ended_at_its_provider_and_then_here(stripe, subscribed, drain):
    assert do("subscriptions", "cancel", reason="moved away") == "The cancellation is on its way."
    assert gate.row("subscriptions")["status"] == "active"
    drain()

    assert stripe.shelves["subscriptions"].get("sub_1")["status"] == "canceled"
    assert (effect().status, effect().said) == ("done", "Stripe ended sub_1 (canceled).")
    assert gate.row("subscriptions")["status"] == "ended"
    with pytest.raises(Conflict, match="This subscription has ended"):
        do("subscriptions", "cancel")


@pytest.mark.parametrize("wrong", [[LOST], [LOST, EXPIRED], [DROP, LOST, LOST], [LOST, LOST, LOST]])
def test_a_subscription_whose_end_was_lost_is_found_ended(stripe, subscribed, drain, wrong):
    """Stripe ends nothing twice: the second time it knows of no such subscription."""
    stripe.next(*wrong)
    do("subscriptions", "cancel")
    for _ in range(3):
        drain()
        due_now()
    assert effect().status == "done"
    assert gate.row("subscriptions")["status"] == "ended"


def test_a_subscription_that_had_ended_there_before_is_ended_here(stripe, subscribed, drain):
    stripe.shelves["subscriptions"].get("sub_1")["status"] = "canceled"
    do("subscriptions", "cancel")
    drain()
    assert (effect().status, gate.row("subscriptions")["status"]) == ("done", "ended")


def test_a_subscription_stripe_does_not_know_is_refused(stripe, subscribed, drain):
    stripe.shelves["subscriptions"]._kept.clear()
    do("subscriptions", "cancel")
    drain()
    assert (effect().status, gate.row("subscriptions")["status"]) == ("refused", "active")


def test_who_may_not_cancel_is_not_offered_it(stripe, subscribed, sign_in):
    with pytest.raises(Forbidden):
        do("subscriptions", "cancel", OPERATOR)
    assert "/cancel" not in sign_in("operator").get(f"/subscriptions/{subscribed}").text
    manager = sign_in("manager")
    assert f"/subscriptions/{subscribed}/cancel" in manager.get(f"/subscriptions/{subscribed}").text
    page = manager.get(f"/subscriptions/{subscribed}/cancel").text
    assert "takes no more money" in page
    assert "the customer would have to subscribe anew" in page
    manager.post(f"/subscriptions/{subscribed}/cancel", data={"version": str(gate.row("subscriptions")["version"])})
    assert "Cancellation" in manager.get("/integrations/effects").text
