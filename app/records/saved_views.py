"""Lists kept under a name, and how each person likes the lists of each resource."""
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model


class SavedView(Model):
    """A list with its filters, sort and columns under a name: one's own, or shared with everybody who may see the resource."""

    __tablename__ = "saved_views"
    __table_args__ = (Index("uq_saved_views_name", "resource", "owner_id", "name", unique=True),
                      Index("ix_saved_views_shared", "resource", "is_shared"), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    name: Mapped[str]
    query: Mapped[str] = mapped_column(default="")                    # in the grammar of lists
    columns: Mapped[list[Any] | None]                                 # field names in order; None: those of the person
    owner_id: Mapped[int]
    owner: Mapped[str]
    is_shared: Mapped[bool] = mapped_column(default=False)
    default_for: Mapped[str | None]                                   # the role whose list it is unless a person chose another
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    changed_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))


class ListChoice(Model):
    """How one person likes the list of one resource. NULL: as everybody has it."""

    __tablename__ = "list_choices"
    user_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    resource: Mapped[str] = mapped_column(primary_key=True)
    columns: Mapped[list[Any] | None]                                 # field names in order
    page_size: Mapped[int | None]                                     # rows
    view_id: Mapped[int | None]                                       # the saved view it opens with; 0: none, whatever the role's
