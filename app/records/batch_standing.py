"""How a batch that somebody asked for stands, an import or a bulk change: its mark, whether work goes on, who may see it."""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

from sqlalchemy import ForeignKey, Select, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.audit import Actor
from app.errors import NotFound
from app.extensions import Id
from app.jobs.asked import Asked
from app.jobs.models import Job
from app.jobs.words import Mark
from app.records.batches import Batch
from app.records.registry import resources

PAGE = 50


class Batched(Asked):
    """The columns of what somebody asked for that becomes a batch."""

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    stage: Mapped[str]
    batch_id: Mapped[int | None] = mapped_column(Id, ForeignKey("batches.id"))


B = TypeVar("B", bound=Batched)


@dataclass(frozen=True)
class BatchStanding(Generic[B]):
    """What was asked for, with its rows and the job that works on it."""

    asked: B
    batch: Batch | None
    job: Job | None

    kind: ClassVar[type[Any]]
    called: ClassVar[str]                          # in a sentence: "import"
    right: ClassVar[str]                           # "import": whoever has <resource>.import sees those of that resource
    at_work: ClassVar[Mapping[str, str]]           # what a job does at each stage that has one, in a word
    settled: ClassVar[Mapping[str, Mark]]          # the marks of the other stages

    @classmethod
    def one(cls, session: Session, id: int, actor: Actor) -> Self:
        """It as it stands now. Raises NotFound, also for one `actor` may not see."""
        query = cls.seen(actor).where(cls.kind.id == id).execution_options(populate_existing=True)
        row = session.execute(query).first()
        if row is None:
            raise NotFound(f"There is no such {cls.called}, or it is somebody else's.")
        return cls(*row)

    @classmethod
    def latest(cls, session: Session, actor: Actor, before: int | None = None) -> list[Self]:
        """Those `actor` may see, newest first, one more than a page if there are more."""
        query = cls.seen(actor).order_by(cls.kind.id.desc()).limit(PAGE + 1)
        if before is not None:
            query = query.where(cls.kind.id < before)
        return [cls(*row) for row in session.execute(query)]

    @classmethod
    def seen(cls, actor: Actor) -> Select[Any]:
        """One's own, and those of resources one may do this with."""
        kind, names = cls.kind, [one.name for one in resources() if actor.may(f"{one.name}.{cls.right}")]
        query = select(kind, Batch, Job).outerjoin(Batch, Batch.id == kind.batch_id).outerjoin(Job, Job.id == kind.job_id)
        return query.where(kind.resource.in_(names) if actor.id is None else or_(kind.resource.in_(names), kind.of(actor)))

    @property
    def is_working(self) -> bool:
        """Whether a job works on it, or soon will."""
        return self.job is not None and self.job.status in ("waiting", "running") and self.asked.stage in self.at_work

    @property
    def is_stuck(self) -> bool:
        """Whether the work on it has ended in the middle: stopped by a person, or failed for good."""
        return not self.is_working and self.asked.stage in self.at_work

    @property
    def mark(self) -> Mark:
        stage = self.asked.stage
        if self.is_working and self.job is not None:
            return Mark("busy", "half", self.at_work[stage]) if self.job.status == "running" else Mark("mute", "open", "Waiting")
        if self.is_stuck:
            failed = self.job is not None and self.job.status == "dead"
            return Mark("bad", "call", "Failed") if failed else Mark("wait", "call", "Stopped")
        return self.settled[stage]
