"""A sync: one list of a provider beside what we have, looked at by a person before anything is written."""
from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Model
from app.records.batch_standing import Batched

REVIEW = text("stage = 'review'")


class Sync(Batched, Model):
    """`stage` is what it has come to: list (the provider is asked, page by page), plan, absent (what it did not list is asked
    for alone), then same (nothing differs) or review; apply, done, outdated (a later one has ended), cancelled, undo, undone.

    The cells of its rows are as `sync_rows` writes them.
    """

    __tablename__ = "syncs"
    __table_args__ = (
        Index("ix_syncs_connection", "connection_id", "listing", "id"),
        Index("ix_syncs_review", "id", sqlite_where=REVIEW, postgresql_where=REVIEW),
        {"sqlite_autoincrement": True},
    )
    stage: Mapped[str] = mapped_column(default="list")
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id"))
    listing: Mapped[str]
    since: Mapped[datetime | None]                                    # None: all there is
    place: Mapped[str | None]                                         # the checkpoint: where the next page begins
    listed: Mapped[int] = mapped_column(Integer, default=0)           # things it listed
    unkept: Mapped[int] = mapped_column(Integer, default=0)           # things among them we keep nothing of
    asked_to: Mapped[int] = mapped_column(default=0)                  # id of the last record that was asked for alone
    asked: Mapped[int] = mapped_column(Integer, default=0)            # how many were
    unasked: Mapped[bool] = mapped_column(default=False)              # and there were more
