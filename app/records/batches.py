"""Many writes a person looks at first: rows are staged, planned, reviewed, applied chunk by chunk, and can be undone."""
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model


class Batch(Model):
    """A set of changes to one resource that go through the gate together. `door` and `door_id` are what the audit names."""

    __tablename__ = "batches"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    door: Mapped[str]
    door_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    mode: Mapped[str] = mapped_column(default="upsert")             # create | update | upsert
    key: Mapped[str | None]                                         # name of the field that says which record a row means
    decimal: Mapped[str] = mapped_column(default=".")               # how numbers and days are written in the values
    day_first: Mapped[bool] = mapped_column(default=False)
    all_or_nothing: Mapped[bool] = mapped_column(default=False)
    rows: Mapped[int] = mapped_column(default=0)                    # staged
    planned_to: Mapped[int] = mapped_column(default=0)              # number of the last row planned
    applied_to: Mapped[int] = mapped_column(default=0)
    undone_to: Mapped[int] = mapped_column(default=0)
    plans: Mapped[dict[str, Any]] = mapped_column(default=dict)     # {outcome: rows}, of the plan
    outcomes: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {outcome: rows}, of what was applied
    undone: Mapped[dict[str, Any]] = mapped_column(default=dict)    # {outcome: records}, of the undo


class BatchRow(Model):
    """One row: what the source said, what would become of it, and once applied what became of it."""

    __tablename__ = "batch_rows"
    __table_args__ = (
        Index("ix_batch_rows_outcome", "batch_id", "outcome", "number"),
        Index("ix_batch_rows_key", "batch_id", "key"),
        {"sqlite_with_rowid": False},
    )
    batch_id: Mapped[int] = mapped_column(Id, ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)  # as a spreadsheet program shows it
    cells: Mapped[list[Any] | None]                                 # as the file had them
    values: Mapped[dict[str, Any] | None]                           # {field name or column: value}
    key: Mapped[str | None]                                         # what repeats are found by
    outcome: Mapped[str | None]                                     # of the plan, then of the apply
    errors: Mapped[dict[str, Any] | None]                           # {field name: sentence}
    diff: Mapped[dict[str, Any] | None]                             # {column: [old, new]}
    record_id: Mapped[int | None]
    version: Mapped[int | None]                                     # of the record: seen by the plan, left by the apply
