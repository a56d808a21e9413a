"""One job at work: what its function is given, and how it ends."""
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from sqlalchemy import Table, update
from sqlalchemy.orm import Session

from app import access
from app.access import NOBODY
from app.audit import COMMAND_LINE, SYSTEM, Actor
from app.errors import Unavailable
from app.extensions import db
from app.jobs import present, process, queue, queues
from app.jobs.models import Job
from app.jobs.queue import Claim, LostLease, Queue, lease
from app.jobs.registry import Kind, kind
from app.transaction import apart, now, transaction

EVERY = 0.5     # seconds between two writes of the progress
FALLBACKS = {None: SYSTEM, "system": SYSTEM, "command": COMMAND_LINE}
jobs = cast(Table, Job.__table__)


class Cancelled(Exception):
    """A person cancelled the job. What was committed stays; let it through."""


class Stopped(Exception):
    """The worker has to stop: the job goes back to its queue with its cursor and does not lose a try. Let it through."""


class Work:
    """What a job's function is given: who it works for, where to go on, and how to commit and report a step."""

    def __init__(self, job: Job, claim: Claim) -> None:
        self.job_id = job.id
        self.kind = job.kind
        self.attempt = claim.attempt
        self.cursor: dict[str, Any] = dict(job.cursor or {})
        self.claim = claim
        self.is_finished = False
        self._by = (job.created_by_kind, job.created_by_id)
        self._told = 0.0

    @property
    def actor(self) -> Actor:
        """Who queued the job, with the rights they have at this moment; nobody if they are gone."""
        return access.again(*self._by, FALLBACKS.get(self._by[0], NOBODY))  # type: ignore[arg-type]

    def progress(self, done: int, total: int | None = None, note: str = "") -> None:
        """Say how far it is, hold on to the job, and hear whether to go on; at most twice a second. Not within transaction().

        Raises Cancelled, Stopped, or LostLease. Reads the session has open are left alone.
        """
        if done != total and time.monotonic() < self._told + EVERY:
            return
        self._told = time.monotonic()
        with apart() as connection:
            told = self._tell(Session(connection), progress_done=done, progress_total=total, progress_note=note or None)
        self._heed(told)

    @contextmanager
    def transaction(self, *, cursor: dict[str, Any] | None = None, done: int | None = None, total: int | None = None,
                    note: str | None = None, finish: bool = False, result: dict[str, Any] | None = None) -> Iterator[Session]:
        """One chunk: what is written commits together with the cursor, or not at all. The fence is the last statement.

        `self.cursor` may also be changed inside. `finish` ends the job in the same commit. Raises Cancelled or Stopped after
        the commit, LostLease instead of it.
        """
        before = dict(self.cursor)
        try:
            with transaction() as session:
                yield session
                self.cursor.update(cursor or {})
                progress = {"progress_done": done, "progress_total": total, "progress_note": note}
                told = self._fence(session, progress, finish, result)
        except BaseException:
            self.cursor = before
            raise
        self.is_finished = self.is_finished or finish
        if not finish:
            self._heed(told)

    def _fence(self, session: Session, progress: dict[str, Any], finish: bool, result: dict[str, Any] | None) -> Any:
        values = {name: value for name, value in progress.items() if value is not None} | {"cursor": self.cursor}
        if finish:
            queue.finish(session, self.claim, result=result, **values)
            return None
        session.flush()
        return self._tell(session, **values)

    def _tell(self, session: Session, **values: Any) -> Any:
        row = session.execute(
            update(jobs).where(jobs.c.id == self.job_id, jobs.c.status == "running", jobs.c.lease_token == self.claim.token)
            .values(lease_until=now(session) + lease(), **values).returning(jobs.c.cancel_requested_at)).first()
        if row is None:
            raise LostLease(f"job {self.job_id} is not ours any more")
        return row[0]

    def _heed(self, cancel_requested_at: Any) -> None:
        if cancel_requested_at is not None:
            raise Cancelled
        if process.stopping():
            raise Stopped


def work(claims: list[Claim]) -> None:
    """Run these jobs, one after the other."""
    for claim in claims:
        run(claim)


def run(claim: Claim) -> None:
    """Run one job and write how it ended. Raises what its function raised, unless it was cancelled or has to stop."""
    job = db.session.get(Job, claim.id)
    if job is None:
        raise LostLease(f"job {claim.id} is gone")
    what, task = _kind(job.kind), Work(job, claim)
    args, cancelled = dict(job.args), job.cancel_requested_at is not None
    db.session.rollback()  # the function begins with no transaction open
    process.may_take(what.seconds)
    try:
        with present.working_on(claim.id):
            result = None if cancelled else what.run(task, **args)
    except Cancelled:
        cancelled = True
    except Stopped:
        with transaction() as session:
            queue.release(session, [claim])
        return
    if not task.is_finished:
        _end(claim, cancelled, result if not cancelled else None)


def _end(claim: Claim, cancelled: bool, result: Any) -> None:
    with transaction() as session:
        if cancelled:
            queue.cancel(session, claim)
        else:
            queue.finish(session, claim, result=result if isinstance(result, dict) else None)


def _kind(name: str) -> Kind:
    try:
        return kind(name)
    except KeyError:
        raise Unavailable(f"This worker does not know jobs of the kind {name}. Start workers of the same version as the "
                          "application.", title="The job cannot run here") from None


default = queues.register(Queue("default", Job, work, batch=1, where={"queue": "default"}))
heavy = queues.register(Queue("heavy", Job, work, batch=1, where={"queue": "heavy"}, heavy=True))

__all__ = ["Cancelled", "LostLease", "Stopped", "Work", "default", "heavy", "run", "work"]
