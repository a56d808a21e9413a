"""What became of a record and what staff wrote beside it, in one line of time, newest first, part by part."""
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any, cast

from sqlalchemy.orm import Session

from app.audit import Actor
from app.records import notes, timeline
from app.records.notes import Note
from app.records.resource import Resource
from app.records.timeline import LIMIT, Happening

Row = dict[str, Any]
PLACE = re.compile(r"(\d{0,9})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True)
class Noted:
    """A note among what happened. Removed, it has no text."""

    id: int
    who: str
    text: str
    at: datetime
    is_removed: bool
    is_removable: bool


Entry = Happening | Noted


@dataclass(frozen=True)
class Part:
    """Some entries; `older` is what to pass as `before` for those after them. `newer`: there are some before them."""

    entries: list[Entry]
    older: str | None
    newer: bool


def part(session: Session, resource: Resource, row: Row, actor: Actor, before: str = "", limit: int = LIMIT) -> Part:
    """The next entries. 2 statements, and 1 for each resource that old values refer to.

    A place in it is "version-note": the last of either that was shown. One that cannot be read is the beginning.
    """
    version, note = _place(before)
    happened, older = timeline.happenings(session, resource, row, actor, version, limit)
    said = notes.written(session, resource, row["id"], note, limit + 1)
    entries = list(merge(cast(list[Entry], happened), [_noted(one, actor) for one in said], key=_at, reverse=True))
    more = older is not None or len(entries) > limit
    return Part(entries[:limit], _older(entries[:limit], version, note) if more else None, (version, note) != (None, None))


def _at(entry: Entry) -> datetime:
    return entry.at


def _noted(note: Note, actor: Actor) -> Noted:
    gone = note.removed_at is not None
    return Noted(note.id, note.author, note.text, note.at, gone, not gone and notes.is_removable(note, actor))


def _place(before: str) -> tuple[int | None, int | None]:
    found = PLACE.fullmatch(before)
    version, note = found.groups() if found else ("", "")
    return int(version) if version else None, int(note) if note else None


def _older(shown: Sequence[Entry], version: int | None, note: int | None) -> str:
    for one in shown:
        if isinstance(one, Noted):
            note = one.id
        else:
            version = one.version
    return f"{'' if version is None else version}-{'' if note is None else note}"
