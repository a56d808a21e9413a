"""Refunds: committed to, done once at the provider whatever is lost on the way, above a limit with a second person."""
import pytest
from sqlalchemy import select

from app.access import ROLES
from app.accounts.models import ApiToken, User
from app.audit import COMMAND_LINE, Actor, Audit
from app.errors import Conflict, Forbidden, Invalid
from app.extensions import db
from app.fakes.fake import DROP, EXPIRED, GARBLED, LOST, failing, limited, refusing, served
from app.fakes.stripe import KEY, FakeStripe
from app.integrations import connections, effects, performing, refunds
from app.integrations.connections import Wanted
from app.integrations.errors import CircuitOpen, RateLimited
from app.integrations.models import Effect
from app.jobs.models import Job
from app.jobs.queue import claim as take
from app.jobs.work import Work, default
from app.records import actions
from app.records.registry import named
from app.records.values import Reading
from app.transaction import transaction
from tests.integrations.conftest import calls
from tests.records import gate
from tests.records.gate import EVENT, act, payment

MINA, OTTO = (Actor("staff", name, id, ROLES["manager"]) for name, id in (("mina", 1), ("otto", 2)))
SHOP = Actor("staff", "ann", 3, ROLES["operator"])


@pytest.fixture
def stripe(app):
    fake = FakeStripe()
    fake.paid("pi_1", amount=100_000)
    with served(fake) as url:
        connections.add("stripe", Wanted("Stripe EU", "", {"api_key": KEY}, url, True), by=COMMAND_LINE)
        yield fake


@pytest.fixture
def paid(stripe):
    """The id of a payment of 1,000.00 EUR."""
    act(payment("paid", 1, amount_minor=100_000), source=EVENT)
    return gate.row("payments")["id"]


def refund(id, amount, actor=MINA):
    return actions.run(actor, named("payments"), id, "refund", {"amount": amount}, Reading(ids=True))


def effect():
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Effect).order_by(Effect.id.desc())).first()


def made(fake):
    return [each["amount"] for each in fake.shelves["refunds"].all()]


def due_now():
    """Retries wait; tests do not."""
    with transaction() as session:
        for job in session.scalars(select(Job).where(Job.status == "waiting")):
            job.run_at = job.created_at


def test_a_refund_is_committed_to_then_done_and_seen(stripe, paid, drain):
    assert refund(paid, "12.50") == "The refund of 12.50 EUR is on its way."
    assert (effect().status, made(stripe)) == ("pending", [])

    drain()

    assert (effect().status, effect().tries, made(stripe)) == ("done", 1, [1250])
    row = gate.row("payments")
    assert (row["refunded_minor"], row["status"]) == (1250, "part_refunded")
    assert {call.record_id for call in calls()} == {paid}
    assert stripe.shelves["refunds"].all()[0]["metadata"] == {"backroom": effect().key}
    noted = db.session.scalars(select(Audit.action).where(Audit.actor == "mina")).all()
    assert noted == ["payments.refund_asked"]


@pytest.mark.parametrize("wrong", [[LOST], [failing(500, does_it=True)], [LOST, LOST, LOST], [DROP, LOST, failing(503)], [limited("0")] * 3,
                                   [LOST, EXPIRED], [LOST, refusing(409)], [refusing(409)] * 3])
def test_a_refund_whose_replies_are_lost_is_made_once(stripe, paid, drain, wrong):
    stripe.next(*wrong)
    refund(paid, "10")
    for _ in range(3):
        drain()
        due_now()
    drain()

    assert effect().status == "done"
    assert made(stripe) == [1000]


def test_a_worker_that_died_after_the_provider_did_it_leaves_nothing_doubled(stripe, paid, drain):
    """The effect was sent, and nobody wrote down what came of it: the next try looks first."""
    refund(paid, "10")
    row = effect()
    connection = connections.of_account("stripe", "stripe")
    assert connection
    effects.doer("stripe", refunds.KIND).do(connection, effects.Asked(row.key, **row.asked))
    stripe._kept.clear()        # the provider has forgotten the idempotency key, as after a day
    with transaction() as session:
        session.get_one(Effect, row.id).tries = 1

    drain()

    assert effect().status == "done"
    assert made(stripe) == [1000]


def test_without_looking_first_the_same_refunds_twice(stripe, paid):
    """The control: what the test above would show if nobody looked."""
    connection = connections.of_account("stripe", "stripe")
    assert connection
    asked = effects.Asked("br_1", "pi_1", 1000, "EUR")
    effects.doer("stripe", refunds.KIND).do(connection, asked)
    stripe._kept.clear()
    effects.doer("stripe", refunds.KIND).do(connection, asked)
    assert made(stripe) == [1000, 1000]


def begun(id, job_id):
    """The effect as the worker of this job holds it."""
    found = performing._begin(id, job_id)
    assert found
    return found


