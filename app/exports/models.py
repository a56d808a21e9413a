"""An export: a list, frozen as its query, on its way into a file."""
from datetime import UTC, datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model


class Export(Model):
    """Whether it waits, runs or died is told by the job `job_id`; with `file` set it can be downloaded until `expires_at`."""

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
    job_id: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    created_by_kind: Mapped[str]
    created_by_id: Mapped[int | None]
    created_by: Mapped[str]
