"""An import: one upload on its way from a file to records; and a mapping: what columns mean, kept under a name."""
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model
from app.records.batch_standing import Batched


class Import(Batched, Model):
    """`stage` is what a person chose last: read, match, preview, apply, done, unreadable, cancelled, undo, undone."""

    __tablename__ = "imports"
    __table_args__ = (Index("ix_imports_sha256", "sha256"), {"sqlite_autoincrement": True})
    stage: Mapped[str] = mapped_column(default="read")
    problem: Mapped[str | None]                                       # why the file could not be read
    file_name: Mapped[str]                                            # as the person called it: shown, never opened
    file: Mapped[str | None]                                          # name in storage; None once it is deleted
    size: Mapped[int]
    sha256: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)     # sheet, header_row, encoding, delimiter: as chosen
    about: Mapped[dict[str, Any]] = mapped_column(default=dict)       # the same, as found
    columns: Mapped[list[Any]] = mapped_column(default=list)          # what was noticed about each column, and its field
    blank: Mapped[str] = mapped_column(default="leave")               # an empty cell leaves or clears
    rules: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default=text("'{}'"))   # as imports.rules has them


class Mapping(Model):
    """What somebody settled beside the columns of a file, for all who import them. `columns`: [heading, field or None]."""

    __tablename__ = "import_mappings"
    __table_args__ = (Index("uq_import_mappings_name", "resource", "name", unique=True), {"sqlite_autoincrement": True})
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    resource: Mapped[str]
    name: Mapped[str]
    columns: Mapped[list[Any]]
    options: Mapped[dict[str, Any]]                     # mode, key, blank; decimal, day_first where that made a difference
    rules: Mapped[dict[str, Any]]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))

    @property
    def chosen(self) -> list[dict[str, Any]]:
        """The columns as an import has them."""
        return [{"header": header, "field": field} for header, field in self.columns]

    @property
    def read_as(self) -> dict[str, Any]:
        return {name: self.options[name] for name in ("decimal", "day_first") if name in self.options}
