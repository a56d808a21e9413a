"""The event log: filters, counts by status, pages by keyset. Whatever is asked, a page is read by an index."""
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

from sqlalchemy import ColumnElement, Connection, Integer, and_, func, or_, select
from sqlalchemy import cast as as_type
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import newest
from app.errors import BadRequest, Forbidden
from app.newest import Count, Page, View
from app.records.registry import resources
from app.transaction import is_sqlite
from app.webhooks.models import Body, Endpoint, Event, StoredReceipt
from app.webhooks.receive import scoped
from app.webhooks.texts import key

VIEWS: dict[str, View] = {
    "dead": ("Dead", Event.status == "dead"),
    "retrying": ("Retrying", and_(Event.status == "waiting", Event.attempts > 0)),
    "waiting": ("Waiting", and_(Event.status == "waiting", Event.attempts == 0)),
    "running": ("Processing", Event.status == "running"),
    "done": ("Done", and_(Event.status == "done", func.coalesce(Event.outcome, "") != "ignored")),
    "ignored": ("Ignored", Event.outcome == "ignored"),
}
"""What a person sees of the status of an event, those that need somebody first."""
MOST_ARE = {
    "done": and_(Event.status.concat("") == "done", func.coalesce(Event.outcome, "") != "ignored"),
    "ignored": Event.outcome.concat("") == "ignored",
}
"""The same of what most events are: asked beside a filter, no index is walked for it, for the filter leaves fewer."""
WORDS = ("provider", "endpoint", "kind", "about", "from", "to", "text", "q")
PARAMETERS = ("status", *WORDS, "after", "before")
LOOKED_AT = 2_000    # events whose payload is searched for a text, the newest first
SLACK = 1_000        # ids that may be out of the order of time: of transactions that commit at once
LONGEST = 200


@dataclass(frozen=True)
class Asked:
    """What a page of the log shows. `words` are the filters as given, without status and place."""

    status: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[ColumnElement[bool], ...] = ()
    after: int | None = None
    before: int | None = None


def asked(args: MultiDict[str, str], endpoints: Sequence[Endpoint], zone: tzinfo = UTC) -> Asked:
    """Read the parameters of the page; times without an offset are of `zone`, and are written with it from here on.

    Raises BadRequest on any it does not know or cannot read.
    """
    errors = {name: "This list has no such filter." for name in args if name not in PARAMETERS}
    given: dict[str, str] = {name: args[name].strip() for name in PARAMETERS if args.get(name, "").strip()}
    if given.get("status", "dead") not in VIEWS:
        errors["status"] = f"Give one of {', '.join(VIEWS)}."
    place = newest.place(given, errors)
    if "endpoint" in given and newest.whole(given["endpoint"]) is None:
        errors["endpoint"] = "Give a whole number."
    errors.update({name: f"Give at most {LONGEST} characters." for name in WORDS if len(given.get(name, "")) > LONGEST})
    _settle_times(given, errors, zone)
    if errors:
        raise BadRequest("Take the filter away or correct it.", errors=errors)
    words: dict[str, str] = {name: given[name] for name in WORDS if name in given}
    return Asked(given.get("status", ""), words, tuple(_conditions(words, endpoints)), **place)


def check(question: Asked, may_see_payloads: bool) -> None:
    """Raise Forbidden for whoever asks about payloads without the right to see one."""
    if "text" in question.words and not may_see_payloads:
        raise Forbidden("Searching payloads needs the permission webhooks.sensitive, which the roles manager and admin have.")


def searched(session: Session, question: Asked) -> Asked:
    """The question with the text of its payloads looked for, among the latest LOOKED_AT events the other filters leave."""
    if "text" not in question.words:
        return question
    latest = select(Event.id).where(*_all(question)).order_by(Event.id.desc()).limit(LOOKED_AT).subquery()
    holds = _holds(session.connection(), question.words["text"])
    ids = session.scalars(select(StoredReceipt.event_id).join(Body, Body.id == StoredReceipt.body_id)
                          .where(StoredReceipt.event_id.in_(select(latest.c.id)), StoredReceipt.verdict == "ok", holds))
    return replace(question, conditions=(*question.conditions, Event.id.in_(list(ids))))


def page(session: Session, question: Asked) -> Page[Event]:
    """The events of one page, the newest first. One statement."""
    return newest.page(session, Event, _all(question), question.after, question.before)


def counts(session: Session, question: Asked) -> dict[str, Count]:
    """How many there are by status, under the other filters; only of the one shown where payloads are searched. One statement."""
    found = newest.counts(session, Event, VIEWS, question.conditions)
    return {question.status: found[question.status]} if "text" in question.words else found


def _settle_times(given: dict[str, str], errors: dict[str, str], zone: tzinfo) -> None:
    for name in ("from", "to"):
        try:
            if name in given:
                at = datetime.fromisoformat(given[name])
                given[name] = (at if at.tzinfo else at.replace(tzinfo=zone)).isoformat(timespec="minutes")
        except (ValueError, OverflowError):
            errors[name] = "Give a moment like 2026-06-12T09:42."


def _all(question: Asked) -> tuple[ColumnElement[bool], ...]:
    if not question.status:
        return question.conditions
    shown = VIEWS[question.status][1]
    return (MOST_ARE.get(question.status, shown) if question.conditions else shown, *question.conditions)


def _conditions(words: Mapping[str, str], endpoints: Sequence[Endpoint]) -> Iterable[ColumnElement[bool]]:
    if "provider" in words:
        yield Event.endpoint_id.in_([each.id for each in endpoints if each.provider == words["provider"]])
    if "endpoint" in words:
        yield Event.endpoint_id == int(words["endpoint"])
    if "kind" in words:
        yield Event.said == words["kind"]
    if "about" in words:
        yield Event.object_key.in_(_objects(words["about"], endpoints))
    if "from" in words:
        yield from _since(datetime.fromisoformat(words["from"]))
    if "to" in words:
        yield from _until(datetime.fromisoformat(words["to"]))
    if "q" in words:
        yield _named(words["q"], endpoints)


def _since(at: datetime) -> Iterable[ColumnElement[bool]]:
    """The time decides; ids rise with it, so they say where to begin to look."""
    first = select(Event.id).where(Event.received_at >= at).order_by(Event.received_at, Event.id).limit(1)
    yield Event.received_at >= at
    yield Event.id >= func.coalesce(first.scalar_subquery(), as_type(0, Integer)) - SLACK


def _until(at: datetime) -> Iterable[ColumnElement[bool]]:
    last = select(Event.id).where(Event.received_at < at).order_by(Event.received_at.desc(), Event.id.desc()).limit(1)
    yield Event.received_at < at
    yield Event.id <= func.coalesce(last.scalar_subquery(), as_type(0, Integer)) + SLACK


def _holds(connection: Connection, text: str) -> ColumnElement[bool]:
    """Whether a body holds the text, as it is or as JSON escapes it. Bytes are compared: capital letters count."""
    written = {text.encode(), json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()}
    if is_sqlite(connection):
        return or_(*(func.instr(Body.content, each) > 0 for each in sorted(written)))
    return or_(*(Body.content.op("LIKE")(b"%" + _literal(each) + b"%") for each in sorted(written)))


def _literal(pattern: bytes) -> bytes:
    for special in (b"\\", b"%", b"_"):
        pattern = pattern.replace(special, b"\\" + special)
    return pattern


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
