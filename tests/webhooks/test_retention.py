"""What is old is dropped, bodies first, a few at a time; what waits for somebody never; a repeat is known for 45 days at least."""
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from app.audit import COMMAND_LINE
from app.extensions import db
from app.jobs.enqueue import enqueue
from app.jobs.models import Attempt, Job
from app.transaction import transaction
from app.webhooks import retention
from app.webhooks.models import Body, Event, StoredReceipt
from tests.webhooks.conftest import BAD, event, events, receipts

NOW = datetime.now(UTC)


def aged(days: int, *ids: int) -> None:
    """Let everything (or these events with all they brought) have come so long ago."""
    at = NOW - timedelta(days=days)
    with transaction() as session:
        mine = list(ids) or list(session.scalars(select(Event.id)))
        session.execute(update(Event).where(Event.id.in_(mine)).values(received_at=at, finished_at=at))
        session.execute(update(StoredReceipt).where(StoredReceipt.event_id.in_(mine)).values(received_at=at))
        session.execute(update(Attempt).where(Attempt.source == "webhook_events", Attempt.row_id.in_(mine)).values(started_at=at))


def count(model: type) -> int:
    db.session.rollback()
    return db.session.execute(select(func.count()).select_from(model)).scalar_one()


def attempts() -> int:
    db.session.rollback()
    return db.session.execute(select(func.count()).select_from(Attempt).where(Attempt.source == "webhook_events")).scalar_one()


@pytest.fixture
def prune(drain):
    """Run the job to its end; what it says it dropped."""

    def run() -> dict[str, int]:
        with transaction() as session:
            job_id = enqueue(session, "webhooks.prune").id
        drain()
        db.session.expire_all()
        job = db.session.get_one(Job, job_id)
        assert job.status == "done", job.last_error
        return dict(job.result or {})
    return run


@pytest.mark.parametrize(("days", "left"), [(29, (1, 1, 1, 1)), (31, (0, 1, 1, 1)), (61, (0, 0, 0, 1)), (91, (0, 0, 0, 0))])
def test_everything_has_its_own_days(post, drain, prune, days, left):
    post("payment_succeeded")
    drain()
    aged(days)

    prune()

    assert (count(Body), count(StoredReceipt), attempts(), count(Event)) == left


def test_what_waits_or_is_dead_is_never_touched(post, drain, prune):
    post(BAD, "standard")
    drain()
    post("payment_created")
    aged(1000)
    before = [(each.id, each.status) for each in events()]

    assert prune()["events"] == 0

    with transaction() as session:
        session.execute(update(Event).values(run_at=NOW))
    assert [each[0] for each in before] == [each.id for each in events()]
    assert (count(Body), count(StoredReceipt)) == (2, 2)


def test_a_body_of_many_goes_when_all_of_them_are_finished(post, drain, prune):
    post("payment_succeeded")
    post("payment_created")
    drain()
    body, dead = receipts()[0].body_id, events()[1].id
    with transaction() as session:
        session.execute(update(StoredReceipt).values(body_id=body))
        session.execute(update(Event).where(Event.id == dead).values(status="dead"))
    aged(40)
    prune()
    assert {each.body_id for each in receipts()} == {body}

    with transaction() as session:
        session.execute(update(Event).values(status="done"))
    prune()
    assert {each.body_id for each in receipts()} == {None}


def test_an_event_that_was_sent_again_lately_is_still_known(post, drain, prune):
    post("payment_succeeded")
    drain()
    aged(1000)
    post("payment_succeeded")

    prune()

    assert [each.status for each in events()] == ["done"]
    assert [each.verdict for each in receipts()] == ["duplicate"]


def test_a_repeat_is_known_after_its_body_is_gone(post, drain, prune):
    post("payment_succeeded")
    drain()
    aged(44)
    with transaction() as session:
        for setting in (retention.BODIES, retention.RECEIPTS):
            setting.set(session, 1, by=COMMAND_LINE)
        retention.EVENTS.set(session, 45, by=COMMAND_LINE)
    prune()
    assert (count(Body), count(StoredReceipt), count(Event)) == (0, 0, 1)

    post("payment_succeeded")
    drain()

    assert [each.outcome for each in events()] == ["created"]


def test_events_outlive_what_tells_about_them_and_45_days(app):
    with transaction() as session:
        retention.BODIES.set(session, 400, by=COMMAND_LINE)
    assert retention.days() == {"bodies": 400, "receipts": 400, "attempts": 400, "events": 401}
    with transaction() as session, pytest.raises(ValueError, match="from 45"):
        retention.EVENTS.set(session, 44, by=COMMAND_LINE)


def test_it_goes_in_small_steps_and_goes_on_after_a_crash(post, drain, prune, monkeypatch):
    monkeypatch.setattr(retention, "A_TIME", 2)
    for number in range(5):
        post(event("unknown_kind", id=f"evt_{number}"))
    aged(100)
    step = retention.STEPS["receipts"]

    def killed(session, after, cutoff):
        if after:
            raise MemoryError("gone")
        return step(session, after, cutoff)
    monkeypatch.setitem(retention.STEPS, "receipts", killed)
    with transaction() as session:
        enqueue(session, "webhooks.prune")
    drain()
    assert (count(Body), count(StoredReceipt)) == (0, 3)
    monkeypatch.setitem(retention.STEPS, "receipts", step)
    with transaction() as session:
        session.execute(update(Job).values(run_at=NOW))
    drain()

    assert db.session.scalars(select(Job)).one().result == {"bodies": 5, "receipts": 5, "attempts": 0, "events": 5}


def test_rejected_posts_are_dropped_by_age_too(post, prune):
    post("payment_succeeded", secret="whsec_somebody_elses")
    with transaction() as session:
        session.execute(update(StoredReceipt).values(received_at=NOW - timedelta(days=61)))

    prune()

    assert (count(Body), count(StoredReceipt)) == (0, 0)


def test_an_admin_sees_how_much_is_kept_and_says_for_how_long(sign_in, post, drain):
    post("payment_succeeded")
    drain()
    admin = sign_in("admin")
    page = admin.get("/webhooks/kept").text
    assert "The very bytes of each post" in page

    assert admin.post("/webhooks/kept", data={"bodies": "7", "receipts": "14", "events": "44"}).status_code == 422
    assert admin.post("/webhooks/kept", data={"bodies": "7", "receipts": "14", "events": "50"}).status_code == 303
    assert retention.days() == {"bodies": 7, "receipts": 14, "attempts": 14, "events": 50}
    assert admin.post("/webhooks/kept/prune").status_code == 303
    assert sign_in("manager").get("/webhooks/kept").status_code == 403
