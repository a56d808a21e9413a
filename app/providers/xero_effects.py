"""What Backroom asks Xero for: how a payment or a contact stands now."""
from datetime import UTC, datetime

from app.integrations.calling import Connection
from app.integrations.provider import EndpointConfig, Incoming
from app.integrations.refreshing import shows
from app.integrations.registry import provider
from app.records.change import Change


@shows("xero", "payments")
def payment(connection: Connection, id: str) -> list[Change]:
    return _shown(connection, "payment", id)


@shows("xero", "customers")
def customer(connection: Connection, id: str) -> list[Change]:
    return _shown(connection, "contact", id)


def _shown(connection: Connection, kind: str, id: str) -> list[Change]:
    by = provider("xero")
    asked = Incoming(f"{kind}.changed", f"shown:{id}", f"{kind}:{id}", datetime.now(UTC), {"resourceId": id}, is_thin=True)
    found = by.fetch(asked, connection)
    return by.changes(found, EndpointConfig(connection.name, connection.account)) if found else []
