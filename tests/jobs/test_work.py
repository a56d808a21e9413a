"""Jobs: queued in a transaction, run with what their function needs, resumed where they stopped."""
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.audit import COMMAND_LINE, Actor
from app.extensions import db
from app.jobs import process, queues
from app.jobs.drain import drain as drain_one
from app.jobs.models import Attempt, Job
from app.jobs.queue import LostLease, claim, expire
from app.jobs.work import Cancelled, Stopped, Work, run
from app.transaction import now, transaction
from tests.jobs.trials import effect, effects, queue_it


@pytest.fixture(autouse=True)
def _tables(trial_tables):
    yield
    process._stopping.clear()


# who it works for

def test_a_job_acts_for_who_queued_it_with_the_rights_of_now(app, drain, stored, user):
    id = user("operator")
    job = queue_it("trial.says", by=Actor("staff", "Operator", id, grants=("*",)))
    drain()
    assert stored(job).result["may"] == "True"      # an operator may edit orders
    with transaction() as session:
        session.execute(sa.text("UPDATE users SET role = 'viewer'"))
    job = queue_it("trial.says", by=Actor("staff", "Operator", id, grants=("*",)))
    drain()
    assert stored(job).result["may"] == "False"


def test_a_job_of_somebody_who_is_gone_may_do_nothing(app, drain, stored):
    job = queue_it("trial.says", by=Actor("staff", "Ghost", 4711, grants=("*",)))
    drain()
    assert stored(job).result == {"actor": "nobody", "may": "False"}


def test_the_command_line_and_the_system_have_every_right(app, drain, stored):
    jobs = [queue_it("trial.says", by=COMMAND_LINE), queue_it("trial.says")]
    drain()
    assert [stored(id).result["actor"] for id in jobs] == ["command line", "Backroom"]
    assert {stored(id).result["may"] for id in jobs} == {"True"}


# chunks, cursor, progress

def test_a_job_in_chunks_commits_each_with_its_cursor(app, drain, stored):
    id = queue_it("trial.chunks", {"total": 3})
    drain()
    job = stored(id)
    assert (job.status, job.cursor, job.progress_done, job.progress_total) == ("done", {"next": 3}, 3, 3)
    assert effects("chunks") == {0: 1, 1: 1, 2: 1}


def test_a_job_that_fails_half_way_goes_on_where_it_stopped(app, drain, stored, kind):
    def half(work):
        for number in range(work.cursor.get("next", 0), 4):
            if number == 2 and work.attempt == 1:
                raise ValueError("half way")
            with work.transaction(cursor={"next": number + 1}) as session:
                effect(session, "half", number)
    kind(half)
    id = queue_it()
    drain()
    assert stored(id).cursor == {"next": 2}
    with transaction() as session:
        session.execute(sa.update(Job).values(run_at=now(session)))
    drain()
    assert stored(id).status == "done"
    assert effects("half") == {0: 1, 1: 1, 2: 1, 3: 1}


def test_a_chunk_that_fails_leaves_neither_effect_nor_cursor(app, drain, stored, kind):
    def breaks(work):
        with work.transaction(cursor={"next": 1}) as session:
            effect(session, "half", 0)
            raise ValueError
    kind(breaks)
    id = queue_it()
    drain()
    assert stored(id).cursor is None
    assert effects("half") == {}


def test_a_chunk_of_a_job_that_was_lost_leaves_nothing(app, stored, kind):
    seen = []

    def loses(work):
        lose(work)
        with pytest.raises(LostLease), work.transaction(cursor={"next": 1}) as session:
            effect(session, "lost", 0)
        with pytest.raises(LostLease):
            work.progress(1, 1)
        seen.append(work.cursor)
        raise LostLease
    kind(loses)
    id = queue_it()
    drain_one("default", rows=1)
    assert effects("lost") == {}
    assert seen == [{}]
    assert stored(id).lease_owner == "other"


def test_the_effect_and_the_end_of_a_job_can_be_one_commit(app, drain, stored):
    id = queue_it("trial.once")
    drain()
    assert stored(id).status == "done"
    assert stored(id).result.keys() == {"by"}
    assert effects("once") == {id: 1}


