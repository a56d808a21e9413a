"""Working events off: what they do to our records, in every order, beside poison, exactly once."""
import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.audit import Audit
from app.commerce.customers import Customer
from app.commerce.deliveries import Delivery
from app.commerce.orders import Order
from app.commerce.subscriptions import Subscription
from app.extensions import db
from app.integrations.registry import provider
from app.jobs.models import Attempt
from app.jobs.queue import claim
from app.jobs.queues import named
from app.providers.stripe import Stripe
from app.transaction import transaction
from app.webhooks.process import process
from tests.providers.contract import case, cases
from tests.webhooks.conftest import event, events, only, payment, payments

ABOUT_ONE_PAYMENT = [name for name in cases("stripe") if name.startswith(("payment_", "charge_", "refund_", "dispute_"))
                     and name not in ("charge_without_intent", "refund_failed")]
LIFE = ("payment_created", "payment_succeeded", "charge_succeeded", "charge_refunded_in_part")


def outcomes() -> list[str | None]:
    return [each.outcome for each in events()]


def state(found: Any) -> tuple[object, ...]:
    return (found.external_id, found.account, found.status, found.amount_minor, found.refunded_minor, found.currency, found.method,
            found.order_ref, found.said and json.loads(found.said))


def test_a_stripe_event_shows_on_the_payment_and_in_its_history(post, drain):
    post("payment_created")
    drain()
    post("payment_succeeded")
    drain()

    found = payment()
    assert (found.status, found.amount_minor, found.currency, found.account) == ("paid", 24890, "EUR", "stripe")
    [created, paid] = db.session.scalars(select(Audit).where(Audit.resource == "payments").order_by(Audit.id))
    assert (created.door, created.door_id, created.actor) == ("event", events()[0].id, "Stripe")
    assert json.loads(paid.diff)["status"] == ["pending", "paid"]
    assert paid.door_id == events()[1].id


def test_an_older_event_that_arrives_late_changes_nothing(post, drain):
    post("payment_succeeded")
    drain()
    post("payment_created")
    drain()

    assert payment().status == "paid"
    assert outcomes() == ["created", "stale"]


def test_every_order_of_arrival_ends_in_the_same_payment(post, drain):
    ends = set()
    for number, order in enumerate(permutations((*LIFE, "payment_succeeded"))):
        if number % 6:       # 20 of 120: each place of each event
            continue
        for place, name in enumerate(order):
            post(_of(name, number, f"{number}-{name}"))
            if place % 2:
                drain()
        drain()
        ends.add(repr(state(payment(f"pi_{number}"))[2:8]))

    assert len(ends) == 1
    assert "'part_refunded', 24890, 2490" in ends.pop()


def _of(name: str, number: int, id: str) -> dict[str, object]:
    """The fixture about another payment."""
    found: dict[str, object] = json.loads(json.dumps(event(name, id=id)).replace("pi_3QkTb2", f"pi_{number}"))
    return found


def test_a_whole_life_in_one_drain_is_as_one_by_one(post, drain):
    for name in reversed(LIFE):
        post(name)
    drain()

    assert payment().status == "part_refunded"
    assert [each.status for each in events()] == ["done"] * 4


@pytest.mark.parametrize("names", [("refund_created", "charge_refunded"), ("charge_refunded", "refund_created"),
                                   ("charge_refunded", "refund_updated_days_later")])
def test_a_refund_never_takes_back_that_all_of_it_went_back(post, drain, names):
    for name in ("payment_succeeded", *names):
        post(name)
        drain()

    assert payment().status == "refunded"
    assert payment().refunded_minor == 24890


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(ABOUT_ONE_PAYMENT), min_size=2, max_size=5, unique=True).flatmap(
    lambda names: st.tuples(st.just(names), st.permutations([*names, names[0]]))))
def test_any_events_of_a_payment_end_alike_in_any_order(post, drain, names):
    told, shuffled = names
    number = hash((*told, *shuffled)) % 10**9
    for name in told:
        post(_of(name, number, f"{name}-a{number}"))
    drain()
    for name in shuffled:
        post(_of(name, number + 10**9, f"{name}-b{number}"))
        drain()

    ends = [state(payment(f"pi_{each}"))[2:8] for each in (number, number + 10**9)]
    assert ends[0] == ends[1]


def test_an_order_that_is_not_here_yet_holds_no_payment(post, drain):
    post("payment_succeeded")
    drain()
    assert payment().order_id is None
    assert "10482" in payment().order_ref

    post("order_created", "standard")
    drain()

    assert payment().order_id == db.session.scalar(select(Order.id).where(Order.number == "10482"))


def test_a_subscription_finds_its_customer_whichever_comes_first(post, drain):
    post("subscription_trial")
    drain()
    post("customer_created")
    drain()

    found = only(Subscription)
    assert (found.status, found.amount_minor) == ("trial", 2970)
    assert found.customer_id == db.session.scalar(select(Customer.id))


def test_standard_webhooks_write_any_record_by_its_fields(post, drain):
    post("order_created", "standard", id="msg_1")
    post("delivery_delivered", "standard", id="msg_2")
    post("customer_with_number_for_id", "standard", id="msg_3")
    drain()

    order, delivery = only(Order), only(Delivery)
    assert (order.number, order.total_minor, order.status) == ("10482", 24890, "placed")
    assert (delivery.status, delivery.order_id) == ("delivered", order.id)
    assert db.session.scalar(select(Customer.external_id)) == "4711"


def test_deleted_moves_to_the_trash(post, drain):
    post({"type": "products.created", "timestamp": "2026-06-01T00:00:00Z",
          "data": {"id": "SKU-1", "sku": "SKU-1", "name": "Tea", "price": "9.90", "currency": "EUR"}}, "standard", id="msg_1")
    post("product_deleted", "standard", id="msg_2")
    drain()

    assert outcomes() == ["created", "updated"]


