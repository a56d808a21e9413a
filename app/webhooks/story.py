"""What became of events, and what would: the records they changed, and the plan of a retry, as this person may see them."""
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import Actor, Audit, Door
from app.errors import Problem
from app.integrations.provider import Receipt
from app.integrations.registry import provider
from app.records import labels, placeholders, policy
from app.records.changes import ACCEPTED, Change, Outcome, plan
from app.records.registry import named
from app.records.resource import Resource
from app.webhooks import live
from app.webhooks.asking import whom
from app.webhooks.live import Live
from app.webhooks.models import Event, StoredReceipt
from app.webhooks.process import as_received, changes, first_receipt, outside, refusal, source

log = structlog.get_logger()
Pair = tuple[str, str, str]      # label, old, new
Named = tuple[str, int | None]   # a record: its resource, its id
VERBS = {"created": "Created", "updated": "Changed", "trashed": "Trashed", "restored": "Restored"}
PLACEHOLDER = "Deleted before it was ever here: a placeholder keeps later news of it in the trash"
GONE = "Deleted before it was here:"      # the same where there is little room, before the record


@dataclass(frozen=True)
class Touched:
    """One record an event changed, or would: `pairs` are (label, old, new) in words, of the fields this person may read."""

    verb: str
    resource: Resource
    id: int | None
    pairs: list[Pair] = field(default_factory=list)
    named: str = ""         # a record that is not here yet: its outside id

    @property
    def text(self) -> str:
        return f"{self.resource.singular.lower()} {self.id or self.named}"


@dataclass(frozen=True)
class Preview:
    """What a retry would do now: records it would change, or why it would fail."""

    touched: list[Touched]
    problem: Problem | None = None
    is_asked: bool = False      # its provider is asked first: only then is it known


def touched(session: Session, event_ids: Iterable[int]) -> dict[int, list[Touched]]:
    """The records each of these events changed, for a list. One statement, and one for each type it created records of."""
    rows = list(session.scalars(_written(event_ids)))
    empty = _placeholders(session, rows)
    found: dict[int, list[Touched]] = defaultdict(list)
    for row in rows:
        if row.door_id is not None:
            found[row.door_id].append(Touched(_verb(row, empty, GONE), named(row.resource), row.record_id))
    return found


def changed(session: Session, event_id: int, actor: Actor) -> list[Touched]:
    """What an event changed, old → new, in the records this person may read."""
    rows = [row for row in session.scalars(_written([event_id])) if actor.may(f"{row.resource}.read")]
    empty = _placeholders(session, rows)
    return [Touched(_verb(row, empty, PLACEHOLDER), named(row.resource), row.record_id,
                    _pairs(session, named(row.resource), row.record_id, json.loads(row.diff), actor)) for row in rows]


def _verb(row: Audit, empty: set[Named], gone: str) -> str:
    return gone if (row.resource, row.record_id) in empty else VERBS.get(row.action, "Changed")


def _placeholders(session: Session, rows: Sequence[Audit]) -> set[Named]:
    """The records these rows created that are not here but for later news of them."""
    made: dict[str, list[int | None]] = defaultdict(list)
    for row in rows:
        if row.action == "created":
            made[row.resource].append(row.record_id)
    return {(name, id) for name, ids in made.items() for id in placeholders.among(session, named(name), ids)}


def preview(session: Session, event: Event, actor: Actor) -> Preview:
    """What a retry of the event would change, planned now. Writes nothing."""
    stored = first_receipt(session, [event.id]).get(event.id)
    endpoint = live.by_ids(session.connection(), [event.endpoint_id])[event.endpoint_id]
    if stored is None:
        return Preview([], Problem(title="Its body is not kept any more"))
    if _is_asked(event, endpoint, as_received(*stored, endpoint)):
        return Preview([], is_asked=True)
    return planned(session, event, endpoint, *stored, actor)


def planned(session: Session, event: Event, endpoint: Live, stored: StoredReceipt, body: bytes, actor: Actor) -> Preview:
    """The same, were `body` what its receipt brought."""
    try:
        told = changes(event, endpoint, as_received(stored, body, endpoint))
    except Problem as problem:
        return Preview([], problem)
    except Exception as error:   # the edge: what the worker would keep as a failed attempt is said here
        return Preview([], Problem(f"{type(error).__name__}: {error}"[:300], title="Reading it breaks"))
    outcomes = plan(session, told, source(endpoint, event.account))
    return Preview(would(session, told, outcomes, actor), refusal(outcomes, told))


def would(session: Session, told: Sequence[Change], outcomes: Sequence[Outcome], actor: Actor) -> list[Touched]:
    """The records planned changes would write, as far as this person may read them."""
    found = []
    for change, outcome in zip(told, outcomes, strict=True):
        resource = named(change.resource)
        if outcome.kind in ACCEPTED and actor.may(f"{resource.name}.read"):
            id = outcome.id if outcome.id is not None and outcome.id > 0 else None
            found.append(Touched(VERBS[outcome.kind], resource, id, _pairs(session, resource, id, outcome.diff, actor),
                                 outside(change)))
    return found


def _is_asked(event: Event, endpoint: Live, receipt: Receipt) -> bool:
    """Whether a retry asks the provider how the thing stands: a thin event shows nothing itself."""
    by = provider(endpoint.provider)
    if whom(by, event.account or endpoint.config.account) is None:
        return False
    try:
        return event.wants_latest or any(incoming.is_thin for incoming in by.parse(receipt, endpoint.config))
    except Exception:   # the edge: what cannot be read is said by the plan
        log.info("webhooks.preview_unreadable", event_id=event.id)
        return False


def _written(event_ids: Iterable[int]) -> Any:
    return (select(Audit).where(Audit.door == Door.EVENT, Audit.door_id.in_(event_ids), Audit.version.is_not(None))
            .order_by(Audit.id))


def _pairs(session: Session, resource: Resource, id: int | None, diff: dict[str, Any], actor: Actor) -> list[Pair]:
    row = {} if id is None else _row(session, resource, id, actor)
    if row is None:
        return []
    fields = [each for each in policy.readable(actor, resource) if each.column in diff and each.kind != "json"]
    old, new = labels.turned(resource, row, diff, 0), labels.turned(resource, row, diff, 1)
    labels.label(session, resource, [old, new], actor)
    return [(each.title, labels.said(each, old), labels.said(each, new)) for each in fields]


def _row(session: Session, resource: Resource, id: int, actor: Actor) -> dict[str, Any] | None:
    """What the words of a diff need to know of the record; None for one out of the actor's scope."""
    seen = policy.scope(actor, resource)
    query = select(resource.table).where(resource.table.c.id == id, *(() if seen is None else (seen,)))
    found = session.execute(query).mappings().first()
    return None if found is None else dict(found)