def test_what_may_have_been_done_is_never_called_refused_because_nobody_may_look(stripe, paid, drain):
    stripe.next(LOST, LOST, LOST, EXPIRED)
    refund(paid, "10")
    drain()
    due_now()
    drain()

    assert effect().status == "ambiguous"
    assert "looking it up failed" in effect().said
    effects.again(effect().id, by=OTTO)
    drain()
    assert (effect().status, made(stripe)) == ("done", [1000])


def test_a_worker_that_comes_late_does_not_overturn_what_a_later_one_found(stripe, paid, drain):
    refund(paid, "10")
    late = begun(effect().id, effect().job_id)
    drain()
    assert (effect().status, effect().tries) == ("done", 2)

    performing._settle(late, "refused", "the key was revoked")
    assert effect().status == "done"


def test_that_it_was_done_is_true_whoever_says_so(stripe, paid):
    refund(paid, "10")
    late = begun(effect().id, effect().job_id)
    performing._settle(begun(late.id, late.job_id), "ambiguous", "nobody knows")

    performing._settle(late, "done", "it went back")
    assert (effect().status, effect().said) == ("done", "it went back")


def test_only_its_own_job_does_it(stripe, paid):
    refund(paid, "10")
    assert performing._begin(effect().id, effect().job_id + 1) is None
    assert effect().tries == 0


def test_looking_it_up_does_not_wait_for_a_job_that_is_about_to_end(stripe, paid, drain):
    """The last job has written that it cannot tell, and is still running when somebody presses the button."""
    refund(paid, "10")
    (running,) = take(default, "worker", 1)
    mine = begun(effect().id, running.id)
    with pytest.raises(Conflict, match="is at it"):
        effects.again(effect().id, by=OTTO)
    performing._settle(mine, "ambiguous", "nobody knows")
    effects.again(effect().id, by=OTTO)
    assert effect().job_id != running.id

    drain()
    assert (effect().status, made(stripe)) == ("done", [1000])


def test_what_is_under_way_in_no_job_can_be_taken_up_again(stripe, paid, drain):
    refund(paid, "10")
    with transaction() as session:
        session.get_one(Job, effect().job_id).status = "cancelled"

    effects.again(effect().id, by=OTTO)
    drain()
    assert (effect().status, made(stripe)) == ("done", [1000])


def test_a_provider_that_is_left_alone_is_waited_for_on_the_last_try_too(stripe, paid):
    refund(paid, "10")
    (claim,) = take(default, "worker", 1)
    work = Work(db.session.get_one(Job, claim.id), claim)
    with pytest.raises(CircuitOpen):
        performing._back_later(CircuitOpen(sent=False), work, work.attempt)
    performing._back_later(RateLimited(sent=False), work, work.attempt)


@pytest.mark.parametrize("wrong", [[EXPIRED]])
def test_what_the_provider_refuses_is_settled_as_that(stripe, paid, drain, wrong):
    stripe.next(*wrong)
    refund(paid, "10")
    drain()

    assert (effect().status, made(stripe)) == ("refused", [])
    assert "does not accept our credentials" in effect().said
    assert gate.row("payments")["refunded_minor"] in (None, 0)
    refund(paid, "10")       # and it may be asked for anew
    drain()
    assert made(stripe) == [1000]


def test_an_answer_nobody_can_read_is_looked_up(stripe, paid, drain):
    stripe.next(GARBLED)
    refund(paid, "10")
    drain()

    assert effect().status == "ambiguous"
    assert made(stripe) == []
    effects.again(effect().id, by=OTTO)
    drain()
    assert (effect().status, made(stripe)) == ("done", [1000])


def test_one_at_a_time(stripe, paid, drain):
    refund(paid, "10")
    with pytest.raises(Conflict, match="not settled yet"):
        refund(paid, "10")
    drain()
    refund(paid, "20")
    drain()
    assert sorted(made(stripe)) == [1000, 2000]


@pytest.mark.parametrize("amount", ["0", "-1", "1000.01"])
def test_more_than_is_left_cannot_be_asked_for(paid, amount):
    with pytest.raises(Invalid) as caught:
        refund(paid, amount)
    assert "amount" in caught.value.errors


def test_a_large_refund_waits_for_a_second_person(stripe, paid, drain):
    assert refund(paid, "600") == "The refund of 600.00 EUR waits for a second person."
    drain()
    assert (effect().status, made(stripe)) == ("asked", [])

    with pytest.raises(Forbidden, match="second person"):
        effects.approve(effect().id, by=MINA)
    with pytest.raises(Forbidden):
        effects.approve(effect().id, by=SHOP)
    effects.approve(effect().id, by=OTTO)
    drain()

    assert (effect().status, effect().decided_by, made(stripe)) == ("done", "otto", [60_000])
    with pytest.raises(Conflict):
        effects.approve(effect().id, by=OTTO)


