"""What Backroom asks EasyPost for: how a parcel stands now."""
from datetime import UTC, datetime

from app.integrations.calling import Connection
from app.integrations.provider import EndpointConfig, Incoming
from app.integrations.refreshing import shows
from app.integrations.registry import provider
from app.records.change import Change


@shows("easypost", "deliveries")
def delivery(connection: Connection, id: str) -> list[Change]:
    """By the id of its tracker."""
    by = provider("easypost")
    found = by.fetch(Incoming("delivery.changed", f"shown:{id}", id, datetime.now(UTC), {}), connection)
    return by.changes(found, EndpointConfig(connection.name, connection.account)) if found else []
