"""A bulk change: one thing done to many records, chosen by hand or by a filter, looked at before it is written."""
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model


class BulkChange(Model):
    """`stage` is what it has come to: choose (ids are being written down), plan, review, apply, done, cancelled, undo, undone.

    Whether the work for it waits, runs or died is told by the job `job_id`. The cells of its rows are [id of the record].
    """

    __tablename__ = "bulk_changes"
    __table_args__ = (Index("uq_bulk_changes_once", "once", unique=True), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    stage: Mapped[str] = mapped_column(default="plan")
    deed: Mapped[str]                                                 # edit, trash, restore
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)      # {field name: value} of an edit
    query: Mapped[str | None]                                         # the filter, if all that match were meant
    once: Mapped[str | None]                                          # names the form it was confirmed on: sent twice, it is one
    batch_id: Mapped[int | None] = mapped_column(Id, ForeignKey("batches.id"))
    job_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    finished_at: Mapped[datetime | None]
    created_by_kind: Mapped[str]
    created_by_id: Mapped[int | None]
    created_by: Mapped[str]
