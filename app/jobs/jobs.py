"""How long jobs and attempts are kept, and the job that drops older ones, a thousand in a transaction."""
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, select

from app.jobs import many
from app.jobs.models import Attempt, Job
from app.jobs.queue import attempts
from app.jobs.registry import job
from app.jobs.work import Work, jobs
from app.settings import Setting
from app.transaction import now

A_TIME = 1_000
KEPT = Setting("jobs.keep_days", "Keep jobs for (days)", "Jobs that ended and every attempt are dropped after so many days.", 30,
               least=1, most=3650)


@job("jobs.prune", cron="20 3 * * *", label="Drop old jobs")
def prune(work: Work) -> dict[str, Any]:
    """Drop what ended long ago; dead jobs wait for a person three times as long."""
    days = timedelta(days=KEPT.get())
    return {
        "jobs": _drop(work, jobs, lambda moment: Job.status.in_(("done", "cancelled")) & (Job.finished_at < moment - days)
                      | (Job.status == "dead") & (Job.finished_at < moment - 3 * days)),
        "attempts": _drop(work, attempts, lambda moment: Attempt.started_at < moment - 3 * days),
    }


@job(many.KIND, label="Retry, cancel or discard many jobs", page="jobs.many.show")
def do_many(work: Work, **what: Any) -> dict[str, int]:
    """Do to jobs what somebody chose for them in the list."""
    return many.work_through(work, **what)


def _drop(work: Work, table: Table, old: Any) -> int:
    dropped = 0
    while True:
        with work.transaction() as session:
            which: ColumnElement[bool] = old(now(session))
            ids = session.execute(select(table.c.id).where(which).limit(A_TIME)).scalars().all()
            session.execute(delete(table).where(table.c.id.in_(ids)))
        dropped += len(ids)
        if len(ids) < A_TIME:
            return dropped
