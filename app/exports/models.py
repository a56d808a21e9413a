"""An export, a list frozen as its query on its way into a file; and a definition, what to export again and again."""
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model
from app.jobs.asked import Asked

EMPTY = text("'{}'")


class Export(Asked, Model):
    """With `file` set it can be downloaded until `expires_at`."""

    __tablename__ = "exports"
    __table_args__ = (Index("ix_exports_definition_id", "definition_id", "id"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    query: Mapped[str] = mapped_column(default="")      # in the grammar of lists
    columns: Mapped[list[str]]                          # names of columns
    format: Mapped[str]                                 # csv xlsx jsonl
    style: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=EMPTY)      # what was chosen of exports.style
    scopes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=EMPTY)     # of whoever it was written for
    definition_id: Mapped[int | None]
    mail_to: Mapped[int | None]                         # the person to mail when it is there
    file: Mapped[str | None]                            # name in storage
    size: Mapped[int | None]
    rows: Mapped[int | None]
    expires_at: Mapped[datetime | None]


class Definition(Model):
    """An export under a name: one's own, or shared with all who may export such records. Its schedule acts for its owner."""

    __tablename__ = "export_definitions"
    __table_args__ = (Index("uq_export_definitions_name", "owner_id", "name", unique=True),
                      Index("ix_export_definitions_is_shared", "is_shared"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    name: Mapped[str]
    resource: Mapped[str]
    query: Mapped[str] = mapped_column(default="")
    columns: Mapped[list[str]]
    format: Mapped[str]
    style: Mapped[dict[str, Any]] = mapped_column(default=dict)
    owner_id: Mapped[int]
    owner: Mapped[str]
    is_shared: Mapped[bool] = mapped_column(default=False)
    schedule_id: Mapped[int | None] = mapped_column(Id, ForeignKey("schedules.id", ondelete="SET NULL"))
    paused_why: Mapped[str | None]                      # in words, where not a person paused it
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    changed_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
