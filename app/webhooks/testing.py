"""A test event through the real path: signed as the provider signs, proven and kept like any other, and changing nothing."""
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.audit import Actor
from app.errors import Conflict, NotFound
from app.extensions import db
from app.integrations.provider import TEST, Provider
from app.integrations.registry import provider
from app.transaction import transaction
from app.webhooks import live
from app.webhooks.endpoints import TABLE
from app.webhooks.models import Endpoint, Event
from app.webhooks.receive import receive

HERE = "127.0.0.1"


def can_send(by: Provider) -> bool:
    """Whether we can sign as this provider does."""
    return type(by).sample is not Provider.sample


def send(endpoint_id: int, *, by: Actor) -> int:
    """Post one to ourselves; returns the id of the event it became.

    Raises NotFound, Conflict while it is off or where we cannot sign as its provider does, and whatever receiving raises.
    """
    session: Session = db.session()
    endpoint = session.get(Endpoint, endpoint_id)
    if endpoint is None:
        raise NotFound(f"There is no endpoint {endpoint_id}.")
    if not endpoint.is_enabled:
        raise Conflict("Switch it on first: while it is off it answers 404.", title="The endpoint is off")
    name, token, known = endpoint.provider, endpoint.token, live.by_ids(session.connection(), [endpoint_id])[endpoint_id]
    session.rollback()
    if provider(name).needs_secret and not known.config.secrets:
        raise Conflict("Paste the secret on its page first.", title="The endpoint has no secret yet")
    now = datetime.now(UTC)
    receipt = provider(name).sample(known.config, now)
    if receipt is None:
        raise Conflict("Only the provider itself can sign for this endpoint. Send a test from its own pages.")
    from_where = str(known.allow[0].network_address) if known.allow else HERE
    receive(name, token, replace(receipt, remote_ip=from_where))
    return _noted(endpoint_id, by)


def _noted(endpoint_id: int, by: Actor) -> int:
    with transaction() as session:
        found = session.execute(select(Event.id).where(Event.endpoint_id == endpoint_id, Event.said == TEST)
                                .order_by(Event.id.desc()).limit(1)).scalar_one()
        audit.note(session, by, "endpoints.test", TABLE, endpoint_id, event=found)
    return found
