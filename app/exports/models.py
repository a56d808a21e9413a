"""An export: a list, frozen as its query, on its way into a file."""
from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model
from app.jobs.asked import Asked


class Export(Asked, Model):
    """With `file` set it can be downloaded until `expires_at`."""

    __tablename__ = "exports"
    __table_args__ = {"sqlite_autoincrement": True}
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    query: Mapped[str] = mapped_column(default="")      # in the grammar of lists
    columns: Mapped[list[str]]                          # field names
    format: Mapped[str]                                 # csv xlsx jsonl
    file: Mapped[str | None]                            # name in storage
    size: Mapped[int | None]
    rows: Mapped[int | None]
    expires_at: Mapped[datetime | None]
