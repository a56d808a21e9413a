"""What a person asked for and a job carries out, an import, an export or a bulk change: whose it is, and whether it is over."""
from datetime import UTC, datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.audit import Actor
from app.jobs.models import Job


class Asked:
    """The columns. Whether the work for it waits, runs or died is told by the job `job_id`."""

    job_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    finished_at: Mapped[datetime | None]
    created_by_kind: Mapped[str]
    created_by_id: Mapped[int | None]
    created_by: Mapped[str]                        # their name, as shown

    def is_of(self, actor: Actor) -> bool:
        return (self.created_by_kind, self.created_by_id) == (actor.kind, actor.id)

    @classmethod
    def of(cls, actor: Actor) -> ColumnElement[bool]:
        """In a query: what `actor` asked for."""
        return (cls.created_by_kind == actor.kind) & (cls.created_by_id == actor.id)


def is_over(session: Session, asked: Asked) -> bool:
    """Whether no job works on it, or will."""
    return job_is_over(session, asked.job_id)


def job_is_over(session: Session, job_id: int | None) -> bool:
    """Whether this job has ended, or is not kept any more."""
    job = session.get(Job, job_id) if job_id else None
    return job is None or job.status in ("done", "dead", "cancelled")
