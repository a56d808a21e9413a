"""The log of calls as people ask for it: filters, counts, pages by keyset; and what was called for one thing."""
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import newest
from app.errors import BadRequest
from app.integrations.models import Call
from app.newest import Count, Page, View

VIEWS: dict[str, View] = {
    "failed": ("Failed", Call.error.is_not(None)),
    "unanswered": ("No answer", Call.error.is_not(None) & Call.status.is_(None)),
}
NUMBERS = {"connection": Call.connection_id, "job": Call.job_id, "event": Call.event_id}
TEXTS = {"op": Call.op, "error": Call.error, "key": Call.idempotency_key, "request": Call.request_id, "provider": Call.provider}
PARAMETERS = ("view", *NUMBERS, *TEXTS, "record", "after", "before")
LONGEST = 200
CAP = 99


@dataclass(frozen=True)
class Asked:
    """What a page of the log shows. `words` are the filters as given, without view and place."""

    view: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[ColumnElement[bool], ...] = ()
    after: int | None = None
    before: int | None = None


def asked(args: MultiDict[str, str]) -> Asked:
    """Read the parameters of the page. Raises BadRequest on any it does not know or cannot read."""
    errors = {name: "This list has no such filter." for name in args if name not in PARAMETERS}
    given: dict[str, str] = {name: args[name].strip() for name in PARAMETERS if args.get(name, "").strip()}
    if given.get("view", "failed") not in VIEWS:
        errors["view"] = f"Give one of {', '.join(VIEWS)}."
    place = newest.place(given, errors)
    errors.update({name: "Give a whole number." for name in NUMBERS if name in given and newest.whole(given[name]) is None})
    errors.update({name: f"Give at most {LONGEST} characters." for name in TEXTS if len(given.get(name, "")) > LONGEST})
    if "record" in given and _record(given["record"]) is None:
        errors["record"] = "Give a record like payments/7."
    if errors:
        raise BadRequest("Take the filter away or correct it.", errors=errors)
    words = {name: given[name] for name in (*NUMBERS, *TEXTS, "record") if name in given}
    return Asked(given.get("view", ""), words, tuple(_conditions(words)), **place)


def page(session: Session, question: Asked) -> Page[Call]:
    """The calls of one page, the newest first. One statement."""
    return newest.page(session, Call, _all(question), question.after, question.before)


def counts(session: Session, question: Asked) -> dict[str, Count]:
    """How many there are by view, under the other filters. One statement."""
    return newest.counts(session, Call, VIEWS, question.conditions)


def together(session: Session, call: Call) -> list[Call]:
    """Every attempt of the same call, the first one first."""
    return list(session.scalars(select(Call).where(Call.operation == call.operation).order_by(Call.id).limit(CAP)))


def of_record(session: Session, resource: str, record_id: int, limit: int) -> list[Call]:
    """The latest calls made for a record."""
    query = select(Call).where(Call.resource == resource, Call.record_id == record_id).order_by(Call.id.desc()).limit(limit)
    return list(session.scalars(query))


def number_of(session: Session, **what: int) -> int:
    """How many calls were made for a job or an event, counted no further than CAP."""
    same = [NUMBERS[name] == id for name, id in what.items()]
    return session.execute(select(func.count()).select_from(select(Call.id).where(*same).limit(CAP).subquery())).scalar_one()


def latest(session: Session, connection_id: int, *conditions: ColumnElement[bool]) -> Call | None:
    """The last call of a connection of which these hold."""
    mine = select(Call).where(Call.connection_id == connection_id, *conditions)
    return session.scalars(mine.order_by(Call.id.desc()).limit(1)).first()


def _all(question: Asked) -> tuple[ColumnElement[bool], ...]:
    return (VIEWS[question.view][1], *question.conditions) if question.view else question.conditions


def _conditions(words: Mapping[str, str]) -> Iterable[ColumnElement[bool]]:
    yield from (column == int(words[name]) for name, column in NUMBERS.items() if name in words)
    yield from (column == words[name] for name, column in TEXTS.items() if name in words)
    if record := _record(words.get("record", "")):
        yield Call.resource == record[0]
        yield Call.record_id == record[1]


def _record(text: str) -> tuple[str, int] | None:
    name, _, id = text.partition("/")
    found = newest.whole(id)
    return (name, found) if name and found is not None else None
