"""What a person may do to a job: run it again, cancel it, discard it, and that the trail tells of it."""
import pytest
import sqlalchemy as sa

from app.audit import SYSTEM, Audit
from app.errors import Conflict, NotFound
from app.extensions import db
from app.jobs import mend, queues
from app.jobs.queue import claim
from app.jobs.work import run


@pytest.fixture(autouse=True)
def _tables(trial_tables):
    pass


def deeds():
    db.session.rollback()
    found = sa.select(Audit.action, Audit.record_id, Audit.actor).where(Audit.resource == "jobs").order_by(Audit.id)
    return db.session.execute(found).all()


def test_a_dead_job_is_queued_again_once_however_often_one_presses(job, stored):
    id = job(status="dead", attempts=5, last_error="No", cancel_requested_at=None)
    mend.retry(id, by=SYSTEM)
    mend.retry(id, by=SYSTEM)
    assert (stored(id).status, stored(id).attempts, stored(id).last_error) == ("waiting", 0, None)


def test_a_retry_keeps_the_cursor(job, stored):
    id = job(status="dead", cursor={"next": 7})
    mend.retry(id, by=SYSTEM)
    assert stored(id).cursor == {"next": 7}


def test_a_job_that_is_done_is_not_done_again(job):
    with pytest.raises(Conflict, match="done"):
        mend.retry(job(status="done"), by=SYSTEM)


def test_a_retry_does_not_run_beside_its_successor(job):
    dead = job(key="orders", status="dead")
    job(key="orders")
    with pytest.raises(Conflict, match="Another job"):
        mend.retry(dead, by=SYSTEM)


def test_a_waiting_job_is_cancelled_at_once(job, stored, drain):
    id = job()
    assert mend.cancel(id, by=SYSTEM)
    assert mend.cancel(id, by=SYSTEM)
    assert drain() == 0
    assert (stored(id).status, stored(id).outcome) == ("cancelled", "cancelled")


def test_a_running_job_is_asked_to_stop(job, stored):
    id = job("trial.chunks", args={"total": 3})
    one, = claim(queues.named("heavy"), "me")
    assert not mend.cancel(id, by=SYSTEM)
    assert stored(id).status == "running"
    run(one)
    assert stored(id).status == "cancelled"


@pytest.mark.parametrize("status", ["done", "dead"])
def test_what_has_ended_cannot_be_cancelled(job, status):
    with pytest.raises(Conflict):
        mend.cancel(job(status=status), by=SYSTEM)


def test_only_a_dead_job_is_discarded(job, stored):
    dead = job(status="dead")
    mend.discard(dead, by=SYSTEM)
    assert (stored(dead).status, stored(dead).outcome) == ("cancelled", "discarded")
    with pytest.raises(Conflict):
        mend.discard(job(), by=SYSTEM)


@pytest.mark.parametrize(("verb", "state"), [(mend.retry, {"status": "dead"}), (mend.cancel, {}), (mend.discard, {"status": "dead"})])
def test_what_is_pressed_twice_is_in_the_trail_once(job, verb, state):
    id = job(**state)
    verb(id, by=SYSTEM)
    verb(id, by=SYSTEM)
    assert len(deeds()) == 1


def test_every_deed_is_in_the_trail(job):
    first, second = job(status="dead"), job(status="dead", key="two")
    mend.retry(first, by=SYSTEM)
    mend.cancel(first, by=SYSTEM)
    mend.discard(second, by=SYSTEM)
    assert [tuple(row) for row in deeds()] == [("jobs.retry", first, "Backroom"), ("jobs.cancel", first, "Backroom"),
                                               ("jobs.discard", second, "Backroom")]


@pytest.mark.parametrize("verb", [mend.retry, mend.cancel, mend.discard])
def test_a_job_that_is_not_there_is_not_found(app, verb):
    with pytest.raises(NotFound):
        verb(4711, by=SYSTEM)
