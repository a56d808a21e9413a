"""How an import stands: its word and mark, whether work goes on, what it waits for, and who may see it."""
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from app.audit import Actor
from app.errors import NotFound
from app.imports.models import Import
from app.jobs.models import Job
from app.records.batches import Batch, refused
from app.records.registry import resources

PAGE = 50
LATELY, MOST = timedelta(days=14), 500
AT_WORK = {"read": "Reading", "preview": "Previewing", "apply": "Running", "undo": "Undoing"}


class Mark(NamedTuple):
    """For the status component."""

    tone: str
    shape: str
    word: str


NEEDS = {"stuck": "Did not finish", "refused": "With refused rows", "waiting": "Waiting for you"}
"""What an import can need a person for, the worst first."""
SETTLED = {
    "match": Mark("wait", "open", "Columns to match"),
    "preview": Mark("wait", "open", "Preview ready"),
    "done": Mark("ok", "full", "Done"),
    "unreadable": Mark("bad", "call", "Unreadable"),
    "cancelled": Mark("mute", "full", "Cancelled"),
    "undone": Mark("back", "full", "Undone"),
}


@dataclass(frozen=True)
class Standing:
    """An import with its rows and the job that works on it."""

    imported: Import
    batch: Batch | None
    job: Job | None

    @property
    def is_working(self) -> bool:
        """Whether a job works on it, or soon will."""
        return self.job is not None and self.job.status in ("waiting", "running") and self.imported.stage in AT_WORK

    @property
    def is_stuck(self) -> bool:
        """Whether the work on it has ended in the middle: stopped by a person, or failed for good."""
        return not self.is_working and self.imported.stage in AT_WORK and not self._is_planned

    @property
    def rows(self) -> int:
        return self.batch.rows if self.batch else 0

    @property
    def refused(self) -> int:
        if self.batch is None:
            return 0
        return refused(self.batch.outcomes if self.imported.stage in ("done", "undo", "undone") else self.batch.plans)

    @property
    def mark(self) -> Mark:
        stage = self.imported.stage
        if self.is_working and self.job is not None:
            return Mark("busy", "half", AT_WORK[stage]) if self.job.status == "running" else Mark("mute", "open", "Waiting")
        if self.is_stuck:
            failed = self.job is not None and self.job.status == "dead"
            return Mark("bad", "call", "Failed") if failed else Mark("wait", "call", "Stopped")
        return SETTLED[stage]

    @property
    def need(self) -> str | None:
        """What it needs a person for, a key of NEEDS; None for nothing."""
        if self.is_stuck:
            return "stuck"
        if self.is_working:
            return None
        if self.imported.stage == "done" and self.refused:
            return "refused"
        return "waiting" if self.imported.stage in ("match", "preview") else None

    @property
    def _is_planned(self) -> bool:
        return (self.imported.stage == "preview" and self.batch is not None
                and sum(self.batch.plans.values()) == self.batch.rows > 0)


def standing(session: Session, import_id: int, actor: Actor) -> Standing:
    """The import as it stands now. Raises NotFound, also for one `actor` may not see."""
    query = _query().where(Import.id == import_id, _seen(actor)).execution_options(populate_existing=True)
    row = session.execute(query).first()
    if row is None:
        raise NotFound("There is no such import, or it is somebody else's.")
    return Standing(*row)


def latest(session: Session, actor: Actor, before: int | None = None) -> list[Standing]:
    """The imports `actor` may see, newest first, one more than a page if there are more."""
    query = _query().where(_seen(actor)).order_by(Import.id.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(Import.id < before)
    return [Standing(*row) for row in session.execute(query)]


def needy(session: Session, actor: Actor) -> dict[str, list[Standing]]:
    """{what a person is needed for: the imports of the last two weeks that `actor` may see}, newest first."""
    found: dict[str, list[Standing]] = {need: [] for need in NEEDS}
    recent = _query().where(_seen(actor), Import.created_at > datetime.now(UTC) - LATELY).order_by(Import.id.desc()).limit(MOST)
    for row in session.execute(recent):
        one = Standing(*row)
        if one.need is not None:
            found[one.need].append(one)
    return found


def _query() -> Select[Import, Batch, Job]:
    return select(Import, Batch, Job).outerjoin(Batch, Batch.id == Import.batch_id).outerjoin(Job, Job.id == Import.job_id)


def _seen(actor: Actor) -> ColumnElement[bool]:
    """One's own, and those into resources one may import."""
    allowed = [resource.name for resource in resources() if actor.may(f"{resource.name}.import")]
    own = (Import.created_by_kind == actor.kind) & (Import.created_by_id == actor.id)
    return or_(Import.resource.in_(allowed), own) if actor.id is not None else Import.resource.in_(allowed)
