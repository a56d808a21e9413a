"""Many writes a person looks at first: rows are staged, planned, reviewed, applied chunk by chunk, and can be undone."""
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple, cast

from sqlalchemy import Boolean, ColumnElement, ForeignKey, Index, Integer, Table, delete, func, or_, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.audit import Actor, Door
from app.extensions import Id, Model
from app.records import bulk
from app.records.changes import Reading, Source
from app.transaction import is_sqlite

ACCEPTED = ("created", "updated", "unchanged")
"""Outcomes of a plan that are applied."""
REFUSED = ("invalid", "conflict", "missing", "forbidden", "tie", "stale")
SKIPPED = ("repeated", "skipped")
"""A repeat of a row before it, and what a person told to leave out."""
WHOLE = 100_000
"""Rows that can be applied in one transaction, all or none."""


class Batch(Model):
    """A set of changes to one resource that go through the gate together. `door` and `door_id` are what the audit names."""

    __tablename__ = "batches"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    door: Mapped[str]
    door_id: Mapped[int | None]                                     # None: the batch itself
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    mode: Mapped[str] = mapped_column(default="upsert")             # create | update | upsert
    key: Mapped[str | None]                                         # name of the field that says which record a row means
    decimal: Mapped[str] = mapped_column(default=".")               # how numbers and days are written in the values
    day_first: Mapped[bool] = mapped_column(Boolean, default=False)
    all_or_nothing: Mapped[bool] = mapped_column(Boolean, default=False)
    rows: Mapped[int] = mapped_column(default=0)                    # staged
    planned_to: Mapped[int] = mapped_column(default=0)              # number of the last row planned
    applied_to: Mapped[int] = mapped_column(default=0)
    undone_to: Mapped[int] = mapped_column(default=0)               # id of the last record undone
    plans: Mapped[dict[str, Any]] = mapped_column(default=dict)     # {outcome: rows}, of the plan
    outcomes: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {outcome: rows}, of what was applied
    undone: Mapped[dict[str, Any]] = mapped_column(default=dict)    # {outcome: records}, of the undo
    is_again: Mapped[bool] = mapped_column(Boolean, default=False, server_default=text("false"))   # some rows are planned anew

    @property
    def reading(self) -> Reading:
        return Reading(self.decimal, self.day_first)


class BatchRow(Model):
    """One row: what the source said, what would become of it, and once applied what became of it."""

    __tablename__ = "batch_rows"
    __table_args__ = (
        Index("ix_batch_rows_outcome", "batch_id", "outcome", "number"),
        Index("ix_batch_rows_key", "batch_id", "key", "number"),
        {"sqlite_with_rowid": False},
    )
    batch_id: Mapped[int] = mapped_column(Id, ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)  # as a spreadsheet program shows it
    cells: Mapped[list[Any] | None]                                 # as the file had them; None: `values` are given
    values: Mapped[dict[str, Any] | None]                           # {field name or column: value}
    key: Mapped[str | None]                                         # what repeats are found by
    outcome: Mapped[str | None]                                     # of the plan, then of the apply
    errors: Mapped[dict[str, Any] | None]                           # {field name, "" = all of it: sentence}
    diff: Mapped[dict[str, Any] | None]                             # {column: [old, new]} of an updated record
    record_id: Mapped[int | None]
    version: Mapped[int | None]                                     # of the record: seen by the plan, left by the apply
    edition: Mapped[int] = mapped_column(Integer, server_default=text("0"))   # how often its cells were mended
    is_left: Mapped[bool | None] = mapped_column(Boolean)           # a person left it out, or wants it after all
    mended_by: Mapped[str | None]                                   # who mended it or left it out last


rows_table = cast(Table, BatchRow.__table__)


class Shaped(NamedTuple):
    """A row as the gate takes it. `key` as in Change; `same` is equal for two rows that mean the same record, None: no other.

    `as_of` and `parts` as in Change, for what a provider says.
    """

    values: Mapping[str, Any]
    key: Mapping[str, Any] | None = None
    same: str | None = None
    errors: Mapping[str, str] = {}
    as_of: datetime | None = None
    parts: Mapping[str, tuple[str, int]] | None = None


Shape = Callable[[list[Any]], Shaped]
"""From the cells of a row to what the gate takes."""


def open_batch(session: Session, resource: str, door: Door, *, door_id: int | None = None, mode: str = "upsert",
               key: str | None = None) -> Batch:
    """A batch with no rows yet, in the caller's transaction."""
    batch = Batch(resource=resource, door=door, door_id=door_id, mode=mode, key=key, plans={}, outcomes={}, undone={}, rows=0,
                  planned_to=0, applied_to=0, undone_to=0, decimal=".", day_first=False, all_or_nothing=False)
    session.add(batch)
    session.flush()
    return batch


