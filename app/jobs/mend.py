"""What a person can do about a job: retry it, cancel it, discard it. Each is in the trail."""
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import Actor, note
from app.errors import Conflict
from app.jobs.enqueue import OPEN, requeue
from app.jobs.models import Job
from app.transaction import lock, now, transaction


def retry(job_id: int, *, by: Actor) -> None:
    """Put a dead or cancelled job back in its queue, where it goes on from its last step; one that waits starts now.

    Pressing it twice queues it once. Raises NotFound; Conflict while it runs, when it is done, or when another one of its
    kind is open that does the same.
    """
    try:
        with transaction() as session:
            again(session, lock(session, Job, job_id), by=by)
    except IntegrityError:
        raise _under_way() from None


def again(session: Session, job: Job, *, by: Actor, **facts: Any) -> bool:
    """Queue a job the caller holds, and keep who did; False if it waits for its turn already. Raises Conflict."""
    if job.status == "done":
        raise Conflict("It is done. Start a new one where this one was started.", title="This job is done")
    if job.status == "waiting" and job.attempts == 0 and job.run_at <= now(session):
        return False
    if _has_successor(session, job):
        raise _under_way()
    requeue(session, job)
    job.cancel_requested_at = None
    note(session, by, "jobs.retry", "jobs", job.id, kind=job.kind, **facts)
    return True


def cancel(job_id: int, *, by: Actor) -> bool:
    """End a job: at once if it waits; one that runs is asked to stop after its present step. Returns whether it has ended.

    Raises NotFound, or Conflict when it has ended already in another way.
    """
    with transaction() as session:
        return end(session, job_id, by=by)


def end(session: Session, job_id: int, *, by: Actor) -> bool:
    """The same, in a transaction of the caller's: for whoever ends at once what the job works on."""
    job = lock(session, Job, job_id)
    stop(session, job, by=by)
    return job.status == "cancelled"


def stop(session: Session, job: Job, *, by: Actor, **facts: Any) -> bool:
    """Cancel a job the caller holds, and keep who did; False if somebody has already. Raises Conflict when it has ended."""
    if job.status in ("done", "dead"):
        raise Conflict("It has ended already.", title="There is nothing to cancel")
    if job.status == "cancelled" or job.status == "running" and job.cancel_requested_at:
        return False
    if job.status == "running":
        job.cancel_requested_at = now(session)
    else:
        job.status, job.outcome = "cancelled", "cancelled"
        job.finished_at = job.finished_at or now(session)
    note(session, by, "jobs.cancel", "jobs", job.id, kind=job.kind, **facts)
    return True


def discard(job_id: int, *, by: Actor) -> None:
    """Give up on a dead job. Twice is once. Raises NotFound, or Conflict when it is not dead."""
    with transaction() as session:
        give_up(session, lock(session, Job, job_id), by=by)


def give_up(session: Session, job: Job, *, by: Actor, **facts: Any) -> bool:
    """Discard a job the caller holds, and keep who did; False if somebody has already. Raises Conflict when it is not dead."""
    if job.outcome == "discarded":
        return False
    if job.status != "dead":
        raise Conflict("Only a job that is dead can be discarded.", title="This job is not dead")
    job.status, job.outcome = "cancelled", "discarded"
    note(session, by, "jobs.discard", "jobs", job.id, kind=job.kind, **facts)
    return True


def _has_successor(session: Session, job: Job) -> bool:
    """Whether another job of its key is open: it would not be queued beside that one."""
    same = select(Job.id).where(Job.kind == job.kind, Job.key == job.key, Job.id != job.id, Job.status.in_(OPEN)).limit(1)
    return job.key is not None and session.execute(same).first() is not None


def _under_way() -> Conflict:
    return Conflict("Another job that does the same is queued or runs. Wait for that one.", title="This is under way")
