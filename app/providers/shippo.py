"""Shippo. It signs nothing: the secret is our address, or a token in it. A post is no proof, so Shippo is asked for the parcel.

Docs: "Webhooks", "Tracking", "Tracking Status" (API 2018-02-08). Posts have no id, are doubled for each registration and come
in no order. A delivery of ours is found by its tracking number, whoever made it. Without a connection a post counts only if its
endpoint says so: then whoever knows the address can say where parcels are.
"""
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.integrations.calling import Connection
from app.integrations.provider import (
    TEST,
    EndpointConfig,
    Incoming,
    Option,
    Provider,
    Receipt,
    Secret,
    Unreadable,
    dig,
    fingerprint,
    from_iso,
    shown,
)
from app.integrations.reading import said, text
from app.integrations.registry import register
from app.integrations.signing import first_matching, itself
from app.providers import shippo_client
from app.providers.shippo_client import ShippoClient
from app.records.changes import Change

KINDS = {
    "track_updated": "delivery.changed",
}
STATUS = {
    "PRE_TRANSIT": "label_made",
    "TRANSIT": "in_transit",
    "DELIVERED": "delivered",
    "RETURNED": "sent_back",
    "FAILURE": "held_up",                       # it could not be handed over; `substatus` says what of it
}
WORSE = {
    "package_lost": "lost",
    "package_held": "held_up",
    "package_undeliverable": "held_up",
    "delivery_attempted": "held_up",
    "pickup_available": "held_up",              # waits at a counter for the customer
    "address_issue": "held_up",
    "contact_carrier": "held_up",
    "location_inaccessible": "held_up",
    "notice_left": "held_up",
    "return_to_sender": "sent_back",
}
"""Substatus that says more than the status, while the parcel is neither delivered nor back."""
ASK, BELIEVE = "ask", "believe"


@register
class Shippo(Provider):
    name, label, icon = "shippo", "Shippo", "box2"
    api = shippo_client.API
    where = "Settings, API, Webhooks: event Track Updated; behind the address ?token= and the secret, if it has one"
    looks_like = "A token of your own, to be put behind the address as ?token=…"
    needs_secret = False
    options = (Option("unproven", "Posts while Shippo is not connected", default=ASK,
                      hint="Shippo signs nothing: whoever knows the address could post.",
                      choices=((ASK, "Wait until Shippo can be asked"), (BELIEVE, "Are believed"))),)

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret | None:
        return first_matching(endpoint.secrets, itself, receipt.query("token")) if endpoint.secrets else None

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        event = receipt.json()
        word = text(event, "event")
        if not word:
            raise Unreadable(f"event must be the name of an event, and {shown(dig(event, 'event'))}.")
        kind = KINDS.get(word)
        if kind is None or _status(event["data"] if isinstance(event.get("data"), Mapping) else {}) is None:
            return [Incoming(None, fingerprint(event), None, receipt.received_at, event, word)]
        return [_moved(event, kind, word, endpoint)]

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        if incoming.is_thin and not _is_believed(endpoint):
            raise Unreadable("Nothing proves this post: connect Shippo, so that it can be asked where the parcel is, and retry.")
        told = incoming.payload["data"]
        status = _status(told)
        if status is None:
            return []
        expected = from_iso(told["eta"], "data.eta").date() if told.get("eta") else None
        values = said(status=status, carrier=text(told, "carrier"), eta=expected)
        return [Change("deliveries", values, key={"tracking_number": text(told, "tracking_number")}, as_of=incoming.occurred_at)]

    def fetch(self, incoming: Incoming, connection: Connection) -> Incoming | None:
        told, before = incoming.payload["data"], datetime.now(UTC)
        found = ShippoClient(connection).track(str(told["carrier"]), str(told["tracking_number"]))
        return replace(incoming, payload={**incoming.payload, "data": found}, occurred_at=before, is_thin=False)

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        token = f"?token={endpoint.secrets[0].value}" if endpoint.secrets else ""
        body = json.dumps({"event": TEST, "at": now.isoformat(), "test": True, "data": {}}).encode()
        return Receipt("POST", endpoint.public_url + token, {"Content-Type": "application/json"}, body, None, now)


def _moved(event: Mapping[str, Any], kind: str, word: str, endpoint: EndpointConfig) -> Incoming:
    """A parcel that moved. It is known by what is said of it: each registration sends it once more."""
    told = event["data"]
    carrier, number, now = text(told, "carrier"), text(told, "tracking_number"), told["tracking_status"]
    if not carrier or not number:
        raise Unreadable("A parcel of Shippo has a carrier and a tracking_number; this has not.")
    at = from_iso(now.get("status_date"), "data.tracking_status.status_date")
    key = fingerprint(carrier, number, now.get("status"), now.get("substatus"), now.get("status_date"), told.get("eta"))
    return Incoming(kind, key, f"{carrier}:{number}", at, event, word, is_thin=True, is_shown=_is_believed(endpoint))


def _is_believed(endpoint: EndpointConfig) -> bool:
    return endpoint.options.get("unproven") == BELIEVE


def _status(told: Any) -> str | None:
    """How the parcel stands in our words; None while nobody knows."""
    word, more = dig(told, "tracking_status", "status"), dig(told, "tracking_status", "substatus", "code")
    found = STATUS.get(word) if isinstance(word, str) else None
    if found in ("in_transit", "held_up") and isinstance(more, str):
        return WORSE.get(more, found)
    return found
