"""What a person does to an event: put it back in the queue, or let it be."""
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, select, update

from app import audit
from app.audit import Actor
from app.errors import Conflict
from app.jobs.enqueue import requeue, ring_after
from app.transaction import lock, now, repeated, transaction
from app.webhooks.models import Event

TABLE = "webhook_events"


@repeated
def retry(event_id: int, *, by: Actor) -> None:
    """Put an event back in the queue with all its tries. Pressing it twice queues it once.

    Raises NotFound, or Conflict while it is being worked on.
    """
    with transaction() as session:
        event = lock(session, Event, event_id)
        if event.status == "waiting" and event.attempts == 0 and event.run_at <= now(session):
            return
        requeue(session, event)
        audit.note(session, by, "webhooks.retry", TABLE, event_id)


@repeated
def ignore(event_id: int, *, by: Actor) -> None:
    """Take an event off the list of what needs a person; it can still be retried. Twice is once.

    Raises NotFound, or Conflict while it is being worked on or when it is done.
    """
    with transaction() as session:
        event = lock(session, Event, event_id)
        if event.outcome == "ignored":
            return
        if event.status == "running":
            raise Conflict("It is being worked on right now. Wait until that has ended.")
        if event.status == "done":
            raise Conflict("It took effect already: there is nothing left to ignore.")
        event.status, event.outcome, event.finished_at = "done", "ignored", now(session)
        audit.note(session, by, "webhooks.ignore", TABLE, event_id)


@repeated
def retry_all(conditions: Sequence[ColumnElement[bool]], *, by: Actor) -> int:
    """Put every dead event under these conditions back in the queue, in one statement and one audit row; returns how many."""
    with transaction() as session:
        dead = select(Event.id).where(Event.status == "dead", *conditions)
        found = session.execute(update(Event).where(Event.id.in_(dead), Event.status == "dead").values(
            status="waiting", attempts=0, run_at=now(session), outcome=None, last_error=None, finished_at=None))
        count = cast(CursorResult[Any], found).rowcount
        if count:
            audit.note(session, by, "webhooks.retry_all", TABLE, count=count)
            ring_after(session, "webhooks")
        return count
