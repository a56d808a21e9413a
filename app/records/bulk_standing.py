"""How a bulk change stands: its word and mark, whether work goes on, what it does in words, and who may see it."""
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from app.audit import Actor
from app.errors import NotFound
from app.jobs.models import Job
from app.records import policy
from app.records.batches import Batch, refused
from app.records.bulk_changes import BulkChange
from app.records.fields import Choice
from app.records.registry import named, resources
from app.records.resource import Resource

PAGE = 50
AT_WORK = {"choose": "Collecting", "plan": "Previewing", "apply": "Running", "undo": "Undoing"}


class Mark(NamedTuple):
    """For the status component."""

    tone: str
    shape: str
    word: str


SETTLED = {
    "review": Mark("wait", "open", "Preview ready"), "done": Mark("ok", "full", "Done"),
    "cancelled": Mark("mute", "full", "Cancelled"), "undone": Mark("back", "full", "Undone"),
}


@dataclass(frozen=True)
class Standing:
    """A bulk change with its rows and the job that works on it."""

    bulk: BulkChange
    batch: Batch
    job: Job | None

    @property
    def resource(self) -> Resource:
        return named(self.bulk.resource)

    @property
    def is_working(self) -> bool:
        """Whether a job works on it, or soon will."""
        return self.job is not None and self.job.status in ("waiting", "running") and self.bulk.stage in AT_WORK

    @property
    def is_stuck(self) -> bool:
        """Whether the work on it has ended in the middle: stopped by a person, or failed for good."""
        return not self.is_working and self.bulk.stage in AT_WORK

    @property
    def refused(self) -> int:
        return refused(self.batch.plans if self.bulk.stage == "review" else self.batch.outcomes)

    @property
    def mark(self) -> Mark:
        stage = self.bulk.stage
        if self.is_working and self.job is not None:
            return Mark("busy", "half", AT_WORK[stage]) if self.job.status == "running" else Mark("mute", "open", "Waiting")
        if self.is_stuck:
            failed = self.job is not None and self.job.status == "dead"
            return Mark("bad", "call", "Failed") if failed else Mark("wait", "call", "Stopped")
        return SETTLED[stage]


def standing(session: Session, bulk_id: int, actor: Actor) -> Standing:
    """The bulk change as it stands now. Raises NotFound, also for one `actor` may not see."""
    query = _query().where(BulkChange.id == bulk_id, _seen(actor)).execution_options(populate_existing=True)
    row = session.execute(query).first()
    if row is None:
        raise NotFound("There is no such bulk change, or it is somebody else's.")
    return Standing(*row)


def latest(session: Session, actor: Actor, before: int | None = None) -> list[Standing]:
    """The bulk changes `actor` may see, newest first, one more than a page if there are more."""
    query = _query().where(_seen(actor)).order_by(BulkChange.id.desc()).limit(PAGE + 1)
    if before is not None:
        query = query.where(BulkChange.id < before)
    return [Standing(*row) for row in session.execute(query)]


def wish(bulk: BulkChange, actor: Actor) -> str:
    """What it does, as far as `actor` may know: "Status: Shipped · Note: empty", "Move to the trash"."""
    if bulk.deed != "edit":
        return {"trash": "Move to the trash", "restore": "Restore from the trash"}[bulk.deed]
    seen = {field.name: field for field in policy.readable(actor, named(bulk.resource))}
    said = [f"{seen[name].title}: {_said(seen[name], value)}" for name, value in bulk.values.items() if name in seen]
    return " · ".join(said) or "Fields your role does not show"


def _said(field: object, value: object) -> str:
    if isinstance(field, Choice) and value in field.names:
        return field.state(str(value)).title
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return str(value) if value not in (None, "") else "empty"


def _query() -> Select[BulkChange, Batch, Job]:
    return select(BulkChange, Batch, Job).join(Batch, Batch.id == BulkChange.batch_id).outerjoin(Job, Job.id == BulkChange.job_id)


def _seen(actor: Actor) -> ColumnElement[bool]:
    """One's own, and those of resources one may change in bulk."""
    allowed = [resource.name for resource in resources() if actor.may(f"{resource.name}.bulk")]
    own = (BulkChange.created_by_kind == actor.kind) & (BulkChange.created_by_id == actor.id)
    return or_(BulkChange.resource.in_(allowed), own) if actor.id is not None else BulkChange.resource.in_(allowed)
