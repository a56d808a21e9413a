"""What a provider lists is laid beside what we have: same, differing, missing here, missing there; applied, undone, resumed."""
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app import notices
from app.audit import COMMAND_LINE, Audit
from app.errors import Conflict
from app.extensions import db
from app.fakes.fake import GARBLED, SLOW, failing, limited, served
from app.fakes.stripe import FakeStripe
from app.integrations import connections, limiter, sync_run
from app.integrations.sync import Sync
from app.jobs import schedules
from app.jobs.models import Job, Schedule
from app.records import owners
from app.records.batches import BatchRow
from app.records.changes import Change
from app.transaction import transaction
from tests.integrations.syncing import batch_of, begun, connected, connection, customer, found, fresh
from tests.jobs.killing import killed_when, work_off, worker
from tests.records import gate
from tests.records.gate import EVENT, act, payment


@pytest.fixture
def stripe(app):
    fake = FakeStripe()
    with served(fake) as url:
        connected(url)
        yield fake


def jobs():
    db.session.rollback()
    return list(db.session.scalars(select(Job).order_by(Job.id)))


def due_now():
    with transaction() as session:
        session.execute(update(Job).where(Job.status == "waiting").values(run_at=datetime.now(UTC) - timedelta(seconds=1)))
    limiter.forget()


def told(stripe):
    """Four payments: one as it is there, one that differs, one we never heard of, one that is not there any more."""
    for id in ("pi_same", "pi_differs", "pi_lost"):
        stripe.paid(id, amount=1000)
    stripe.shelves["charges"].get("ch_pi_differs").update(amount_refunded=400)
    known = [payment("paid", 1, id=id, refunded_minor=0, method="card") for id in ("pi_same", "pi_differs")]
    act(*known, payment("paid", 1, id="pi_gone"), source=EVENT)


def test_what_is_the_same_what_differs_and_what_is_missing_on_either_side_is_told_apart(stripe, drain):
    told(stripe)
    sync = begun()
    drain()

    assert found(sync) == {"pi_lost": "created", "pi_differs": "updated", "pi_same": "unchanged", "pi_gone": "absent"}
    [row] = db.session.scalars(select(BatchRow).where(BatchRow.batch_id == batch_of(sync).id, BatchRow.outcome == "updated"))
    assert row.diff == {"refunded_minor": [0, 400], "status": ["paid", "part_refunded"]}
    assert fresh(sync).stage == "review"
    assert len(gate.rows("payments")) == 3      # nothing was written


def test_the_webhook_that_never_came_is_made_good_and_can_be_taken_back(stripe, drain, monkeypatch):
    told(stripe)
    sync = begun()
    drain()
    sync_run.run(sync, by=COMMAND_LINE)
    sync_run.run(sync, by=COMMAND_LINE)
    drain()

    assert gate.row("payments", external_id="pi_lost")["account"] == "stripe"
    assert gate.row("payments", external_id="pi_differs")["refunded_minor"] == 400
    assert gate.row("payments", external_id="pi_gone")["trashed_at"] is None
    assert fresh(sync).stage == "done"
    assert {row.door_id for row in db.session.scalars(select(Audit).where(Audit.door == "sync"))} == {sync}

    monkeypatch.setattr(owners, "_checks", [lambda session, account: True])      # what a live provider keeps is what is taken back
    sync_run.undo(sync, by=COMMAND_LINE)
    drain()
    assert gate.row("payments", external_id="pi_lost")["trashed_at"] is not None
    assert gate.row("payments", external_id="pi_differs")["refunded_minor"] == 0
    assert batch_of(sync).undone == {"trashed": 1, "restored": 1}

    again = begun()
    drain()
    assert found(again)["pi_differs"] == "updated", "and what the provider says next is news as ever"


def test_only_what_is_chosen_is_written(stripe, drain):
    told(stripe)
    sync = begun()
    drain()
    sync_run.run(sync, only="created", by=COMMAND_LINE)
    drain()
    assert found(sync) == {"pi_lost": "created", "pi_differs": "skipped", "pi_same": "unchanged", "pi_gone": "absent"}

    again = begun()
    drain()
    [row] = db.session.scalars(select(BatchRow).where(BatchRow.batch_id == batch_of(again).id, BatchRow.outcome == "updated"))
    sync_run.run(again, rows=[row.number], by=COMMAND_LINE)
    drain()
    assert gate.row("payments", external_id="pi_differs")["refunded_minor"] == 400
    with pytest.raises(Conflict):
        sync_run.run(again, by=COMMAND_LINE)


