"""Reading a record anew from its provider, because somebody wants to know how it stands there now."""
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import select

from app.audit import Actor
from app.errors import Conflict, Invalid, NotFound
from app.extensions import db
from app.integrations import connections
from app.integrations.calling import Connection
from app.integrations.cause import because
from app.integrations.models import StoredConnection
from app.integrations.news import tell
from app.jobs.enqueue import enqueue
from app.records.actions import action
from app.records.change import Change
from app.records.registry import named
from app.records.resource import Resource
from app.transaction import transaction

JOB = "integrations.refresh"
NAME = "refresh"
Show = Callable[[Connection, str], list[Change]]
_shows: dict[tuple[str, str], Show] = {}
_by_number: dict[tuple[str, str], tuple[str, ...]] = {}


def shows(provider_name: str, resource: str, *, by: tuple[str, ...] = ()) -> Callable[[Show], Show]:
    """Register how a record of this provider is read: (connection, outside id) → what should become of it. It calls out.

    `by`: columns whose values, with ":" between them, are what the provider knows it by instead, whoever else keeps it.
    """
    def register(show: Show) -> Show:
        _shows[provider_name, resource] = show
        if by:
            _by_number[provider_name, resource] = by
        action(resource, NAME, when=partial(can_be_read, resource))(refresh)
        return show
    return register


def can_be_read(resource: str, row: Mapping[str, Any]) -> bool:
    """There is a connection by which it can be shown."""
    return _through(resource, row) is not None


def refresh(actor: Actor, resource: Resource, row: dict[str, Any], values: dict[str, Any]) -> str:
    """Queue it, once however often it is pressed."""
    with transaction() as session:
        enqueue(session, JOB, {"resource": resource.name, "record_id": row["id"]}, key=f"{resource.name}:{row['id']}", by=actor)
    return "The provider is asked now. What has changed there appears in the timeline."


def read(resource: str, record_id: int) -> str:
    """Ask, and let the gate decide; answers what became of the record.

    Raises NotFound for a record that is gone, Conflict without a connection, Invalid for what the gate refuses, ProviderError.
    """
    table = named(resource).table
    found = db.session.execute(select(table).where(table.c.id == record_id)).mappings().one_or_none()
    if found is None:
        raise NotFound("The record is gone.")
    row = dict(found)
    stored = _through(resource, row)
    if stored is None:
        raise Conflict(f"Add a connection for the account {row['account']}, or switch it on, and retry this job.",
                       title="Its provider is not connected any more")
    connection, show = connections.opened(stored), _shows[stored.provider, resource]
    id = _known_by(stored.provider, resource, row)
    db.session.rollback()
    with because(record=(resource, record_id)):
        outcomes = tell(connection, show(connection, id))
    for outcome in outcomes:
        if outcome.errors:
            raise Invalid(" ".join(outcome.errors.values()), title="What the provider shows was refused")
    return outcomes[0].kind if outcomes else "unchanged"


def _through(resource: str, row: Mapping[str, Any]) -> StoredConnection | None:
    """The connection of its account, where it has an outside id there; else one to whom its number is enough."""
    if row["account"] and row.get("external_id"):
        able = [name for name, of in _shows if of == resource and (name, of) not in _by_number]
        found = connections.first(able, row["account"])
        if found is not None:
            return found
    known = [name for (name, of), by in _by_number.items() if of == resource and all(row.get(each) for each in by)]
    return connections.first(known)


def _known_by(provider_name: str, resource: str, row: Mapping[str, Any]) -> str:
    """What this provider knows the record by."""
    return ":".join(row[each] for each in _by_number.get((provider_name, resource), ("external_id",)))
