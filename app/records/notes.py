"""Notes: what staff write beside a record for one another. They are no field: no provider, file or program sees them."""
from datetime import UTC, datetime, timedelta

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app import audit
from app.audit import Actor
from app.errors import Forbidden, Invalid, NotFound
from app.extensions import Id, Model
from app.records.resource import Resource
from app.records.values import LARGEST, text_of
from app.transaction import lock, now, repeated, transaction

LONGEST = 5_000
TWICE = timedelta(minutes=1)
"""The same words of the same person again this soon are a button pressed twice."""


class Note(Model):
    """One note on one record. Its text never changes; removed, nothing is left of it but that there was one."""

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


def written(session: Session, resource: Resource, id: int, before: int | None, limit: int) -> list[Note]:
    """The notes on this record older than note `before`, newest first. 1 statement."""
    conditions = [Note.resource == resource.name, Note.record_id == id]
    if before is not None:
        conditions.append(Note.id < before)
    return list(session.scalars(select(Note).where(*conditions).order_by(Note.id.desc()).limit(limit)))


@repeated
def add(resource: Resource, id: int, text: str, *, by: Actor, request_id: str | None) -> int:
    """Write a note and return its id. Pressed twice, there is one. Raises Invalid for none, or one that is too long."""
    found = _read(text)
    with transaction() as session:
        last = next(iter(written(session, resource, id, None, 1)), None)
        if last is not None and (last.text, last.author_id) == (found, by.id) and last.at > now(session) - TWICE:
            return last.id
        note = Note(resource=resource.name, record_id=id, text=found, author_id=by.id, author=by.name)
        session.add(note)
        session.flush()
        audit.note(session, by, "notes.add", resource.name, id, request_id=request_id, note=note.id)
        return note.id


@repeated
def remove(resource: Resource, id: int, note_id: int, *, by: Actor, request_id: str | None) -> None:
    """Delete the text of a note on this record. Twice is once.

    Raises NotFound where it has no such note, Forbidden for whoever neither wrote it nor may remove those of others.
    """
    with transaction() as session:
        note = lock(session, Note, min(note_id, LARGEST))
        if (note.resource, note.record_id) != (resource.name, id):
            raise NotFound(f"This {resource.label.lower()} has no note {note_id}.")
        if not is_removable(note, by):
            raise Forbidden(f"{note.author} wrote this note and can remove it; so can a person with the role admin.")
        if note.removed_at is None:
            note.text, note.removed_at = "", now(session)
            audit.note(session, by, "notes.remove", resource.name, id, request_id=request_id, note=note.id)


def is_removable(note: Note, by: Actor) -> bool:
    """Whether `by` wrote it, or may remove what others wrote."""
    return by.kind == "staff" and by.id == note.author_id or by.may("notes.remove")


def _read(text: str) -> str:
    try:
        found = text_of(text, LONGEST, lines=True)
        if found is None:
            raise ValueError("There is nothing in it. Write the note first.")
        return found
    except ValueError as error:
        raise Invalid("The note was not kept.", errors={"text": str(error)}) from None
