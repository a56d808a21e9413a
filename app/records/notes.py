"""Notes: what staff write beside a record for one another. They are no field: no provider, file or program sees them."""
from datetime import UTC, datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model


class Note(Model):
    """One note on one record. Its text never changes; who wrote it may remove it."""

    __tablename__ = "notes"
    __table_args__ = (Index("ix_notes_record", "resource", "record_id", "id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    record_id: Mapped[int]
    text: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    author_id: Mapped[int | None]
    author: Mapped[str]
    removed_at: Mapped[datetime | None]