def test_nobody_is_their_own_second_person_by_a_token(stripe, paid, client, token, sign_in, drain):
    """Asked for by a program of hers, approved on the page by herself."""
    answer = client.post(f"/api/v1/payments/{paid}/refund", json={"amount": "600.00"}, headers={"Authorization": f"Bearer {token('manager')}"})
    assert "second person" in answer.text
    owner = db.session.get_one(User, db.session.scalars(select(ApiToken.user_id)).one())
    herself = Actor("staff", owner.name, owner.id, ROLES["manager"])

    with pytest.raises(Forbidden, match="second person"):
        effects.approve(effect().id, by=herself)
    effects.approve(effect().id, by=OTTO)


def test_without_an_amount_all_that_is_left_goes_back(stripe, paid, drain):
    refund(paid, "400")
    drain()
    assert refund(paid, "") == "The refund of 600.00 EUR waits for a second person."
    effects.approve(effect().id, by=OTTO)
    drain()
    assert (made(stripe), gate.row("payments")["status"]) == ([60_000, 40_000], "refunded")


def test_a_refund_that_is_declined_is_never_sent(stripe, paid, drain):
    refund(paid, "600")
    effects.decline(effect().id, by=OTTO)
    drain()

    assert (effect().status, made(stripe)) == ("declined", [])
    with pytest.raises(Conflict):
        effects.again(effect().id, by=OTTO)


def test_the_limit_is_a_setting(stripe, paid):
    with transaction() as session:
        refunds.LIMIT.set(session, 5, by=COMMAND_LINE)
    assert "waits for a second person" in refund(paid, "5.01")


def test_in_parts_it_is_the_same_limit(stripe, paid, drain):
    with transaction() as session:
        refunds.LIMIT.set(session, 5, by=COMMAND_LINE)
    assert "is on its way" in refund(paid, "3")
    drain()

    assert "waits for a second person" in refund(paid, "2.01")


def test_a_payment_whose_provider_is_not_connected_offers_no_refund(app):
    act(payment("paid", 1), source=EVENT)
    with pytest.raises(Conflict, match="No connection to the provider of this payment is on"):
        refund(gate.row("payments")["id"], "1")


@pytest.mark.parametrize(("status", "words"), [("pending", "This payment is pending"), ("refunded", "This payment is refunded"),
                                               ("disputed", "This payment is disputed")])
def test_a_payment_in_another_state_says_in_which_and_which_it_takes(app, status, words):
    act(payment(status, 1), source=EVENT)
    with pytest.raises(Conflict, match=f"{words}. Only one that is paid or part refunded can be refunded"):
        refund(gate.row("payments")["id"], "1")


def test_the_pages_show_what_is_under_way_and_what_waits(stripe, paid, sign_in, drain):
    manager, other = sign_in("manager"), sign_in("manager", email="second@example.com")
    page = manager.get(f"/payments/{paid}")
    assert f"/payments/{paid}/refund" in page.text
    manager.post(f"/payments/{paid}/refund", data={"amount": "700", "reason": "broken", "version": str(gate.row("payments")["version"])})

    own, seen = manager.get(f"/payments/{paid}").text, other.get(f"/payments/{paid}").text
    assert "Needs approval" in own
    assert "Approve" not in own
    assert "Withdraw" in own
    assert "Approve" in seen
    assert "1 open" in other.get("/").text
    assert "Approve" not in sign_in("viewer").get("/integrations/effects").text

    back = other.post(f"/integrations/effects/{effect().id}/approve", data={"back": f"/payments/{paid}"})
    assert back.location == f"/payments/{paid}"
    drain()
    assert "went back as re_" in other.get(f"/payments/{paid}").text
    assert "Refund 700.00 EUR" in other.get("/integrations/effects?view=done").text
    assert other.get("/integrations/effects?view=nothing").status_code == 400


def test_what_stands_still_is_shown_as_that_and_taken_up_by_a_button(stripe, paid, sign_in, drain):
    refund(paid, "10")
    manager = sign_in("manager")
    assert "Stopped" not in manager.get("/integrations/effects").text
    with transaction() as session:
        session.get_one(Job, effect().job_id).status = "dead"

    assert "Stopped" in manager.get("/integrations/effects").text
    assert "has ended without it" in manager.get(f"/payments/{paid}").text
    manager.post(f"/integrations/effects/{effect().id}/again")
    assert "Stopped" not in manager.get("/integrations/effects").text
    drain()
    assert made(stripe) == [1000]


def test_a_program_refunds_as_a_page_does(stripe, paid, client, token, drain):
    answer = client.post(f"/api/v1/payments/{paid}/refund", json={"amount": "10.00"}, headers={"Authorization": f"Bearer {token('manager')}"})
    assert answer.status_code == 200
    drain()
    assert made(stripe) == [1000]
