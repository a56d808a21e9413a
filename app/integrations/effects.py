"""What we do outside: committed as a row first, then asked for with its key, and looked up rather than repeated in doubt."""
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor
from app.errors import Conflict, Forbidden, NotFound
from app.integrations import connections
from app.integrations.calling import Connection
from app.integrations.models import Effect, StoredConnection
from app.jobs.asked import job_is_over
from app.jobs.enqueue import OPEN as UNFINISHED
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.records.change import Change
from app.transaction import lock, transaction

OPEN = ("asked", "pending", "ambiguous")
TABLE = "effects"
JOB = "integrations.perform"


@dataclass(frozen=True)
class Asked:
    """What is to be done. `key` is ours: it makes asking twice asking once, and is how it is found at the provider."""

    key: str
    external_id: str
    amount_minor: int | None = None
    currency: str = ""
    reason: str = ""
    number: str = ""        # of a parcel, as its carrier knows it


class Doer(Protocol):
    """How one kind of effect is done at one provider. All of it calls out and raises ProviderError."""

    def do(self, connection: Connection, asked: Asked) -> str:
        """Do it, once for a key; a sentence on what was done."""

    def find(self, connection: Connection, asked: Asked) -> str | None:
        """The same of what was done before, by its key; None: the provider never did it."""

    def news(self, connection: Connection, asked: Asked) -> list[Change]:
        """What our record became by it, as the provider shows it now."""


_doers: dict[tuple[str, str], Doer] = {}
_by_number: set[tuple[str, str]] = set()


def effect(provider_name: str, kind: str, *, by_number: bool = False) -> Callable[[type[Doer]], type[Doer]]:
    """Register how this kind of effect is done at this provider; `by_number`: to what it knows by a number of its own, not by
    an outside id within an account."""
    def register(found: type[Doer]) -> type[Doer]:
        _doers[provider_name, kind] = found()
        if by_number:
            _by_number.add((provider_name, kind))
        return found
    return register


def doer(provider_name: str, kind: str) -> Doer:
    """Raises NotFound where nobody does it."""
    try:
        return _doers[provider_name, kind]
    except KeyError:
        raise NotFound(f"Backroom cannot do {kind} at {provider_name}.") from None


def through(kind: str, account: str) -> StoredConnection | None:
    """The connection this kind of thing is done through for an account; None: it cannot be done."""
    return connections.first([name for name, does in _doers if does == kind], account)


def through_any(kind: str) -> StoredConnection | None:
    """The same for a record of no account, which has a number the provider knows."""
    return connections.first([name for name, does in _by_number if does == kind])


def ask(session: Session, kind: str, record: tuple[str, int], connection: StoredConnection, asked: dict[str, Any], *, by: Actor,
        needs_second: bool = False) -> Effect:
    """Commit to it, with the caller's transaction; a job does it then, or once a second person has approved.

    Raises Conflict while another of its kind is open for the record.
    """
    (resource, record_id), (by_kind, by_id) = record, by.person
    row = Effect(key=f"br_{secrets.token_hex(12)}", kind=kind, connection_id=connection.id, resource=resource,
                 record_id=record_id, asked=asked, status="asked" if needs_second else "pending", tries=0,
                 asked_by_kind=by_kind, asked_by_id=by_id, asked_by=by.name, created_at=datetime.now(UTC))
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        raise Conflict("Another one for this record is not settled yet. See its panel Effects.",
                       title="One at a time") from None
    audit.note(session, by, f"{kind}_asked", resource, record_id, effect=row.id, waits_for_second=needs_second, **asked)
    if not needs_second:
        _queue(session, row, by)
    return row


def approve(effect_id: int, *, by: Actor) -> None:
    """The second person agrees: it is done. Raises Forbidden for whoever asked for it, Conflict when it does not wait."""
    with transaction() as session:
        row = _waiting(session, effect_id, by)
        if is_by(row, by):
            raise Forbidden("Whoever asked for it cannot approve it: it takes a second person.")
        row.status, row.decided_by = "pending", by.name
        audit.note(session, by, f"{row.kind}_approved", row.resource, row.record_id, effect=row.id)
        _queue(session, row, by)


def decline(effect_id: int, *, by: Actor) -> None:
    """It is not done: by a second person, or by whoever asked and thought better of it."""
    with transaction() as session:
        row = _waiting(session, effect_id, by)
        row.status, row.decided_by, row.ended_at = "declined", by.name, datetime.now(UTC)
        audit.note(session, by, f"{row.kind}_declined", row.resource, row.record_id, effect=row.id)


def again(effect_id: int, *, by: Actor) -> None:
    """Look it up at the provider, and do it only if it was not done. Raises Conflict for what is settled."""
    with transaction() as session:
        row = lock(session, Effect, effect_id)
        check(by, row.kind)
        if row.status not in ("ambiguous", "pending"):
            raise Conflict("It is settled.", title="Nothing is in doubt")
        if row.status == "pending" and not job_is_over(session, row.job_id):
            raise Conflict(f"Job {row.job_id} is at it. Wait for what comes of that.", title="It is under way")
        row.status = "pending"
        audit.note(session, by, f"{row.kind}_looked_up", row.resource, row.record_id, effect=row.id)
        _queue(session, row, by)


def is_by(row: Effect, actor: Actor) -> bool:
    """Whether this person asked for it, themselves or by a token of theirs."""
    return (row.asked_by_kind, row.asked_by_id) == actor.person


def left_alone(session: Session, rows: Iterable[Effect]) -> set[int]:
    """Those under way of which no job is at work: it died, or somebody cancelled it. One statement."""
    at_work = {row.job_id: row.id for row in rows if row.status == "pending"}
    if not at_work:
        return set()
    open = session.scalars(select(Job.id).where(Job.id.in_(at_work), Job.status.in_(UNFINISHED)))
    return set(at_work.values()) - {at_work[id] for id in open}


def of_record(session: Session, resource: str, record_id: int, limit: int) -> list[Effect]:
    """The latest effects of a record."""
    mine = select(Effect).where(Effect.resource == resource, Effect.record_id == record_id)
    return list(session.scalars(mine.order_by(Effect.id.desc()).limit(limit)))


def _waiting(session: Session, effect_id: int, by: Actor) -> Effect:
    row = lock(session, Effect, effect_id)
    check(by, row.kind)
    if row.status != "asked":
        raise Conflict("It does not wait for a second person any more.", title="Somebody was faster")
    return row


def _queue(session: Session, row: Effect, by: Actor) -> None:
    """A new job each time: the last one may not have ended yet, and would not look again. `job_id` says which one it is."""
    row.job_id = enqueue(session, JOB, {"effect_id": row.id}, by=by).id
