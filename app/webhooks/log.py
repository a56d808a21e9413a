"""The event log: filters, counts by status, pages by keyset. Whatever is asked, a page is read by an index."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import newest
from app.errors import BadRequest
from app.newest import Count, Page, View
from app.records.registry import resources
from app.webhooks.models import Endpoint, Event
from app.webhooks.receive import key, scoped

VIEWS: dict[str, View] = {
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


def asked(args: MultiDict[str, str], endpoints: Sequence[Endpoint]) -> Asked:
    """Read the parameters of the page. Raises BadRequest on any it does not know or cannot read."""
    errors = {name: "This list has no such filter." for name in args if name not in PARAMETERS}
    given: dict[str, str] = {name: args[name].strip() for name in PARAMETERS if args.get(name, "").strip()}
    if given.get("status", "dead") not in VIEWS:
        errors["status"] = f"Give one of {', '.join(VIEWS)}."
    place = newest.place(given, errors)
    if "endpoint" in given and newest.whole(given["endpoint"]) is None:
        errors["endpoint"] = "Give a whole number."
    if errors:
        raise BadRequest("Take the filter away or correct it.", errors=errors)
    words: dict[str, str] = {name: given[name] for name in ("provider", "endpoint", "kind", "about", "q") if name in given}
    return Asked(given.get("status", ""), words, tuple(_conditions(words, endpoints)), **place)


def page(session: Session, question: Asked) -> Page[Event]:
    """The events of one page, the newest first. One statement."""
    return newest.page(session, Event, _all(question), question.after, question.before)


def counts(session: Session, question: Asked) -> dict[str, Count]:
    """How many there are by status, under the other filters. One statement."""
    return newest.counts(session, Event, VIEWS, question.conditions)


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
    id = newest.whole(text)
    number = [] if id is None else [Event.id == id]
    by_key = and_(Event.endpoint_id.in_([each.id for each in endpoints]), Event.dedupe_key == key(text))
    return or_(*number, by_key, Event.object_key.in_(_objects(text, endpoints)))


def _objects(text: str, endpoints: Sequence[Endpoint]) -> list[str]:
    """The keys an outside id may have: in each account, and with its type before it."""
    accounts = sorted({each.account for each in endpoints})
    names = [text, *(f"{resource.name}:{text}" for resource in resources())]
    return [found for account in accounts for name in names if (found := scoped(account, name)) is not None]
