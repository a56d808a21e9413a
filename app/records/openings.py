"""Who opened a record last: "Bob opened it 2 minutes ago", so that two people do not work on it unaware of each other."""
from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model


class Opening(Model):
    """When somebody last had a record's page open, and whether in the form that changes it."""

    __tablename__ = "openings"
    __table_args__ = {"sqlite_with_rowid": False}
    resource: Mapped[str] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    name: Mapped[str]
    at: Mapped[datetime]
    is_editing: Mapped[bool] = mapped_column(default=False)
