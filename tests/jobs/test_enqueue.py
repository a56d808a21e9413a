"""Queueing: a row in the caller's transaction, one open job of a key, and trying again."""
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.errors import Conflict
from app.extensions import db
from app.jobs import process, registry
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.transaction import now, transaction
from tests.jobs.trials import queue_it


@pytest.fixture(autouse=True)
def _tables(trial_tables):
    yield
    process._stopping.clear()


def count() -> int:
    db.session.rollback()
    return db.session.execute(sa.select(sa.func.count()).select_from(Job)).scalar_one()


def test_a_job_runs_with_its_arguments_and_keeps_its_result(app, drain, stored, kind):
    kind(lambda work, left, right: {"sum": left + right})
    id = queue_it(args={"left": 2, "right": 3})
    assert drain() == 1
    job = stored(id)
    assert (job.status, job.outcome, job.result) == ("done", "done", {"sum": 5})
    assert job.finished_at is not None


def test_a_job_whose_transaction_is_rolled_back_was_never_there(app, drain):
    with pytest.raises(ZeroDivisionError), transaction() as session:
        enqueue(session, "trial.says")
        1 / 0  # noqa: B018
    assert count() == 0
    assert drain() == 0


def test_a_job_does_not_run_before_its_time(app, drain, stored):
    id = queue_it("trial.says", run_at=datetime.now(UTC) + timedelta(hours=1))
    assert drain() == 0
    assert stored(id).status == "waiting"


def test_of_a_key_there_is_one_open_job(app, drain):
    first = queue_it("trial.says", key="orders")
    assert queue_it("trial.says", key="orders") == first
    assert queue_it("trial.says", key="payments") != first
    drain()
    assert queue_it("trial.says", key="orders") != first


def test_a_kind_nobody_declared_is_refused_when_it_is_queued(app):
    with pytest.raises(KeyError):
        queue_it("trial.unheard")


def test_a_worker_that_does_not_know_the_kind_leaves_it_to_others(app, drain, stored, kind, monkeypatch):
    kind(lambda work: None)
    id = queue_it()
    monkeypatch.delitem(registry._kinds, "trial.this")
    drain()
    assert stored(id).status == "waiting"
    assert "does not know jobs of the kind trial.this" in stored(id).last_error


def test_a_job_that_fails_is_tried_again_and_then_dead(app, drain, stored):
    id = queue_it("trial.fails")
    drain()
    assert (stored(id).status, stored(id).attempts) == ("waiting", 1)
    with transaction() as session:
        session.execute(sa.update(Job).values(run_at=now(session)))
    drain()
    assert (stored(id).status, stored(id).attempts) == ("dead", 2)


def test_queueing_a_key_that_ends_at_this_very_moment_queues_it_anew(app, monkeypatch):
    """The open job is seen by the insert but has ended before it is read."""
    from app.jobs import enqueue as module
    taken = iter([None])
    real = module.insert
    monkeypatch.setattr(module, "insert", lambda *args: next(taken, False) is None and None or real(*args))
    assert queue_it("trial.says", key="orders") > 0


def test_a_key_that_stays_taken_is_a_conflict_that_can_be_repeated(app, monkeypatch):
    from app.jobs import enqueue as module
    monkeypatch.setattr(module, "insert", lambda *args: None)
    with pytest.raises(Conflict):
        queue_it("trial.says", key="orders")
