"""What a person does to an event: put it back in the queue, or let it be."""
from app import audit
from app.audit import Actor
from app.errors import Conflict
from app.jobs.enqueue import requeue
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
