"""What Backroom asks Shippo for: where a parcel is now, and that a label nobody used is taken back."""
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.integrations.calling import Connection
from app.integrations.effects import Asked, effect
from app.integrations.errors import RejectedThere
from app.integrations.provider import EndpointConfig, Incoming
from app.integrations.refreshing import shows
from app.integrations.registry import provider
from app.providers.shippo_client import LABELS, ShippoClient
from app.records.change import Change

TAKEN = ("QUEUED", "PENDING", "SUCCESS")        # the carrier is asked, the carrier agreed


@effect("shippo", "deliveries.cancel", by_number=True)
class TakeBackLabel:
    """Taking it back twice is taking it back once: it needs no key, and the list of refunds says whether it was done."""

    def do(self, connection: Connection, asked: Asked) -> str:
        client, label = ShippoClient(connection), _label(connection, asked)
        try:
            made = client.take_back(label)
        except RejectedThere as error:
            if said := _said(client.refund_of(label)):         # it was asked before: Shippo takes nothing back twice
                return said
            raise error from None
        said = _said(made)
        if said is None:
            raise RejectedThere(f"The carrier does not take the label back ({made['status']}): it was used, or is too old.")
        return said

    def find(self, connection: Connection, asked: Asked) -> str | None:
        return _said(ShippoClient(connection).refund_of(_label(connection, asked)))

    def news(self, connection: Connection, asked: Asked) -> list[Change]:
        """Where parcels are followed nobody hears of it: it is cancelled because we did it."""
        return [Change("deliveries", {"status": "cancelled"}, key={"tracking_number": asked.number}, as_of=datetime.now(UTC))]


@shows("shippo", "deliveries", by=("carrier", "tracking_number"))
def delivery(connection: Connection, known_by: str) -> list[Change]:
    """By carrier and tracking number. What Shippo shows of a carrier it does not know by this name changes nothing."""
    carrier, _, number = known_by.partition(":")
    told = {"event": "track_updated", "data": {"carrier": carrier, "tracking_number": number}}
    by = provider("shippo")
    found = by.fetch(Incoming("delivery.changed", f"shown:{known_by}", known_by, datetime.now(UTC), told), connection)
    return by.changes(found, EndpointConfig(connection.name, connection.account)) if found else []


def _label(connection: Connection, asked: Asked) -> str:
    """The label's id. Raises RejectedThere for a parcel whose label is not among the newest."""
    found = ShippoClient(connection).label(asked.number)
    if found is None or not isinstance(found.get("object_id"), str):
        raise RejectedThere(f"Shippo shows no label of this number among its newest {LABELS:,}.", sent=False)
    return str(found["object_id"])


def _said(refund: Mapping[str, Any] | None) -> str | None:
    return f"Shippo takes the label back ({refund['status']})." if refund and refund.get("status") in TAKEN else None
