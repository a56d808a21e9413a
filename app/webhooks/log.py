"""The event log: filters, counts by status, pages by keyset. Whatever is asked, a page is read by an index."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, union_all
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.errors import BadRequest
from app.records.registry import resources
from app.webhooks.models import Endpoint, Event
from app.webhooks.receive import key, scoped

SIZE = 50
CAP = 10_000
VIEWS: dict[str, tuple[str, ColumnElement[bool]]] = {
    "dead": ("Dead", Event.status == "dead"),
    "retrying": ("Retrying", and_(Event.status == "waiting", Event.attempts > 0)),
    "waiting": ("Waiting", and_(Event.status == "waiting", Event.attempts == 0)),
    "running": ("Processing", Event.status == "running"),
    "done": ("Done", and_(Event.status == "done", func.coalesce(Event.outcome, "") != "ignored")),
    "ignored": ("Ignored", Event.outcome == "ignored"),
}
"""What a person sees of the status of an event, those that need somebody first."""
PARAMETERS = ("status", "provider", "endpoint", "kind", "about", "q", "after", "before")


@dataclass(frozen=True)
class Asked:
    """What a page of the log shows. `words` are the filters as given, without status and place."""

    status: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[ColumnElement[bool], ...] = ()
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class Count:
    number: int
    capped: bool


@dataclass(frozen=True)
class Page:
    """Events, the newest first; `after` and `before` say where the neighbours begin, None where there are none."""

    events: Sequence[Event]
    after: int | None
    before: int | None


def asked(args: MultiDict[str, str], endpoints: Sequence[Endpoint]) -> Asked:
    """Read the parameters of the page. Raises BadRequest on any it does not know or cannot read."""
    errors = {name: "This list has no such filter." for name in args if name not in PARAMETERS}
    given: dict[str, str] = {name: args[name].strip() for name in PARAMETERS if args.get(name, "").strip()}
    if given.get("status", "dead") not in VIEWS:
        errors["status"] = f"Give one of {', '.join(VIEWS)}."
    place = {name: _whole(given, name, errors) for name in ("after", "before", "endpoint")}
    if errors:
        raise BadRequest("Take the filter away or correct it.", errors=errors)
    words: dict[str, str] = {name: given[name] for name in ("provider", "endpoint", "kind", "about", "q") if name in given}
    return Asked(given.get("status", ""), words, tuple(_conditions(words, endpoints)), place["after"], place["before"])


def page(session: Session, question: Asked) -> Page:
    """One statement, by the index of the filter."""
    query = select(Event).where(*_all(question)).limit(SIZE + 1)
    if question.before is not None:
        found = list(session.scalars(query.where(Event.id > question.before).order_by(Event.id)))
        shown = found[:SIZE][::-1]
        return Page(shown, shown[-1].id if shown else None, shown[0].id if len(found) > SIZE else None)
    if question.after is not None:
        query = query.where(Event.id < question.after)
    found = list(session.scalars(query.order_by(Event.id.desc())))
    shown = found[:SIZE]
    return Page(shown, shown[-1].id if len(found) > SIZE else None, shown[0].id if shown and question.after is not None else None)


def counts(session: Session, question: Asked) -> dict[str, Count]:
    """How many there are in each view, under the other filters; at most CAP are counted. One statement."""
    parts = [select(literal(name).label("view"), select(func.count()).select_from(_capped(question, condition)).scalar_subquery())
             for name, (_, condition) in (*VIEWS.items(), ("", ("All", literal(True))))]
    return {name: Count(min(number, CAP), number > CAP) for name, number in session.execute(union_all(*parts))}


def _capped(question: Asked, condition: ColumnElement[bool]) -> Any:
    return select(literal(1)).where(condition, *question.conditions).select_from(Event).limit(CAP + 1).subquery()


def _all(question: Asked) -> tuple[ColumnElement[bool], ...]:
    return (VIEWS[question.status][1], *question.conditions) if question.status else question.conditions


def _conditions(words: Mapping[str, str], endpoints: Sequence[Endpoint]) -> Iterable[ColumnElement[bool]]:
    if "provider" in words:
        yield Event.endpoint_id.in_([each.id for each in endpoints if each.provider == words["provider"]])
    if "endpoint" in words:
        yield Event.endpoint_id == int(words["endpoint"])
    if "kind" in words:
        yield Event.said == words["kind"]
    if "about" in words:
        yield Event.object_key.in_(_objects(words["about"], endpoints))
    if "q" in words:
        yield _named(words["q"], endpoints)


def _named(text: str, endpoints: Sequence[Endpoint]) -> ColumnElement[bool]:
    """Whatever an event is known by: its number, the provider's id of it, or of what it is about."""
    number = [Event.id == int(text)] if text.isascii() and text.isdecimal() and int(text) < 2**63 else []
    by_key = and_(Event.endpoint_id.in_([each.id for each in endpoints]), Event.dedupe_key == key(text))
    return or_(*number, by_key, Event.object_key.in_(_objects(text, endpoints)))


def _objects(text: str, endpoints: Sequence[Endpoint]) -> list[str]:
    """The keys an outside id may have: in each account, and with its type before it."""
    accounts = sorted({each.account for each in endpoints})
    names = [text, *(f"{resource.name}:{text}" for resource in resources())]
    return [found for account in accounts for name in names if (found := scoped(account, name)) is not None]


def _whole(given: Mapping[str, str], name: str, errors: dict[str, str]) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or int(text) >= 2**63:
        errors[name] = "Give a whole number."
        return None
    return int(text)
