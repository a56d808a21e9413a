"""How long what came in is kept: bodies go first, then receipts and attempts, last the events, whose dedupe keys know a repeat.

What waits, runs or is dead is never touched, however old. Everything is dropped oldest first, a few hundred rows a transaction.
"""
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session

from app.jobs.models import Attempt
from app.jobs.work import Work
from app.settings import Setting
from app.transaction import now, transaction
from app.webhooks.models import Body, Event, StoredReceipt
from app.webhooks.retry import TABLE

BODIES = Setting("webhooks.body_days", "Keep the bodies of webhooks for (days)",
                 "The very bytes a provider posted. Without them an event can be looked at, but not retried.", 30,
                 least=1, most=3650)
RECEIPTS = Setting("webhooks.receipt_days", "Keep receipts and attempts of webhooks for (days)", "When and from where each post "
                   "came, and every try at acting on it. At least as long as the bodies.", 60, least=1, most=3650)
EVENTS = Setting("webhooks.event_days", "Know a webhook event again for (days)", "So long a repeat is recognised. Some providers "
                 "send one again for 30 days.", 90, least=45, most=3650)
A_TIME = 500
FINISHED = ("done", "cancelled")
Step = Callable[[Session, int, datetime], tuple[int | None, int]]
"""(session, after, cutoff) -> (where to go on or None at the end, how many were dropped)"""


def days() -> dict[str, int]:
    """How many days each is kept: never an event shorter than 45, or than what tells about it."""
    bodies = BODIES.get()
    receipts = max(RECEIPTS.get(), bodies)
    return {"bodies": bodies, "receipts": receipts, "attempts": receipts, "events": max(EVENTS.get(), receipts + 1)}


def prune(work: Work) -> dict[str, int]:
    """Drop what is older than its days, and say how much. After a crash it goes on where it was."""
    with transaction() as session:
        moment = now(session)
    cutoffs = {name: moment - timedelta(days=count) for name, count in days().items()}
    for name, step in STEPS.items():
        while name not in work.cursor.get("over", ()):
            with work.transaction() as session:
                after, dropped = step(session, work.cursor.get("after", 0), cutoffs[name])
                _note(work.cursor, name, after, dropped)
    return {name: work.cursor.get(name, 0) for name in STEPS}


def drop_bodies(session: Session, ids: Sequence[int]) -> int:
    """Drop these bodies; their receipts stay. Returns how many there were."""
    session.execute(update(StoredReceipt).where(StoredReceipt.body_id.in_(ids)).values(body_id=None))
    gone = session.execute(delete(Body).where(Body.id.in_(ids)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _note(cursor: dict[str, Any], name: str, after: int | None, dropped: int) -> None:
    cursor[name] = cursor.get(name, 0) + dropped
    cursor["after"] = after or 0
    if after is None:
        cursor["over"] = [*cursor.get("over", ()), name]


def _bodies(session: Session, after: int, cutoff: datetime) -> tuple[int | None, int]:
    """A body with many events in it goes when all of them are finished."""
    some = (select(StoredReceipt.body_id).where(StoredReceipt.body_id > after).distinct().order_by(StoredReceipt.body_id)
            .limit(A_TIME).subquery())
    rows = session.execute(select(StoredReceipt.body_id, StoredReceipt.received_at, Event.status)
                           .outerjoin(Event, Event.id == StoredReceipt.event_id)
                           .where(StoredReceipt.body_id.in_(select(some.c.body_id)))).all()
    kept = {row.body_id for row in rows if row.received_at >= cutoff or row.status not in (None, *FINISHED)}
    found = {row.body_id for row in rows}
    dropped = drop_bodies(session, sorted(found - kept)) if found - kept else 0
    return _next(rows, cutoff, max(found, default=0)), dropped


def _receipts(session: Session, after: int, cutoff: datetime) -> tuple[int | None, int]:
    rows = session.execute(select(StoredReceipt.id, StoredReceipt.received_at, StoredReceipt.body_id, Event.status)
                           .outerjoin(Event, Event.id == StoredReceipt.event_id).where(StoredReceipt.id > after)
                           .order_by(StoredReceipt.id).limit(A_TIME)).all()
    old = [row.id for row in rows if row.received_at < cutoff and row.body_id is None and row.status in (None, *FINISHED)]
    session.execute(delete(StoredReceipt).where(StoredReceipt.id.in_(old)))
    return _next(rows, cutoff, rows[-1].id if rows else 0), len(old)


def _attempts(session: Session, after: int, cutoff: datetime) -> tuple[int | None, int]:
    rows = session.execute(select(Attempt.id, Attempt.source, Attempt.started_at.label("received_at"), Event.status)
                           .outerjoin(Event, (Event.id == Attempt.row_id) & (Attempt.source == TABLE))
                           .where(Attempt.id > after).order_by(Attempt.id).limit(A_TIME)).all()
    old = [row.id for row in rows if row.source == TABLE and row.received_at < cutoff and row.status in (None, *FINISHED)]
    session.execute(delete(Attempt).where(Attempt.id.in_(old)))
    return _next(rows, cutoff, rows[-1].id if rows else 0), len(old)


def _events(session: Session, after: int, cutoff: datetime) -> tuple[int | None, int]:
    """One that still has a receipt was sent again lately: its key is still needed."""
    rows = session.execute(select(Event.id, Event.received_at, Event.status, Event.finished_at).where(Event.id > after)
                           .order_by(Event.id).limit(A_TIME)).all()
    old = [row.id for row in rows if row.received_at < cutoff and row.status in FINISHED
           and (row.finished_at is None or row.finished_at < cutoff)]
    has_receipt = exists().where(StoredReceipt.event_id == Event.id)
    gone = session.execute(delete(Event).where(Event.id.in_(old), or_(Event.status == "done", Event.status == "cancelled"),
                                               ~has_receipt))
    return _next(rows, cutoff, rows[-1].id if rows else 0), int(gone.rowcount)  # type: ignore[attr-defined]


def _next(rows: Sequence[Any], cutoff: datetime, last: int) -> int | None:
    """Where to go on; None once everything that follows is younger."""
    return None if not rows or all(row.received_at >= cutoff for row in rows) else last


STEPS: dict[str, Step] = {"bodies": _bodies, "receipts": _receipts, "attempts": _attempts, "events": _events}
