"""A sync from the button to the records, and back: begun by a person or the clock, reviewed, applied whole or in part, undone."""
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import audit, notices
from app.audit import SYSTEM, Actor, Door
from app.errors import Conflict, Invalid
from app.extensions import db
from app.integrations import connections, listing
from app.integrations.listing import Listing
from app.integrations.models import StoredConnection
from app.integrations.sync import Sync
from app.jobs import mend, schedules
from app.jobs.asked import is_over
from app.jobs.enqueue import enqueue
from app.jobs.models import Schedule
from app.records import batches
from app.records.batches import Batch, open_batch, rows_table
from app.transaction import lock, transaction

TABLE = "syncs"
STEPS = {"list": "list", "plan": "list", "absent": "list", "apply": "apply", "undo": "undo"}
"""The job that works on each stage."""
DIFFERENT = ("created", "updated")
EVERY = {"": "Off", "hour": "Every hour", "day": "Every day"}
ENDED = ("same", "review", "done", "outdated", "undone", "apply", "undo")
"""Stages of which the list was read to its end."""


def start(connection_id: int, names: Collection[str], since: datetime | None, *, by: Actor, goes_on: bool = False) -> list[int]:
    """Begin a sync of each of these lists; returns their ids. What is at work already is not begun twice.

    `since` None: everything; `goes_on`: from where the last one of each list began. Nothing is written to a record. Raises
    NotFound, Invalid without a list, Conflict while the connection is off.
    """
    stored = connections.get(connection_id)
    wanted = [listing.one(stored.provider, name) for name in names]
    if not wanted:
        raise Invalid("Choose at least one list.")
    if not stored.is_enabled:
        raise Conflict(f"Switch {stored.name} on first.", title="This connection is off")
    with transaction() as session:
        lock(session, StoredConnection, connection_id)
        return [_begun(session, connection_id, each, _since(session, connection_id, each) if goes_on else since, by)
                for each in wanted]


def run(sync_id: int, *, only: str = "", rows: Iterable[int] = (), by: Actor) -> None:
    """Queue the writing: of everything that differs, or `only` what is "created" or "updated" by it, or only of these rows.

    Pressing it twice runs it once. Raises Conflict when there is nothing to write.
    """
    with transaction() as session:
        sync, batch = held(session, sync_id)
        if sync.stage == "apply" and not is_over(session, sync):
            return
        if sync.stage != "review":
            raise Conflict("There is no finished comparison to apply. Load the page to see where this sync is.")
        _leave_out(session, batch, only, tuple(rows))
        if not sum(batch.plans.get(outcome, 0) for outcome in DIFFERENT):
            raise Conflict("None of these rows would change anything.")
        sync.stage = "apply"
        _queue(session, sync, by)
        notices.settle(session, notice(sync))
        audit.note(session, by, "integrations.apply", TABLE, sync_id, resource=sync.resource,
                   records=sum(batch.plans.get(outcome, 0) for outcome in DIFFERENT))


def undo(sync_id: int, *, by: Actor) -> None:
    """Queue taking back what was written, where nobody has changed it since. Twice is once. Raises Conflict while it runs."""
    with transaction() as session:
        sync, _ = held(session, sync_id)
        if sync.stage in ("undo", "undone"):
            return
        if sync.stage != "done" and not (sync.stage == "apply" and is_over(session, sync)):
            raise Conflict("Only a sync that has written something can be undone.")
        sync.stage = "undo"
        _queue(session, sync, by)
        audit.note(session, by, "integrations.undo", TABLE, sync_id, resource=sync.resource)


def stop(sync_id: int, *, by: Actor) -> None:
    """Give it up before it has written anything, or stop it after the chunk in hand: what is written stays. Twice is once."""
    with transaction() as session:
        sync, _ = held(session, sync_id)
        job_id = None if is_over(session, sync) else sync.job_id
        if sync.stage in ("list", "plan", "absent", "review"):
            sync.stage, sync.finished_at = "cancelled", datetime.now(UTC)
            notices.settle(session, notice(sync))
        elif job_id is None:
            return
        audit.note(session, by, "integrations.stop", TABLE, sync_id, resource=sync.resource)
    if job_id is not None:
        with suppress(Conflict):  # it has ended in between
            mend.cancel(job_id, by=by)