def test_what_was_listed_counts_as_of_the_moment_before_it_was_asked_for(stripe, drain):
    """An event that comes while somebody looks at the comparison is newer, and stays."""
    stripe.paid("pi_1", amount=1000)
    act(payment("pending", 1), source=EVENT)
    sync = begun()
    drain()
    assert found(sync) == {"pi_1": "updated"}
    now = datetime.now(UTC)
    act(Change("payments", {"status": "disputed"}, key={"external_id": "pi_1"}, as_of=now), source=EVENT)

    sync_run.run(sync, by=COMMAND_LINE)
    drain()
    assert gate.row("payments")["status"] == "disputed"


def test_what_happens_while_the_reply_is_on_its_way_is_newer_than_the_reply(app, stripe, drain):
    """The reply may not know of it: it counts as of the moment before it was asked for."""
    stripe.paid("pi_1", amount=1000)
    act(payment("pending", 1, method="card", refunded_minor=0), source=EVENT)
    answer = stripe.answer

    def answer_late(request):
        said = answer(request)
        with app.app_context():
            act(Change("payments", {"status": "disputed"}, key={"external_id": "pi_1"}, as_of=datetime.now(UTC)), source=EVENT)
        return said
    stripe.answer = answer_late
    sync = begun()
    drain()
    assert found(sync) == {"pi_1": "stale"}
    assert fresh(sync).stage == "same"


@pytest.mark.alike
def test_customers_subscriptions_refunds_and_disputes_are_told_as_events_tell_them(stripe, drain):
    customer(stripe, 1)
    stripe.shelves["subscriptions"].put({
        "id": "sub_1", "object": "subscription", "status": "active", "currency": "eur", "customer": "cus_1", "created": 1_780_000_000,
        "items": {"data": [{"quantity": 1, "price": {"unit_amount": 1900, "currency": "eur", "product": "p"}}]}})
    stripe.paid("pi_1", amount=1000)
    stripe.shelves["charges"].get("ch_pi_1").update(amount_refunded=400)
    stripe.shelves["refunds"].put({"id": "re_1", "object": "refund", "amount": 400, "currency": "eur", "charge": "ch_pi_1",
                                   "payment_intent": "pi_1", "status": "succeeded", "created": 1_780_000_000})
    for name in ("customers", "subscriptions", "refunds"):
        sync = begun(name)
        drain()
        sync_run.run(sync, by=COMMAND_LINE)
        drain()
    assert gate.row("customers")["email"] == "c1@example.com"
    assert gate.row("subscriptions")["customer_id"] == gate.row("customers")["id"]
    assert (gate.row("payments")["status"], gate.row("payments")["refunded_minor"]) == ("part_refunded", 400)

    stripe.shelves["charges"].get("ch_pi_1").update(disputed=True)
    stripe.shelves["disputes"].put({"id": "dp_1", "object": "dispute", "payment_intent": "pi_1", "charge": "ch_pi_1", "currency": "eur",
                                    "status": "needs_response", "created": 1_780_000_000})
    assert found_after(drain, "payments") == {"pi_1": "unchanged"}      # how a dispute stands only the dispute says
    assert found_after(drain, "disputes") == {"pi_1": "updated"}


def found_after(drain, name):
    sync = begun(name)
    drain()
    return found(sync)


@pytest.mark.alike
def test_what_cannot_be_read_is_a_row_and_harms_no_other(stripe, drain):
    customer(stripe, 1)
    stripe.paid("pi_1")
    stripe.paid("pi_odd")
    stripe.shelves["charges"].get("ch_pi_odd").update(amount_captured="a lot")
    assert found_after(drain, "payments") == {"pi_odd": "invalid", "pi_1": "created"}


@pytest.mark.alike
def test_a_list_goes_on_behind_the_last_page_that_was_kept(stripe, drain):
    for number in range(250):
        customer(stripe, number)
    stripe.next(None, *[failing(500)] * 3)      # the second page fails until the job gives up for now
    sync = begun("customers")
    drain()
    assert fresh(sync).listed == 100
    due_now()
    connections.test(connection())              # somebody says that it is mended
    drain()

    assert (fresh(sync).listed, batch_of(sync).rows, len(found(sync))) == (250, 250, 250)
    starts = [heard.query.get("starting_after") for heard in stripe.heard if heard.path == "/v1/customers"]
    assert starts.count(None) == 1


