"""What a person does to an event: put it back in the queue, or let it be."""
from typing import Any

from sqlalchemy.orm import Session

from app import audit
from app.audit import Actor
from app.errors import Conflict
from app.integrations.provider import Provider
from app.integrations.registry import provider
from app.jobs.enqueue import requeue
from app.transaction import lock, now, repeated, transaction
from app.webhooks.models import Endpoint, Event

TABLE = "webhook_events"


@repeated
def retry(event_id: int, *, by: Actor, latest: bool = False) -> None:
    """Put an event back in the queue with all its tries. Pressing it twice queues it once.

    `latest`: first ask the provider how what it is about stands now. Raises NotFound, or Conflict while it is being worked
    on and where the provider cannot be asked.
    """
    with transaction() as session:
        event = lock(session, Event, event_id)
        if latest and not can_fetch(provider(session.get_one(Endpoint, event.endpoint_id).provider)):
            raise Conflict("This provider cannot be asked. Retry it as it was received.")
        again(session, event, by=by, latest=latest)


def again(session: Session, event: Event, *, by: Actor, latest: bool = False, **facts: Any) -> bool:
    """Queue an event the caller holds, and keep who did; False if it waits for its turn. Raises Conflict while it runs."""
    if event.status == "waiting" and event.attempts == 0 and event.run_at <= now(session) and event.wants_latest >= latest:
        return False
    requeue(session, event)
    event.wants_latest = latest
    audit.note(session, by, "webhooks.fetch_and_retry" if latest else "webhooks.retry", TABLE, event.id, **facts)
    return True


@repeated
def ignore(event_id: int, *, by: Actor) -> None:
    """Take an event off the list of what needs a person; it can still be retried. Twice is once.

    Raises NotFound, or Conflict while it is being worked on or when it is done.
    """
    with transaction() as session:
        let_be(session, lock(session, Event, event_id), by=by)


def let_be(session: Session, event: Event, *, by: Actor, **facts: Any) -> bool:
    """Ignore an event the caller holds, and keep who did; False if it is ignored already. Raises Conflict."""
    if event.outcome == "ignored":
        return False
    if event.status == "running":
        raise Conflict("It is being worked on right now. Wait until that has ended.")
    if event.status == "done":
        raise Conflict("It took effect already: there is nothing left to ignore.")
    event.status, event.outcome, event.finished_at = "done", "ignored", now(session)
    audit.note(session, by, "webhooks.ignore", TABLE, event.id, **facts)
    return True


def can_fetch(by: Provider) -> bool:
    """Whether the provider can be asked how a thing stands now."""
    return type(by).fetch is not Provider.fetch
