"""One round of the sweeper, and what it drops of what is old."""
from datetime import timedelta

import sqlalchemy as sa

from app.extensions import db
from app.jobs import presence, queues, sweep
from app.jobs.enqueue import enqueue
from app.jobs.jobs import KEPT
from app.jobs.models import Attempt, Job, Worker
from app.jobs.queue import claim
from app.transaction import now, transaction
from tests.jobs.trials import Parcel


def queue_it(name="trial.says", **options):
    with transaction() as session:
        return enqueue(session, name, **options).id


def test_a_round_brings_back_what_a_dead_worker_held(app, parcels, send):
    send(3)
    claim(parcels, "gone")
    with transaction() as session:
        session.execute(sa.update(Parcel).values(lease_until=now(session) - timedelta(seconds=1)))
    assert sweep.sweep()["expired"] == 3
    assert sweep.sweep()["expired"] == 0


def test_it_knows_where_something_is_due(app, parcels, send):
    assert sweep.waiting() == []
    send(1)
    assert [queue.name for queue in sweep.waiting()] == ["parcels"]
    queue_it("trial.chunks")
    assert {queue.name for queue in sweep.waiting()} == {"parcels", "heavy"}


def test_heavy_queues_come_last(app, parcels):
    heavy = [queue.heavy for queue in queues.registered()]
    assert heavy == sorted(heavy)


def test_a_worker_counts_from_its_own_beginning(app, monkeypatch):
    """It is forked from a process that may have worked before: a heavy one would leave at the first bell."""
    monkeypatch.setattr(presence, "done", 104)
    presence.arrive(["heavy"])
    assert presence.done == 0


def test_a_worker_is_seen_while_it_is_there(app):
    presence.arrive(["default", "webhooks"])
    db.session.rollback()
    row, = db.session.execute(sa.select(Worker)).scalars()
    assert row.queues == "default, webhooks"
    db.session.rollback()
    presence.leave()
    assert db.session.execute(sa.select(sa.func.count()).select_from(Worker)).scalar_one() == 0


def test_workers_that_were_killed_long_ago_are_forgotten(app):
    presence.arrive(["default"])
    with transaction() as session:
        session.execute(sa.update(Worker).values(seen_at=now(session) - timedelta(days=2)))
    sweep.sweep()
    db.session.rollback()
    assert db.session.execute(sa.select(sa.func.count()).select_from(Worker)).scalar_one() == 0


def test_old_jobs_are_dropped_and_dead_ones_kept_longer(app, drain, stored):
    old, dead, young, waiting = (queue_it(key=str(number)) for number in range(4))
    drain()
    with transaction() as session:
        long_ago = now(session) - timedelta(days=KEPT.get() + 1)
        session.execute(sa.update(Job).where(Job.id.in_([old, dead])).values(finished_at=long_ago))
        session.execute(sa.update(Job).where(Job.id == dead).values(status="dead"))
        session.execute(sa.update(Job).where(Job.id == waiting).values(status="waiting", run_at=now(session) + timedelta(days=1)))
        session.execute(sa.update(Attempt).where(Attempt.row_id == old).values(started_at=now(session) - timedelta(days=400)))
    pruning = queue_it("jobs.prune")
    drain()
    assert stored(pruning).result == {"jobs": 1, "attempts": 1}
    db.session.rollback()
    left = db.session.execute(sa.select(Job.id).order_by(Job.id)).scalars().all()
    assert left == [dead, young, waiting, pruning]