@pytest.mark.parametrize(("data", "field"), [
    ({"id": "P-1", "amount": "twelve", "currency": "EUR"}, "Amount"), ({"id": "P-1", "colour": "red"}, "colour"),
    ({"id": "P-1", "status": "maybe"}, "Status"), ({"id": "P-1", "version": 7}, "version"), ({"id": "P-1", "said": "{}"}, "said"),
    ({"id": "P-1", "currency": "EUR", "amount_minor": "1"}, "Amount"),
])
def test_what_the_gate_refuses_is_dead_at_once_with_a_sentence(post, drain, data, field):
    post({"type": "payments.created", "timestamp": "2026-06-01T00:00:00Z", "data": data}, "standard")
    drain()

    [refused] = events()
    assert (refused.status, refused.attempts) == ("dead", 1)
    assert refused.last_error.startswith("The payment P-1 was refused.")
    assert f"{field}: " in refused.last_error
    assert payments() == []


@pytest.mark.parametrize(("field", "value"), [("amount_received", None), ("amount_received", "24890"), ("currency", 978)])
def test_an_event_whose_money_cannot_be_read_is_dead_and_changes_nothing(post, drain, field, value):
    post("payment_created")
    drain()
    told = event("payment_succeeded")
    told["data"]["object"][field] = value
    post(told)
    drain()

    unreadable = events()[1]
    assert (unreadable.status, unreadable.outcome, unreadable.attempts) == ("dead", None, 1)
    assert f"data.object.{field} must be" in unreadable.last_error
    assert (payment().status, payment().version) == ("pending", 1)


def test_a_refused_event_harms_no_neighbour(post, drain):
    for number in range(5):
        post({"type": "payments.created", "timestamp": "2026-06-01T00:00:00Z",
              "data": {"id": f"P-{number}", "amount": "1.00" if number != 2 else "x", "currency": "EUR"}}, "standard", id=f"msg_{number}")
    drain()

    assert [each.status for each in events()] == ["done", "done", "dead", "done", "done"]
    assert len(payments()) == 4
    assert [each.number for each in db.session.scalars(select(Attempt))] == [1] * 5


def test_a_failing_event_does_not_block_later_ones_of_its_object(post, drain):
    post({"type": "payments.created", "timestamp": "2026-06-01T00:00:00Z", "data": {"id": "P-1", "amount": "x"}}, "standard", id="msg_1")
    post("payment_paid", "standard", id="msg_2")
    drain()

    assert [each.status for each in events()] == ["dead", "done"]
    assert payment("P-1").status == "paid"


def test_a_provider_that_breaks_on_one_event_breaks_on_no_other(post, drain, monkeypatch):
    right = Stripe.changes

    def breaks(self, incoming, endpoint):
        if incoming.dedupe_key == "evt_pi_succeeded":
            raise ZeroDivisionError("a bug of ours")
        return right(self, incoming, endpoint)

    monkeypatch.setattr(Stripe, "changes", breaks)
    post("payment_succeeded")
    post("customer_created")
    drain()

    broken, other = events()
    assert (broken.status, broken.attempts, other.status) == ("waiting", 1, "done")
    assert "ZeroDivisionError" in broken.last_error


def test_what_two_accounts_call_alike_are_two_records(post, endpoint, drain):
    post("payment_succeeded", to=endpoint(name="EU", account="eu"))
    post("payment_succeeded", to=endpoint(name="US", account="us"))
    drain()

    assert sorted(each.account for each in payments()) == ["eu", "us"]
    assert outcomes() == ["created", "created"]


def test_two_endpoints_of_one_account_meet_in_one_record(post, endpoint, drain):
    post("payment_created", to=endpoint(name="One"))
    post("payment_succeeded", to=endpoint(name="Two"))
    drain()

    assert [each.status for each in payments()] == ["paid"]


def test_a_worker_that_lost_its_lease_changes_nothing(app, post):
    post("payment_succeeded")
    queue = named("webhooks")
    late = claim(queue, "late")
    with transaction() as session:     # somebody else took it over
        session.execute(queue.table.update().values(lease_token=queue.table.c.lease_token + 1))

    with pytest.raises(Exception, match="not ours"):
        process(late)

    assert payments() == []
    assert db.session.scalar(select(Audit.id).where(Audit.resource == "payments")) is None


def test_an_event_that_could_not_be_read_is_read_by_a_mended_parser(post, drain, monkeypatch):
    body = json.dumps(case("stripe", "payment_succeeded")).encode()
    with monkeypatch.context() as patch:
        patch.setattr(Stripe, "parse", lambda *_: 1 / 0)
        post(body)
    assert [each.status for each in events()] == ["dead"]

    with transaction() as session:
        session.execute(named("webhooks").table.update().values(status="waiting"))
    drain()

    assert payment().status == "paid"
    assert provider("stripe").label == "Stripe"


def test_unchanged_news_is_done_without_a_version(post, drain):
    post("payment_succeeded")
    drain()
    post(event("payment_succeeded", id="evt_again", created=1781233099))
    drain()

    assert outcomes() == ["created", "unchanged"]
    assert payment().version == 1


@pytest.mark.parametrize("ids", [("msg_a", "msg_b"), ("msg_b", "msg_a")])
def test_of_two_reports_of_one_moment_the_greater_key_has_the_last_word(post, drain, ids):
    for id in ids:
        post({"type": "payments.updated", "timestamp": "2026-06-01T00:00:00Z",
              "data": {"id": "P-1", "amount": {"msg_a": "2.00", "msg_b": "1.00"}[id], "currency": "EUR"}}, "standard", id=id)
        drain()

    assert payment("P-1").amount_minor == 100
