"""What a person can do about a job: retry it, cancel it, discard it. Each is in the trail."""
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.audit import Actor, note
from app.errors import Conflict
from app.extensions import db
from app.jobs.enqueue import requeue
from app.jobs.listing import Asked
from app.jobs.models import Job
from app.transaction import lock, now, transaction


def retry(job_id: int, *, by: Actor) -> None:
    """Put a dead or cancelled job back in its queue, where it goes on from its last step; one that waits starts now.

    Pressing it twice queues it once. Raises NotFound; Conflict while it runs, when it is done, or when another one of its
    kind is open that does the same.
    """
    try:
        with transaction() as session:
            job = lock(session, Job, job_id)
            if job.status == "done":
                raise Conflict("It is done. Start a new one where this one was started.", title="This job is done")
            requeue(session, job)
            job.cancel_requested_at = None
            note(session, by, "jobs.retry", "jobs", job_id, kind=job.kind)
    except IntegrityError:
        raise Conflict("Another job that does the same is queued or runs. Wait for that one.",
                       title="This is under way") from None


def retry_all(question: Asked, *, by: Actor, limit: int = 1_000) -> int:
    """Put back what is dead and fits these filters, the oldest first; returns how many."""
    query = select(Job.id).where(Job.status == "dead", *question.conditions).order_by(Job.id).limit(limit)
    ids = db.session.execute(query).scalars().all()
    db.session.rollback()
    count = 0
    for id in ids:
        try:
            retry(id, by=by)
        except Conflict:
            continue
        count += 1
    return count


def cancel(job_id: int, *, by: Actor) -> bool:
    """End a job: at once if it waits; one that runs is asked to stop after its present step. Returns whether it has ended.

    Raises NotFound, or Conflict when it has ended already in another way.
    """
    with transaction() as session:
        return end(session, job_id, by=by)


def end(session: Session, job_id: int, *, by: Actor) -> bool:
    """The same, in a transaction of the caller's: for whoever ends at once what the job works on."""
    job = lock(session, Job, job_id)
    if job.status in ("done", "dead"):
        raise Conflict("It has ended already.", title="There is nothing to cancel")
    if job.status == "running":
        job.cancel_requested_at = job.cancel_requested_at or now(session)
    else:
        job.status, job.outcome = "cancelled", "cancelled"
        job.finished_at = job.finished_at or now(session)
    note(session, by, "jobs.cancel", "jobs", job_id, kind=job.kind)
    return job.status == "cancelled"


def discard(job_id: int, *, by: Actor) -> None:
    """Give up on a dead job. Raises NotFound, or Conflict when it is not dead."""
    with transaction() as session:
        job = lock(session, Job, job_id)
        if job.status != "dead":
            raise Conflict("Only a job that is dead can be discarded.", title="This job is not dead")
        job.status, job.outcome = "cancelled", "discarded"
        note(session, by, "jobs.discard", "jobs", job_id, kind=job.kind)
