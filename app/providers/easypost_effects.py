"""What Backroom asks EasyPost for: how a parcel stands now, and that a label nobody used is taken back."""
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from app.integrations.calling import Connection
from app.integrations.effects import Asked, effect
from app.integrations.errors import RejectedThere
from app.integrations.provider import EndpointConfig, Incoming
from app.integrations.refreshing import shows
from app.integrations.registry import provider
from app.providers.easypost_client import EasyPostClient
from app.records.change import Change

TAKEN = ("submitted", "refunded")       # the carrier is asked, the carrier agreed


@effect("easypost", "deliveries.cancel")
class TakeBackLabel:
    """Taking it back twice is taking it back once: it needs no key, and what its shipment says now is whether it was done."""

    def do(self, connection: Connection, asked: Asked) -> str:
        client, shipment = EasyPostClient(connection), _shipment(connection, asked)
        try:
            found = client.take_back(shipment)
        except RejectedThere as error:
            if said := _said(client.shipment(shipment)):       # it was asked before: nobody asks the carrier a second time
                return said
            raise error from None
        said = _said(found)
        if said is None:
            word = found.get("refund_status")
            raise RejectedThere(f"The carrier does not take the label back ({word}): it was used, or is too old.")
        return said

    def find(self, connection: Connection, asked: Asked) -> str | None:
        return _said(EasyPostClient(connection).shipment(_shipment(connection, asked)))

    def news(self, connection: Connection, asked: Asked) -> list[Change]:
        """The tracker hears of it days later, or never: until it says more, the label is cancelled because we did it."""
        return [each._replace(values={**each.values, "status": "cancelled"})
                if each.values.get("status", "label_made") == "label_made" else each
                for each in delivery(connection, asked.external_id)]


@shows("easypost", "deliveries")
def delivery(connection: Connection, id: str) -> list[Change]:
    """By the id of its tracker."""
    by = provider("easypost")
    found = by.fetch(Incoming("delivery.changed", f"shown:{id}", id, datetime.now(UTC), {}), connection)
    return by.changes(found, EndpointConfig(connection.name, connection.account)) if found else []


def _shipment(connection: Connection, asked: Asked) -> str:
    """The shipment its tracker belongs to. Raises RejectedThere for a parcel that is only followed there."""
    found = EasyPostClient(connection).show(asked.external_id).get("shipment_id")
    if not isinstance(found, str) or not found:
        raise RejectedThere("EasyPost follows this parcel and did not sell its label: whoever did takes it back.", sent=False)
    return found


def _said(shipment: Mapping[str, Any]) -> str | None:
    status = shipment.get("refund_status")
    return f"EasyPost takes the label of {shipment['id']} back ({status})." if status in TAKEN else None