@pytest.mark.alike
def test_a_limit_of_calls_costs_no_try_and_nothing_twice(stripe, drain):
    for number in range(150):
        customer(stripe, number)
    stripe.next(None, limited("30"))
    sync = begun("customers")
    drain()
    [job] = [each for each in jobs() if each.kind == "integrations.sync_list"]
    assert (job.status, job.attempts) == ("waiting", 0)
    due_now()
    drain()
    assert batch_of(sync).rows == 150


def test_it_can_be_stopped_while_it_lists_and_before_it_writes(stripe, drain):
    told(stripe)
    sync = begun()
    sync_run.stop(sync, by=COMMAND_LINE)
    sync_run.stop(sync, by=COMMAND_LINE)
    drain()
    assert (fresh(sync).stage, stripe.heard) == ("cancelled", [])
    again = begun()
    assert begun() == again      # what is at work is not begun twice
    drain()
    sync_run.stop(again, by=COMMAND_LINE)
    with pytest.raises(Conflict):
        sync_run.run(again, by=COMMAND_LINE)


@pytest.mark.alike
def test_a_reply_nobody_can_read_ends_it_with_a_sentence_and_it_can_go_on(stripe, drain):
    told(stripe)
    stripe.next(GARBLED)
    sync = begun()
    drain()
    [job] = jobs()
    assert job.status == "dead"
    assert "not JSON" in job.last_error
    sync_run.go_on(sync, by=COMMAND_LINE)
    drain()
    assert fresh(sync).stage == "review"


def test_what_differs_is_told_on_the_first_page_until_it_is_taken_over(stripe, drain):
    told(stripe)
    stripe.paid("pi_gone", amount=1000)
    sync = begun()
    drain()
    [notice] = notices.opened(db.session(), COMMAND_LINE)
    assert notice.title == "Stripe EU: payments differ from ours"
    assert notice.detail.startswith("1 is missing here")
    assert notice.url == f"/integrations/syncs/{sync}"
    sync_run.run(sync, by=COMMAND_LINE)
    drain()
    assert notices.opened(db.session(), COMMAND_LINE) == []
    assert fresh(begun()).stage == "list"
    drain()
    assert notices.opened(db.session(), COMMAND_LINE) == []


def test_a_later_sync_outdates_an_earlier_one_and_drops_its_rows(stripe, drain):
    told(stripe)
    first, second = begun(), 0
    drain()
    second = begun()
    drain()
    assert (fresh(first).stage, found(first)) == ("outdated", {})
    assert batch_of(first).plans == {"created": 1, "updated": 1, "unchanged": 1, "absent": 1}
    assert fresh(second).stage == "review"


def test_it_goes_on_from_where_the_last_one_began_and_comes_by_the_clock(stripe, drain):
    stripe.paid("pi_old", created=1_500_000_000)
    stripe.paid("pi_new")
    first = begun()
    drain()
    second = begun(goes_on=True)
    assert fresh(second).since == fresh(first).created_at - timedelta(days=35)
    drain()
    assert set(found(second)) == {"pi_new"}

    sync_run.schedule(connection(), "hour", by=COMMAND_LINE)
    with transaction() as session:
        session.execute(update(Schedule).values(next_at=datetime.now(UTC)))
    assert schedules.fire() >= 1
    drain()
    db.session.rollback()
    assert {row.listing for row in db.session.scalars(select(Sync).where(Sync.created_by == "Backroom"))} == {
        "customers", "payments", "refunds", "disputes", "subscriptions"}
    sync_run.schedule(connection(), "", by=COMMAND_LINE)
    assert sync_run.scheduled(db.session(), connection()) is None


@pytest.mark.alike
def test_nothing_is_asked_through_a_connection_that_is_off(stripe, drain):
    connections.switch(connection(), on=False, by=COMMAND_LINE)
    with pytest.raises(Conflict):
        begun()
    assert sync_run.come_again(connection()) == {"begun": 0}
    assert stripe.heard == []


@pytest.mark.slow
@pytest.mark.alike
def test_a_worker_killed_while_it_lists_repeats_no_page_and_loses_none(stripe, drain, environ):
    for number in range(250):
        customer(stripe, number)
    stripe.next(None, SLOW)
    sync = begun("customers")
    killed_when(worker(environ), lambda: len(stripe.heard) == 2)
    assert batch_of(sync).rows == 100
    work_off(drain)

    assert (fresh(sync).stage, fresh(sync).listed, len(found(sync))) == ("review", 250, 250)
    starts = [heard.query.get("starting_after") for heard in stripe.heard if heard.path == "/v1/customers"]
    assert starts == [None, "cus_150", "cus_150", "cus_50"]