def stage(session: Session, batch: Batch, rows: Iterable[tuple[int, list[Any] | None, Mapping[str, Any] | None]]) -> int:
    """Add (number, cells, values) to the batch; numbers rise from call to call. Returns how many it has now."""
    waiting = iter(rows)
    while some := list(islice(waiting, 500)):
        bulk.insert(session.connection(), rows_table, ("batch_id", "number", "cells", "values"),
                    [(batch.id, number, cells, values) for number, cells, values in some], encode=json.dumps)
        batch.rows += len(some)
    return batch.rows


def empty(session: Session, batch: Batch) -> None:
    """Take all rows out again: the file is read anew."""
    session.execute(delete(rows_table).where(rows_table.c.batch_id == batch.id))
    batch.rows = 0
    forget(session, batch)


def forget(session: Session, batch: Batch) -> None:
    """Forget the plan, so that it is made anew: with another mapping, or because records have changed."""
    session.execute(update(rows_table).where(rows_table.c.batch_id == batch.id, rows_table.c.outcome.is_not(None))
                    .values(outcome=None, errors=None, diff=None, record_id=None, version=None, key=None))
    batch.planned_to, batch.applied_to, batch.plans, batch.outcomes, batch.is_again = 0, 0, {}, {}, False


def again(session: Session, batch: Batch, numbers: Iterable[int]) -> None:
    """Let these rows be planned anew, and those that mean the same records; all others keep their plans."""
    numbers = list(numbers)
    keys = list(session.scalars(select(rows_table.c.key).where(
        rows_table.c.batch_id == batch.id, rows_table.c.number.in_(numbers), rows_table.c.key.is_not(None))))
    unplan(session, batch, or_(rows_table.c.number.in_(numbers), rows_table.c.key.in_(keys)))


def unplan(session: Session, batch: Batch, which: ColumnElement[bool]) -> list[int]:
    """Take the plan of the rows that fit `which` back; returns their numbers."""
    fits = (rows_table.c.batch_id == batch.id, rows_table.c.outcome.is_not(None), which)
    found = session.execute(select(rows_table.c.number, rows_table.c.outcome).where(*fits).order_by(rows_table.c.number)).all()
    if found:
        session.execute(update(rows_table).where(*fits).values(
            outcome=None, errors=None, diff=None, record_id=None, version=None, key=None))
        batch.plans = dict(Counter(batch.plans) - Counter(row.outcome for row in found))
        batch.planned_to, batch.is_again = min(batch.planned_to, found[0].number - 1), True
    return [row.number for row in found]


def counts(session: Session, batch: Batch) -> dict[str, int]:
    """{outcome: rows} as they stand now."""
    found = session.execute(select(rows_table.c.outcome, func.count()).where(
        rows_table.c.batch_id == batch.id, rows_table.c.outcome.is_not(None)).group_by(rows_table.c.outcome))
    return dict(found.all())


def page(session: Session, batch: Batch, outcomes: Iterable[str] | None = None, after: int = 0,
         limit: int = 50) -> list[BatchRow]:
    """The next rows with one of these outcomes (None: any), by number."""
    query = select(BatchRow).where(BatchRow.batch_id == batch.id, BatchRow.number > after).order_by(BatchRow.number).limit(limit)
    if outcomes is not None:
        query = query.where(BatchRow.outcome.in_(tuple(outcomes)))
    return list(session.scalars(query))


def refused(plans: Mapping[str, int]) -> int:
    """How many rows of these counts were refused."""
    return sum(plans.get(outcome, 0) for outcome in REFUSED)


def skipped(plans: Mapping[str, int]) -> int:
    return sum(plans.get(outcome, 0) for outcome in SKIPPED)


def source(batch: Batch, actor: Actor, door: Door | None = None) -> Source:
    """What the gate is told about the changes of this batch."""
    return Source(door or Door(batch.door), actor, door_id=batch.door_id or batch.id, reading=batch.reading)


def chunk_size(session: Session) -> int:
    """Rows of one transaction: few enough that a form saved meanwhile hardly waits."""
    return 200 if is_sqlite(session.connection()) else 1000


def shaped(row: Any, shape: Shape | None) -> Shaped:
    """The row as the gate takes it: through `shape` if it has cells, else its values, of the record it names."""
    if row.cells is not None and shape is not None:
        return shape(row.cells)
    return Shaped(row.values or {}, None if row.record_id is None else {"id": row.record_id})
