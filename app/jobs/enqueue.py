"""Putting work on a queue: a row in the caller's transaction, and the doorbell once that is through."""
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert as insert_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_sqlite
from sqlalchemy.orm import Session

from app.audit import SYSTEM, Actor
from app.errors import Conflict
from app.jobs import queues
from app.jobs.models import Job, Queued
from app.jobs.registry import kind
from app.jobs.ring import Ring
from app.transaction import after_commit, is_sqlite, now

OPEN = ("waiting", "running")


def enqueue(session: Session, name: str, args: dict[str, Any] | None = None, *, key: str | None = None,
            run_at: datetime | None = None, by: Actor | None = None, priority: int = 0) -> Job:
    """Run the job `name` with `args` once this transaction is committed, not before `run_at`.

    Of a `key` there is one open job: while it waits or runs, that one is returned. Safe to race.
    """
    what, actor = kind(name), by or SYSTEM
    values = {"kind": name, "queue": what.queue, "args": args or {}, "key": key, "run_at": run_at or now(session),
              "priority": priority, "max_attempts": what.max_attempts,
              "created_by_kind": actor.kind, "created_by_id": actor.id, "created_by": actor.name}
    job = insert(session, values) or _open(session, name, key)
    if job is None:  # the open one has ended in between
        job = insert(session, values)
    if job is None:
        raise Conflict("The same job was queued or finished at this moment. Try again.")
    ring_after(session, what.queue)
    return job


def requeue(session: Session, row: Queued) -> None:
    """Put a row that ended back in its queue with all its tries; one that waits is due at once.

    The caller holds it (`lock`) and commits. Raises Conflict while it is being worked on.
    """
    if row.status == "running":
        raise Conflict("It is being worked on right now. Wait until that has ended.")
    row.status, row.attempts, row.run_at = "waiting", 0, now(session)
    row.outcome = row.last_error = row.finished_at = None
    ring_after(session, queues.of(row).name)


def ring_after(session: Session, name: str) -> None:
    """Ring for this queue once the transaction is committed: once, however often it is asked for."""
    bell = Ring(name)
    if bell not in session.info.get("after_commit", ()):
        after_commit(session, bell)


def insert(session: Session, values: dict[str, Any]) -> Job | None:
    """Add a job; None if its key or its moment of a schedule is taken."""
    session.flush()
    into = insert_sqlite if is_sqlite(session.connection()) else insert_postgresql
    id = session.execute(into(Job).values(values).on_conflict_do_nothing().returning(Job.id)).scalar_one_or_none()
    return None if id is None else session.get(Job, id)


def _open(session: Session, name: str, key: str | None) -> Job | None:
    return session.execute(select(Job).where(Job.kind == name, Job.key == key, Job.status.in_(OPEN))).scalar_one_or_none()


def waiting(session: Session, name: str) -> int:
    """How many rows of this queue wait, due or not."""
    queue = queues.named(name)
    count: int = session.execute(select(func.count()).select_from(queue.table).where(queue.rows("waiting"))).scalar_one()
    return count