def go_on(sync_id: int, *, by: Actor) -> None:
    """Queue the step again that was stopped or died; what is committed is not repeated. Twice is once."""
    with transaction() as session:
        sync, _ = held(session, sync_id)
        if sync.stage in STEPS and is_over(session, sync):
            _queue(session, sync, by)


def schedule(connection_id: int, every: str, *, by: Actor) -> None:
    """Let every list of the connection be compared each "hour" or "day", or ("") no more. Raises Invalid."""
    if every not in EVERY:
        raise Invalid(f"Choose one of {', '.join(EVERY.values())}.")
    with transaction() as session:
        stored = lock(session, StoredConnection, connection_id)
        row = scheduled(session, connection_id)
        if every:
            minute = connection_id * 7 % 60      # not all at once
            cron = f"{minute} * * * *" if every == "hour" else f"{minute} 4 * * *"
            schedules.schedule(session, _name(connection_id), "integrations.sync", {"connection_id": connection_id}, cron)
        elif row is not None:
            session.delete(row)
        audit.note(session, by, "integrations.schedule", "connections", connection_id, name=stored.name, every=EVERY[every])


def scheduled(session: Session, connection_id: int) -> Schedule | None:
    return session.scalar(select(Schedule).where(Schedule.name == _name(connection_id)))


def come_again(connection_id: int) -> dict[str, int]:
    """What the clock does: a sync of every list from where the last one began; nothing while the connection is off or gone."""
    stored = db.session.get(StoredConnection, connection_id)
    if stored is None or not stored.is_enabled:
        return {"begun": 0}
    names = [each.name for each in listing.of(stored.provider)]
    return {"begun": len(start(connection_id, names, None, by=SYSTEM, goes_on=True))}


def held(session: Session, sync_id: int) -> tuple[Sync, Batch]:
    """The sync, locked, and its batch. Raises NotFound."""
    sync = lock(session, Sync, sync_id)
    return sync, session.get_one(Batch, sync.batch_id)


def notice(sync: Sync) -> str:
    """The key of what people are told about this list of this connection."""
    return f"sync {sync.connection_id} {sync.listing}"


def _since(session: Session, connection_id: int, wanted: Listing) -> datetime | None:
    ended = (Sync.connection_id == connection_id, Sync.listing == wanted.name, Sync.stage.in_(ENDED))
    last = session.scalar(select(Sync.created_at).where(*ended).order_by(Sync.id.desc()).limit(1))
    return None if last is None else last - wanted.back


def _begun(session: Session, connection_id: int, wanted: Listing, since: datetime | None, by: Actor) -> int:
    open_ = session.scalars(select(Sync).where(Sync.connection_id == connection_id, Sync.listing == wanted.name,
                                               Sync.stage.in_(STEPS))).all()
    at_work = next((each.id for each in open_ if not is_over(session, each)), None)
    if at_work is not None:
        return at_work
    sync = Sync(connection_id=connection_id, listing=wanted.name, resource=wanted.resource, stage="list", since=since, listed=0,
                unkept=0, asked_to=0, asked=0, unasked=False, created_by_kind=by.kind, created_by_id=by.id, created_by=by.name)
    session.add(sync)
    session.flush()
    sync.batch_id = open_batch(session, wanted.resource, Door.SYNC, door_id=sync.id).id
    _queue(session, sync, by)
    audit.note(session, by, "integrations.sync", TABLE, sync.id, resource=sync.resource, listing=wanted.name, since=since)
    return sync.id


def _leave_out(session: Session, batch: Batch, only: str, rows: tuple[int, ...]) -> None:
    """What was not chosen is not written."""
    columns = rows_table.c
    left = columns.outcome.in_(DIFFERENT) & (
        columns.number.not_in(rows) if rows else columns.outcome != only if only in DIFFERENT else columns.number < 0)
    session.execute(update(rows_table).where(columns.batch_id == batch.id, left)
                    .values(outcome="skipped", errors={"": "A person left it out."}))
    batch.plans = batches.counts(session, batch)


def _queue(session: Session, sync: Sync, by: Actor) -> None:
    kind = f"integrations.sync_{STEPS[sync.stage]}"
    sync.job_id = enqueue(session, kind, {"sync_id": sync.id}, key=f"sync {sync.id}", by=by).id


def _name(connection_id: int) -> str:
    return f"sync {connection_id}"
