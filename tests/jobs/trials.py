"""Work made up for these tests: a queue of parcels, some kinds of jobs, and a table of effects in which a double would show."""
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from app.errors import Problem, Unavailable
from app.extensions import Base, Id, db
from app.jobs import queues
from app.jobs.enqueue import enqueue
from app.jobs.models import Attempt, Queued, queue_indexes
from app.jobs.queue import Claim, Queue, finish_many
from app.jobs.registry import job
from app.jobs.work import Work
from app.transaction import now, transaction


class Trial(DeclarativeBase):
    """Apart from the product's tables, which the migrations make."""

    metadata = sa.MetaData(naming_convention=Base.metadata.naming_convention)
    type_annotation_map = Base.registry.type_annotation_map


class Parcel(Queued, Trial):
    __tablename__ = "trial_parcels"
    __table_args__ = queue_indexes("trial_parcels", object_key="object_key")
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    object_key: Mapped[str | None]
    does: Mapped[str] = mapped_column(server_default="work")     # work, fail, kill, slow, refuse


class Effect(Trial):
    """What a row did. No unique key on purpose."""

    __tablename__ = "trial_effects"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    of: Mapped[str]
    row_id: Mapped[int]
    pid: Mapped[int]
    at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


class Refused(Problem):
    title, retry = "The parcel was refused", False


@contextmanager
def parcels_served() -> Iterator[Queue]:
    """The queue of parcels, while the block runs."""
    try:
        yield queues.register(PARCELS)
    finally:
        del queues._queues[PARCELS.name]


def carry(claims: list[Claim]) -> None:
    """Carry a batch: all effects and all ends in one transaction."""
    does = dict(db.session.execute(sa.select(Parcel.id, Parcel.does).where(Parcel.id.in_([one.id for one in claims]))).all())
    db.session.rollback()
    for one in claims:
        misbehave(does[one.id], one.attempt)
    with transaction() as session:
        for one in claims:
            effect(session, "parcels", one.id)
            if does[one.id] == "freeze once" and one.attempt == 1:
                session.flush()
                os.kill(os.getpid(), signal.SIGSTOP)
        finish_many(session, [(one, "carried") for one in claims])


def misbehave(does: str, attempt: int) -> None:
    if does == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if does == "refuse":
        raise Refused("Nobody wants it")
    if does == "fail" or does == "fail once" and attempt == 1:
        raise Unavailable("The road is closed")
    if does == "slow":
        time.sleep(float(os.environ.get("TRIAL_SLOW", "0.05")))


def effect(session: Session, of: str, row_id: int) -> None:
    session.add(Effect(of=of, row_id=row_id, pid=os.getpid()))


def effects(of: str = "parcels") -> dict[int, int]:
    """How many effects each row had."""
    rows = db.session.execute(sa.select(Effect.row_id, sa.func.count()).where(Effect.of == of).group_by(Effect.row_id))
    found: dict[int, int] = dict(rows.all())
    db.session.rollback()
    return found


PARCELS = Queue("parcels", Parcel, carry, object_key="object_key", seconds=30)


@job("trial.once", seconds=20)
def once(work: Work) -> dict[str, int]:
    """One effect, in the commit that ends the job."""
    with work.transaction(finish=True, result={"by": os.getpid()}) as session:
        effect(session, "once", work.job_id)
    return {}


@job("trial.chunks", queue="heavy", max_attempts=3, seconds=30)
def chunks(work: Work, total: int, pause: float = 0.0, kill_at: int | None = None) -> dict[str, int]:
    """So many effects, one a chunk, resuming from the cursor."""
    for number in range(work.cursor.get("next", 0), total):
        if number == kill_at and work.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        with work.transaction(cursor={"next": number + 1}, done=number + 1, total=total) as session:
            effect(session, "chunks", number)
        time.sleep(pause)
    return {"chunks": total}


@job("trial.sleep", queue="heavy", max_attempts=2, seconds=1)
def sleep_too_long(work: Work, seconds: float) -> None:
    """Takes longer than it may."""
    time.sleep(seconds)


@job("trial.waits", seconds=30, max_attempts=3)
def waits(work: Work, sign: str) -> dict[str, str]:
    """Says by a file that it began, then waits until there is a second one, then has one effect."""
    Path(sign).write_text(str(os.getpid()))
    while not Path(f"{sign}.go").exists():
        time.sleep(0.01)
    with work.transaction() as session:
        effect(session, "waits", work.job_id)
    return {"was": "released"}


@job("trial.fails", max_attempts=2)
def fails(work: Work, how: str = "fail") -> None:
    misbehave(how, work.attempt)


@job("trial.says")
def says(work: Work) -> dict[str, str]:
    return {"actor": work.actor.name, "may": str(work.actor.may("orders.edit"))}


def ids(claims: list[Claim]) -> list[int]:
    return [one.id for one in claims]


def attempts_of(id: int, source: str = "trial_parcels") -> list[Attempt]:
    """The tries at a row, the first one first."""
    db.session.rollback()
    query = sa.select(Attempt).where(Attempt.source == source, Attempt.row_id == id).order_by(Attempt.id)
    return list(db.session.execute(query.execution_options(populate_existing=True)).scalars())


def let_lapse(*claims: Claim) -> None:
    """As if the lease of these claims had run out."""
    _lease(claims, timedelta(seconds=-1))


def let_hold(*claims: Claim) -> None:
    """As if the lease of these claims ran for an hour: a busy machine is slower than the leases of tests."""
    _lease(claims, timedelta(hours=1))


def _lease(claims: tuple[Claim, ...], left: timedelta) -> None:
    with transaction() as session:
        session.execute(sa.update(Parcel).where(Parcel.id.in_(ids(list(claims)))).values(lease_until=now(session) + left))


def queue_it(name: str = "trial.this", args: dict[str, Any] | None = None, **options: Any) -> int:
    """Queue a job; its id."""
    with transaction() as session:
        return enqueue(session, name, args, **options).id
