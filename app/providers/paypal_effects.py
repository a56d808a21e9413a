"""What Backroom asks PayPal for: how a payment or a subscription stands now."""
from datetime import UTC, datetime
from typing import Any

from app.integrations.calling import Connection
from app.integrations.errors import NotFoundThere
from app.integrations.provider import EndpointConfig, Incoming
from app.integrations.refreshing import shows
from app.integrations.registry import provider
from app.providers.paypal_client import PayPalClient
from app.records.change import Change

AS = {"capture": "payment", "sale": "payment", "authorisation": "authorisation", "subscription": "subscription"}


@shows("paypal", "payments")
def payment(connection: Connection, id: str) -> list[Change]:
    """An id does not say what it is of: a capture mostly, a sale of a subscription, an authorisation."""
    for kind in ("capture", "sale", "authorisation"):
        try:
            return _shown(connection, kind, id)
        except NotFoundThere as error:
            missing = error
    raise missing


@shows("paypal", "subscriptions")
def subscription(connection: Connection, id: str) -> list[Change]:
    return _shown(connection, "subscription", id)


def _shown(connection: Connection, kind: str, id: str) -> list[Change]:
    """A payment that is complete knows nothing of a dispute about it: it counts as of its own moment, all else as of now."""
    before, told = datetime.now(UTC), PayPalClient(connection).show(kind, id)
    told = told if _knows_little(kind, told) else {**told, "update_time": None}
    incoming = Incoming(f"{AS[kind]}.changed", f"shown:{id}", id, before, {"resource": told})
    return provider("paypal").changes(incoming, EndpointConfig(connection.name, connection.account))


def _knows_little(kind: str, told: dict[str, Any]) -> bool:
    return AS[kind] == "payment" and str(told.get("status") or told.get("state")).upper() == "COMPLETED"
