"""What somebody asks the trail: by whom, of what, through which door, on which day, in which request."""
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args

from sqlalchemy import ColumnElement
from werkzeug.datastructures import MultiDict

from app import ui
from app.audit import ActorKind, Audit, Door
from app.errors import BadRequest

PARAMETERS = ("actor", "resource", "record", "door", "door_id", "day", "request", "before")
BIGGEST = 2**63 - 1


@dataclass(frozen=True)
class Question:
    """The parameters, read; `words` as they were written, without the place on the list."""

    words: dict[str, str]
    actor: tuple[str, int] | None = None
    resource: str | None = None
    record: int | None = None
    door: Door | None = None
    door_id: int | None = None
    day: date | None = None
    request: str | None = None
    before: int | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether an index leads straight to the rows asked for, wherever on the list they are."""
        by_actor = self.actor is not None and self.resource is None and self.door is None
        return by_actor or any(one is not None for one in (self.record, self.door_id, self.request))

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """The day asked for, from its first moment to the next day's, by the clock of whoever asks."""
        if self.day is None:
            return None
        first = datetime.combine(self.day, time(), ui.zone())
        return first.astimezone(UTC), datetime.combine(self.day + timedelta(days=1), time(), ui.zone()).astimezone(UTC)

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """What a row must be. Conditions no index helps with are written so that none is tried for them."""
        if self.actor is not None:
            yield Audit.actor_kind == self.actor[0]
            yield Audit.actor_id == self.actor[1]
        if self.resource is not None:
            yield (Audit.resource if self.record is not None else Audit.resource.concat("")) == self.resource
        if self.record is not None:
            yield Audit.record_id == self.record
        if self.door is not None:
            yield (Audit.door if self.door_id is not None else Audit.door.concat("")) == self.door.value
        if self.door_id is not None:
            yield Audit.door_id == self.door_id
        if self.request is not None:
            yield Audit.request_id == self.request
        if self.span is not None:
            yield Audit.at >= self.span[0]
            yield Audit.at < self.span[1]


def read(args: MultiDict[str, str]) -> Question:
    """Raises BadRequest with a sentence by parameter for whatever cannot be read; empty ones count as not given."""
    given = {name: value.strip() for name, value in args.items() if value.strip()}
    errors = {name: "There is no such filter." for name in given if name not in PARAMETERS}
    values: dict[str, Any] = {}
    for name in given.keys() - errors.keys():
        try:
            values[name] = READERS[name](given[name])
        except (ValueError, OverflowError):
            errors[name] = SENTENCES[name]
    for name, needed in (("record", "resource"), ("door_id", "door")):
        if name in given and needed not in given:
            errors[name] = f"It needs {needed} beside it."
    if errors:
        raise BadRequest("Take these out of the address or write them differently.", title="This filter cannot be read",
                         errors=errors)
    return Question({name: value for name, value in given.items() if name != "before"}, **values)


def _actor(text: str) -> tuple[str, int]:
    kind, _, id = text.partition(":")
    if kind not in get_args(ActorKind):
        raise ValueError(kind)
    return kind, _number(id)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 <= int(text) <= BIGGEST:
        raise ValueError(text)
    return int(text)


def _day(text: str) -> date:
    found = date.fromisoformat(text)
    if not 1970 <= found.year <= 9000:   # far enough from the ends of the calendar to move by a day and a zone
        raise ValueError(text)
    return found


def _word(text: str) -> str:
    if len(text) > 100 or not text.isprintable():
        raise ValueError(text)
    return text


READERS: dict[str, Any] = {"actor": _actor, "resource": _word, "record": _number, "door": Door, "door_id": _number,
                           "day": _day, "request": _word, "before": _number}
SENTENCES = {"actor": "Write it like staff:7.", "resource": "Write a name like orders.", "record": "Write a number.",
             "door": f"Choose one of {', '.join(Door)}.", "door_id": "Write a number.", "day": "Write it like 2026-06-12.",
             "request": "Write a request number like 7f3a-91c0-4be2-a1d3.", "before": "Use the links of the page."}
