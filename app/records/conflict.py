"""Two people changed one record: what it was, what they made of it, what you made of it, and what fits together."""
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from app.audit import Actor
from app.records import labels, policy, timeline
from app.records.fields import Field
from app.records.labels import Diff, Row, said
from app.records.resource import Resource
from app.ui import moment

WORDS = re.compile(r"\w+|\W")
OWN = "You, saved before"
EMPTY = Markup('<span class="dim">empty</span>')


@dataclass(frozen=True)
class Both:
    """A field both changed, each to something else. `refused` says why yours can no longer be saved."""

    name: str
    title: str
    before: Markup
    theirs: Markup
    mine: Markup
    refused: str
    take_mine: bool
    take_theirs: bool         # neither until somebody chose: a save that nobody looked at must not drop an edit


@dataclass(frozen=True)
class Merged:
    """A field only one of the two changed."""

    title: str
    by: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class Merge:
    both: list[Both]
    merged: list[Merged]
    mine: list[str]           # names of the fields the form sends: those you changed
    who: str
    at: datetime | None
    seen: int                 # the version you opened
    now: int                  # the version there is
    own: bool                 # the person saved all of it: with another page of the same record

    @property
    def theirs(self) -> str:
        """Whose the other side is, as a heading has it."""
        return OWN if self.own else self.who


def merge(session: Session, resource: Resource, row: Row, diff: Diff, seen: int, actor: Actor, *,
          picks: Mapping[str, str] | None = None, refused: Mapping[str, str] | None = None) -> Merge:
    """How an edit of version `seen` fits to `row`, the record as it stands. `diff` is what the edit would change now.

    `picks` are choices made already ("mine" or "theirs" by field), `refused` what the gate says against fields of yours.
    """
    later = timeline.since(session, resource, row, seen)
    base, mine = timeline.as_it_was(resource, row, later), labels.turned(resource, row, diff, 1)
    labels.label(session, resource, [base, mine], actor)
    fields = [field for field in policy.readable(actor, resource) if field.kind != "json"]
    by_them = [field for field in fields if _differs(field, base, row)]
    by_me = [field for field in fields if field.column in diff and _differs(field, base, mine)]
    names = list(dict.fromkeys(one.actor for one in later))
    own = bool(later) and all((one.actor_kind, one.actor_id) == (actor.kind, actor.id) for one in later)
    who = "You" if own else _together(names) or "Somebody"
    by = OWN if own else who
    return Merge([_both(field, base, row, mine, picks or {}, refused or {}) for field in by_me if field in by_them],
                 [Merged(label, by, old, new) for field in by_them if field not in by_me
                  for label, old, new in labels.differences(field, base, row)]
                 + [Merged(label, "You", old, new) for field in by_me if field not in by_them
                    for label, old, new in labels.differences(field, base, mine)],
                 [field.name for field in by_me], who, later[0].at if later else None, seen, row["version"], own)


def meanwhile(session: Session, resource: Resource, row: Row, seen: int, actor: Actor) -> str:
    """Who changed the record after version `seen`, and when, as a sentence to `actor`."""
    later = timeline.since(session, resource, row, seen)
    if not later:
        return "Somebody has changed this meanwhile."
    own = (actor.kind, actor.id)
    names = list(dict.fromkeys("you" if (one.actor_kind, one.actor_id) == own else one.actor for one in later))
    who = _together(["You", *names[1:]] if names[0] == "you" else names)
    return f"{who} changed this meanwhile, on {moment(later[0].at)}: it is version {row['version']} now."


def since_when(resource: Resource, row: Row, seen: int) -> str:
    """Where the timeline shows what was changed first after version `seen`, as an address."""
    before = f"{seen + 2}-0" if row["version"] - seen > timeline.LIMIT // 2 else None    # beyond its first page, with the notes
    return url_for("records.show", resource=resource.name, id=row["id"], before=before, _anchor=f"v{seen + 1}")


def _differs(field: Field, one: Row, other: Row) -> bool:
    return bool(_plain(field, one) != _plain(field, other))


def _plain(field: Field, row: Row) -> Any:
    """What is stored; of lines their columns alone, without labels and places."""
    value = row.get(field.column)
    if field.kind != "lines":
        return value
    columns = [part.column for part in field.fields]  # type: ignore[attr-defined]
    return [[line.get(column) for column in columns] for line in value or ()]


def _both(field: Field, base: Row, theirs: Row, mine: Row, picks: Mapping[str, str], refused: Mapping[str, str]) -> Both:
    before, their_text, my_text = said(field, base), said(field, theirs), said(field, mine)
    why = refused.get(field.name, "")
    return Both(field.name, field.title, escape(before) if before else EMPTY, marked(before, their_text),
                marked(before, my_text), why, not why and picks.get(field.name) == "mine",
                bool(why) or picks.get(field.name) == "theirs")


def marked(before: str, after: str) -> Markup:
    """`after` with the words marked that differ from `before`; nothing is marked where all of it does."""
    if not after:
        return EMPTY
    old, new = WORDS.findall(before), WORDS.findall(after)
    start = _common(old, new)
    end = _common(old[start:][::-1], new[start:][::-1])
    head, middle, tail = ("".join(part) for part in (new[:start], new[start:len(new) - end], new[len(new) - end:]))
    if not middle or not (head + tail).strip():
        return escape(after)
    return Markup("{}<mark>{}</mark>{}").format(head, middle, tail)


def _common(one: list[str], other: list[str]) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length


def _together(names: list[str]) -> str:
    """ "Jonas Weber", "Jonas Weber and Mina Wolff", "Jonas Weber and 2 others"."""
    if len(names) <= 2:
        return " and ".join(names)
    return f"{names[0]} and {len(names) - 1} others"
