"""How an export stands: its word and mark, and which ones a person sees."""
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.audit import Actor
from app.exports.models import Export
from app.exports.run import visible
from app.jobs.models import Job
from app.jobs.words import Mark

PAGE = 50


@dataclass(frozen=True)
class Standing:
    """An export and the job that writes it."""

    export: Export
    job: Job | None

    @property
    def is_ready(self) -> bool:
        return self.export.file is not None and self.export.expires_at is not None and self.export.expires_at > datetime.now(UTC)

    @property
    def is_working(self) -> bool:
        return not self.export.finished_at and self.job is not None and self.job.status in ("waiting", "running")

    @property
    def mark(self) -> Mark:
        if self.is_ready:
            return Mark("ok", "full", "Ready")
        if self.export.finished_at:
            return Mark("mute", "full", "Deleted")
        if self.is_working and self.job is not None:
            return Mark("busy", "half", "Running") if self.job.status == "running" else Mark("mute", "open", "Waiting")
        cancelled = self.job is not None and self.job.status == "cancelled"
        return Mark("mute", "full", "Cancelled") if cancelled else Mark("bad", "call", "Failed")

    @property
    def word(self) -> str:
        """The same for programs: waiting running ready failed cancelled deleted."""
        return self.mark.word.lower()


def standing(session: Session, export_id: int, actor: Actor) -> Standing:
    """The export as it stands now. Raises NotFound, also for one `actor` may not see."""
    export = visible(session, export_id, actor)
    return Standing(export, session.get(Job, export.job_id) if export.job_id else None)


def latest(session: Session, actor: Actor, before: int | None = None) -> list[Standing]:
    """The exports `actor` may see, newest first, one more than a page if there are more."""
    query: Select[Export, Job] = select(Export, Job).outerjoin(Job, Job.id == Export.job_id)
    if not actor.may("exports.export"):
        query = query.where(Export.of(actor))
    if before is not None:
        query = query.where(Export.id < before)
    return [Standing(*row) for row in session.execute(query.order_by(Export.id.desc()).limit(PAGE + 1))]
