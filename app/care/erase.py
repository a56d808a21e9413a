"""Erasing a person: all that is kept about one customer is found and taken out, step by step, and can be done again and again.

Orders, payments and deliveries stay, without a name: accounts need them. So do outside ids: without them a provider that repeats
itself would bring the person back.
"""
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor, Audit, Door, to_json
from app.care import spoken
from app.care.mention import Mention
from app.care.spoken import A_TIME, GONE, Progress, count, parts
from app.errors import Conflict, NotFound
from app.extensions import db
from app.jobs.models import Attempt
from app.records.changes import ACCEPTED, Change, Source, apply
from app.records.fields import Reference
from app.records.notes import Note
from app.records.registry import named, resources
from app.records.resource import Resource
from app.transaction import now
from app.webhooks import retention, retry
from app.webhooks.models import Body, Event, StoredReceipt
from app.webhooks.receive import scoped

WHO = "customers"
FIELDS = ("name", "phone", "company", "note")     # emptied; the address, which every customer has, becomes one that leads nowhere
PERSONAL = ("email", *FIELDS)
SHORTEST = 6             # characters of what is looked for in bodies: shorter ones are found in other people's
ENDED = ("done", "cancelled", "dead")
COUNTED = ("events", "bodies", "changes", "notes", "calls", "replies")
Tied = dict[str, dict[int, tuple[str, str | None]]]     # resource -> {id: (account, outside id)}


@dataclass(frozen=True)
class Found:
    """What is kept about a person, as far as it is found without reading every body."""

    record: int          # fields that say something
    events: int
    bodies: int
    changes: int         # rows of the trail that hold old or new values
    notes: int


def preview(session: Session, customer_id: int) -> Found:
    """How much there is. Bodies that merely mention the person are found when it is done. Raises NotFound."""
    row = _row(session, customer_id)
    keys = _keys(_tied(session, row))
    events = [id for some in parts(keys) for id in session.scalars(select(Event.id).where(Event.object_key.in_(some)))]
    bodies = sum(session.execute(select(func.count(func.distinct(StoredReceipt.body_id)))
                                 .where(StoredReceipt.event_id.in_(some))).scalar_one() for some in parts(events))
    notes = session.execute(select(func.count()).select_from(Note).where(*_noted(customer_id))).scalar_one()
    return Found(sum(1 for name in FIELDS if row[name]) + (row["email"] != _nowhere(customer_id)), len(events), bodies,
                 sum(1 for one in _changes(session, customer_id) if _personal(one)), notes)


def erase(progress: Progress, customer_id: int, *, by: Actor) -> dict[str, int]:
    """Take it all out and keep who had it done, without a word of it. Twice is once. What is being worked on is left and counted.

    Raises Forbidden, NotFound, or Conflict when the record cannot be written now.
    """
    check(by, "privacy.manage")
    session = db.session()
    tied, words = _tied(session, _row(session, customer_id)), _words(session, customer_id)
    session.rollback()
    _by_keys(progress, _keys(tied), by)
    spoken.by_records(progress, tied)
    if words:
        _by_words(progress, Mention(words), by)
        spoken.by_words(progress, Mention(words))
    _record(progress, customer_id, by)
    return _counts(progress) | {"left": len(progress.cursor.get("waiting", ()))}


def _by_keys(progress: Progress, keys: Sequence[str], by: Actor) -> None:
    """Events about the person and about what is theirs."""
    for place in range(progress.cursor.get("key", 0), len(keys), A_TIME):
        with progress.transaction() as session:
            ids = session.scalars(select(Event.id).where(Event.object_key.in_(keys[place:place + A_TIME]))).all()
            for some in parts(ids):
                _forget(session, progress.cursor, some, by)
            progress.cursor["key"] = place + A_TIME


def _by_words(progress: Progress, mention: Mention, by: Actor) -> None:
    """Bodies that mention the person, whatever they are about, refused ones too."""
    while "read" not in progress.cursor:
        with progress.transaction() as session:
            rows = session.execute(select(Body.id, Body.content).where(Body.id > progress.cursor.get("body", 0))
                                   .order_by(Body.id).limit(A_TIME)).all()
            hits = [row.id for row in rows if mention.stands_in(row.content)]
            _forget(session, progress.cursor, _told(session, hits), by, hits)
            progress.cursor.update({"body": rows[-1].id} if rows else {"read": True})


def _told(session: Session, body_ids: Sequence[int]) -> list[int]:
    """The events these bodies tell of: of a body with many only those that are finished, for the others are somebody else's."""
    rows = session.execute(select(StoredReceipt.body_id, Event.id, Event.status).join(Event, Event.id == StoredReceipt.event_id)
                           .where(StoredReceipt.body_id.in_(body_ids))).all()
    many = Counter(row.body_id for row in rows)
    return [row.id for row in rows if many[row.body_id] == 1 or row.status in retention.FINISHED]


