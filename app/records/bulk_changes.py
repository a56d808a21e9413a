"""A bulk change: one thing done to many records, chosen by hand or by a filter, looked at before it is written."""
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Model
from app.records.batch_standing import Batched


class BulkChange(Batched, Model):
    """`stage` is what it has come to: choose (ids are being written down), plan, review, apply, done, cancelled, undo, undone.

    The cells of its rows are [id of the record].
    """

    __tablename__ = "bulk_changes"
    __table_args__ = (Index("uq_bulk_changes_once", "once", unique=True), {"sqlite_autoincrement": True})
    stage: Mapped[str] = mapped_column(default="plan")
    deed: Mapped[str]                                                 # edit, trash, restore
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)      # {field name: value} of an edit
    query: Mapped[str | None]                                         # the filter, if all that match were meant
    once: Mapped[str | None]                                          # names the form it was confirmed on: sent twice, it is one
