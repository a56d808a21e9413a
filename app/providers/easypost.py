"""EasyPost. HMAC-SHA256 over the body, hex, the secret as NFKD text; whole trackers, in no order, sent again until one says 2xx.

Docs: "Webhooks", "Events", "Tracker" (API v2). A delivery of ours is a tracker; batches, refunds and reports are ignored.
"""
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from app.integrations.calling import Connection
from app.integrations.provider import (
    TEST,
    EndpointConfig,
    Incoming,
    Provider,
    Receipt,
    Rejected,
    Secret,
    Unreadable,
    dig,
    from_iso,
    shown,
)
from app.integrations.reading import said, text
from app.integrations.registry import register
from app.integrations.signing import as_text, first_matching, hmac_hex
from app.providers.easypost_client import API, EasyPostClient
from app.records.changes import Change

HEADER, PREFIX = "X-Hmac-Signature", "hmac-sha256-hex="

KINDS = {
    "tracker.created": "delivery.changed",
    "tracker.updated": "delivery.changed",
}
STATUS = {
    "pre_transit": "label_made",
    "in_transit": "in_transit",
    "out_for_delivery": "in_transit",
    "delivered": "delivered",
    "available_for_pickup": "held_up",          # waits at a counter for the customer
    "failure": "held_up",                       # it could not be handed over; the carrier still has it
    "error": "held_up",                         # the carrier names a mishap
    "return_to_sender": "sent_back",
    "cancelled": "cancelled",                   # its label was taken back
}


@register
class EasyPost(Provider):
    name, label, icon = "easypost", "EasyPost", "truck"
    api = API
    where = "Dashboard, Webhooks & Events, Add webhook: Webhook URL"
    looks_like = "The webhook secret you chose there, to the letter"
    shortest_secret, has_blanks = 1, True

    def check_secret(self, value: str) -> None:
        if value.startswith(("EZAK", "EZTK")):
            raise ValueError("This is an API key. Webhooks are signed with the secret given to the webhook itself.")

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        signature = receipt.header(HEADER)
        if not signature.startswith(PREFIX):
            raise Rejected(f"The header {HEADER} is missing or does not begin with {PREFIX}.")
        return first_matching(endpoint.secrets, hmac_hex("sha256", receipt.body, _key), signature.removeprefix(PREFIX))

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        event = receipt.json()
        id, word = text(event, "id"), text(event, "description")
        if not id or not word:
            raise Unreadable("An event of EasyPost has an id and a description; this has not.")
        kind, at = KINDS.get(word), from_iso(event.get("created_at"), "created_at")
        return [Incoming(kind, id, _tracker(event) if kind else None, at, event, word)]

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        told = incoming.payload["result"]
        as_of = from_iso(told["updated_at"], "result.updated_at") if told.get("updated_at") else incoming.occurred_at
        expected = told.get("est_delivery_date")
        values = said(tracking_number=text(told, "tracking_code"), carrier=text(told, "carrier"),
                      status=STATUS.get(str(told.get("status"))),
                      eta=from_iso(expected, "result.est_delivery_date").date() if expected else None)
        return [Change("deliveries", values, key={"external_id": incoming.object_key}, as_of=as_of)] if values else []

    def fetch(self, incoming: Incoming, connection: Connection) -> Incoming | None:
        """The tracker as it stands now, as of the moment before we asked."""
        before = datetime.now(UTC)
        told = EasyPostClient(connection).show(str(incoming.object_key))
        return replace(incoming, occurred_at=before, payload={**incoming.payload, "result": {**told, "updated_at": None}})

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        event = {"id": f"evt_test_{now:%Y%m%d%H%M%S%f}", "object": "Event", "description": TEST, "mode": "test",
                 "created_at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "result": {}}
        body = json.dumps(event).encode()
        made = hmac_hex("sha256", body, _key)(endpoint.secrets[0].value)
        return Receipt("POST", endpoint.public_url, {"Content-Type": "application/json", HEADER: PREFIX + made}, body, None, now)


def _key(secret: str) -> bytes:
    return as_text(unicodedata.normalize("NFKD", secret))


def _tracker(event: Mapping[str, object]) -> str:
    found = text(dig(event, "result"), "id")
    if not found:
        raise Unreadable(f"result.id must be the id of a tracker, and {shown(dig(event, 'result', 'id'))}.")
    return found