def _record(progress: Progress, customer_id: int, by: Actor) -> None:
    """The record last: until then it says what to look for. Its change goes through the gate, and out of the trail after that."""
    with progress.transaction() as session:
        noted = session.execute(update(Note).where(*_noted(customer_id)).values(text="", removed_at=now(session)))
        count(progress.cursor, notes=noted.rowcount)  # type: ignore[attr-defined]
        change = Change(WHO, dict.fromkeys(FIELDS) | {"email": _nowhere(customer_id)}, key={"id": customer_id}, only="update")
        door = Door.SYNC if _row(session, customer_id)["trashed_at"] else Door.FORM     # people write nothing into the trash
        [outcome] = apply(session, [change], Source(door, by))
    if outcome.kind not in (*ACCEPTED, "unchanged"):
        raise Conflict(" ".join(outcome.errors.values()) or "The customer cannot be changed now.", retry=True)
    with progress.transaction() as session:
        for one in _changes(session, customer_id):
            if _personal(one):
                diff = {name: pair for name, pair in json.loads(one.diff).items() if name not in PERSONAL}
                session.execute(update(Audit).where(Audit.id == one.id).values(diff=to_json(diff)))
                count(progress.cursor, changes=1)
        audit.note(session, by, "privacy.erase", WHO, customer_id, **_counts(progress))


def _counts(progress: Progress) -> dict[str, Any]:
    return {name: progress.cursor.get(name, 0) for name in COUNTED}


def _forget(session: Session, cursor: dict[str, Any], event_ids: Sequence[int], by: Actor, body_ids: Sequence[int] = ()) -> None:
    """Drop the bodies these events were read from and every word about them. Unfinished ones keep theirs, and are counted."""
    events = session.scalars(select(Event).where(Event.id.in_(event_ids)).order_by(Event.id)
                             .with_for_update(key_share=True)).all()
    mine = {event.id for event in events if event.status in ENDED}
    bodies = set(body_ids) | set(session.scalars(select(StoredReceipt.body_id).where(
        StoredReceipt.event_id.in_(mine), StoredReceipt.body_id.is_not(None))))
    told = session.execute(select(StoredReceipt.body_id, StoredReceipt.event_id, Event.status)
                           .outerjoin(Event, Event.id == StoredReceipt.event_id).where(StoredReceipt.body_id.in_(bodies))).all()
    held = {row.body_id: row.event_id for row in told
            if row.status not in (None, *retention.FINISHED) and row.event_id not in mine}
    free = sorted(id for id in bodies if id is not None and id not in held)
    count(cursor, bodies=retention.drop_bodies(session, free),
           events=len({row.event_id for row in told if row.body_id not in held and row.event_id is not None}))
    unfinished = {event.id for event in events} - mine
    cursor["waiting"] = sorted({*cursor.get("waiting", ()), *held.values(), *unfinished})
    _forget_words(session, [event for event in events if event.id in mine], by)
    spoken.by_events(session, cursor, mine)


def _forget_words(session: Session, events: Sequence[Event], by: Actor) -> None:
    for event in events:
        if event.status == "dead":
            retry.let_be(session, event, by=by)
        event.last_error = GONE if event.last_error else None
    mine = (Attempt.source == retry.TABLE, Attempt.row_id.in_([event.id for event in events]), Attempt.error.is_not(None))
    session.execute(update(Attempt).where(*mine).values(error=GONE))


def _row(session: Session, customer_id: int) -> Any:
    found = session.execute(select(named(WHO).table).where(named(WHO).table.c.id == customer_id)).mappings().first()
    if found is None:
        raise NotFound(f"There is no customer {customer_id}.")
    return found


def _tied(session: Session, row: Any) -> Tied:
    """The person and what is theirs: records that refer to it, and those that refer to these."""
    tied: Tied = {WHO: {row["id"]: (row["account"], row["external_id"])}}
    for _ in range(2):
        for resource in resources():
            for field in resource.fields:
                if isinstance(field, Reference) and field.to in tied and resource.outside:
                    tied.setdefault(resource.name, {}).update(_referring(session, resource, field, list(tied[field.to])))
    return tied


def _keys(tied: Tied) -> list[str]:
    """What events call them."""
    return sorted({key for name, records in tied.items() for account, outside in records.values() if outside
                   for key in (scoped(account, outside), scoped(account, f"{name}:{outside}")) if key})


def _referring(session: Session, resource: Resource, field: Reference, ids: Sequence[int]) -> dict[int, tuple[str, str | None]]:
    table = resource.table.c
    query = select(table.id, table.account, table.external_id)
    return {row[0]: (row[1], row[2]) for some in parts(ids)
            for row in session.execute(query.where(table[field.column].in_(some)))}


def _words(session: Session, customer_id: int) -> list[str]:
    """By what a body mentions the person: addresses and numbers they have or had, and what a provider calls them."""
    row = _row(session, customer_id)
    had = [value for one in _changes(session, customer_id) for name, pair in json.loads(one.diff).items()
           if name in ("email", "phone") for value in pair]
    found = {row["email"], row["phone"], row["external_id"], *had} - {_nowhere(customer_id)}
    return sorted(word for word in found if isinstance(word, str) and len(word) >= SHORTEST)


def _changes(session: Session, customer_id: int) -> Sequence[Audit]:
    return session.scalars(select(Audit).where(Audit.resource == WHO, Audit.record_id == customer_id, Audit.version.is_not(None))
                           .order_by(Audit.version)).all()


def _personal(one: Audit) -> bool:
    return any(name in PERSONAL for name in json.loads(one.diff))


def _noted(customer_id: int) -> tuple[Any, ...]:
    return Note.resource == WHO, Note.record_id == customer_id, Note.removed_at.is_(None)


def _nowhere(customer_id: int) -> str:
    return f"erased-{customer_id}@erased.invalid"