def test_progress_is_seen_by_others_while_the_job_runs(app, drain, stored, kind):
    seen = []

    def tells(work):
        work.progress(5, 10, "reading")
        work.progress(6, 10, "too soon to write again")
        seen.append(db.session.execute(sa.select(Job.progress_done, Job.progress_total, Job.progress_note)).one())
        db.session.rollback()
        work.progress(10, 10, "the end is always written")
    kind(tells)
    id = queue_it()
    drain()
    assert [tuple(row) for row in seen] == [(5, 10, "reading")]
    assert (stored(id).progress_done, stored(id).progress_note) == (10, "the end is always written")


def test_telling_progress_leaves_the_rows_being_read_alone(app, drain, kind):
    queue_it("trial.says", run_at=datetime.now(UTC) + timedelta(hours=1))
    read = []

    def reads(work):
        rows = db.session.execute(sa.select(Job.id).order_by(Job.id).execution_options(yield_per=1))
        for number, row in enumerate(rows):
            work._told = 0.0
            work.progress(number, 10)
            read.append(row.id)
    kind(reads)
    queue_it()
    drain()
    assert len(read) == 2


def test_progress_inside_a_transaction_is_a_mistake_that_is_named(app, drain, stored, kind):
    def mistaken(work):
        with work.transaction():
            work.progress(1, 1)
    kind(mistaken)
    id = queue_it()
    drain()
    assert "would wait for the transaction around it" in stored(id).last_error


# cancelling and stopping

def test_a_running_job_hears_that_it_was_cancelled_after_its_chunk(app, drain, stored, kind):
    heard = []

    def cancelled(work):
        ask_to_cancel(work.job_id)
        try:
            with work.transaction(cursor={"next": 1}) as session:
                effect(session, "cancelled", 0)
        except Cancelled:
            heard.append(True)
            raise
    kind(cancelled)
    id = queue_it()
    drain()
    assert heard == [True]
    assert (stored(id).status, stored(id).outcome) == ("cancelled", "cancelled")
    assert effects("cancelled") == {0: 1}       # what was committed stays


def test_progress_hears_it_too(app, drain, stored, kind):
    def cancelled(work):
        ask_to_cancel(work.job_id)
        work.progress(1, 2)
    kind(cancelled)
    id = queue_it()
    drain()
    assert stored(id).status == "cancelled"


def test_a_job_that_was_cancelled_while_its_worker_died_does_not_start_again(app, drain, stored, kind):
    ran = []
    kind(lambda work: ran.append(True))
    id = queue_it()
    ask_to_cancel(id)
    drain()
    assert ran == []
    assert stored(id).status == "cancelled"


def test_a_job_is_given_back_with_its_cursor_when_the_worker_must_stop(app, stored, kind):
    def stops(work):
        process.stop()
        with pytest.raises(Stopped), work.transaction(cursor={"next": 7}):
            pass
        work.progress(1, 1)
    kind(stops)
    id = queue_it()
    drain_one("default")
    job = stored(id)
    assert (job.status, job.attempts, job.cursor) == ("waiting", 0, {"next": 7})
    db.session.rollback()
    assert db.session.execute(sa.select(Attempt.outcome)).scalar_one() == "returned"


def test_a_job_that_is_gone_is_not_ours(app, kind):
    kind(lambda work: None)
    queue_it()
    one, = claim(queues.named("default"), "me")
    with transaction() as session:
        session.execute(sa.delete(Job))
    with pytest.raises(LostLease):
        run(one)


def ask_to_cancel(id: int) -> None:
    with transaction() as session:
        session.execute(sa.update(Job).where(Job.id == id).values(cancel_requested_at=now(session)))


def lose(work: Work) -> None:
    """The lease of this job runs out and somebody else takes it."""
    with transaction() as session:
        session.execute(sa.update(Job).where(Job.id == work.job_id).values(lease_until=now(session) - timedelta(seconds=1)))
    expire(queues.named("default"))
    claim(queues.named("default"), "other")
