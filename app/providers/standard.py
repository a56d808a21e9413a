"""Standard Webhooks (standardwebhooks.com, spec v1): HMAC-SHA256 over "id.timestamp.body", base64, `v1,…` signatures; or ed25519,
`v1a,…`, under the sender's public key `whpk_…`.

For anything of your own that wants to tell Backroom something. The body:

    {"type": "payments.updated", "timestamp": "2026-06-12T09:42:00Z",
     "data": {"id": "your id", "amount": "24.90", "currency": "EUR", "status": "paid", "order": "10482"}}

`type` is `<resource>.<verb>`: a resource as in the API (customers, products, orders, payments, subscriptions, deliveries) with
`created` or `updated` (both create what is missing and change what is there) or `deleted` (to the trash). `timestamp` is when it
happened: an older one never overwrites a newer one, field by field. `data.id` is your id of the record, kept as its external ID;
the other keys are the API's field names, and only those given are changed: money in major units as text, times in RFC 3339,
a reference by its key (an order's number) or as {"external_id": …}. A reference that is not here yet is linked once it comes.
"""
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

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
)
from app.integrations.public_keys import ed25519
from app.integrations.registry import register
from app.integrations.signing import check_clock, first_matching, first_verifying, from_base64, hmac_base64
from app.records.changes import Change
from app.records.registry import resources

VERBS = ("created", "updated", "deleted")
PREFIX = "whsec_"
PUBLIC = "whpk_"


@register
class Standard(Provider):
    name, label, icon = "standard", "Standard Webhooks", "broadcast"
    reject_status = 401
    looks_like = "whsec_ and base64 of 24 to 64 bytes, or the sender's public key, which begins with whpk_"
    kept_headers = ("webhook-id", "webhook-timestamp", "svix-id", "svix-timestamp")

    def check_secret(self, value: str) -> None:
        public = value.startswith(PUBLIC)
        try:
            length = len(from_base64(value.removeprefix(PUBLIC)) if public else _key(value))
        except ValueError:
            length = 0
        if public and length != 32:
            raise ValueError("A public key of Standard Webhooks is whpk_ and the base64 of its 32 bytes.")
        if not 24 <= length <= 64:
            raise ValueError("A Standard Webhooks secret is whsec_ and the base64 of 24 to 64 random bytes.")

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        """Spec, "Verifying webhook authenticity": every `v1,` signature is tried; other versions are for others."""
        id, clock, signatures = (_header(receipt, part) for part in ("id", "timestamp", "signature"))
        if not (id and clock and signatures):
            raise Rejected("One of the headers webhook-id, webhook-timestamp and webhook-signature is missing.")
        signed = b".".join((id.encode("utf-8", "surrogateescape"), clock.encode("utf-8", "surrogateescape"), receipt.body))
        secret = _signed_by(endpoint.secrets, signed, signatures.split(" "))
        check_clock(clock, endpoint, now)
        return secret

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        event = receipt.json()
        said, data = dig(event, "type"), dig(event, "data")
        if not isinstance(said, str) or not isinstance(data, Mapping):
            raise Unreadable("The body must be an object with a type and data.")
        resource, _, verb = said.partition(".")
        known = verb in VERBS and resource in {each.name for each in resources()}
        if known and not _outside_id(data):
            raise Unreadable("data.id, your id of the record, is missing.")
        return [Incoming(said if known else None, _header(receipt, "id"), _about(resource, data),
                         from_iso(event.get("timestamp"), "timestamp"), event, said)]

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        resource, _, verb = str(incoming.kind).partition(".")
        data = dict(incoming.payload["data"])
        key = {"external_id": _outside_id(data)}
        del data["id"]
        values: dict[str, Any] = {"trashed_at": incoming.occurred_at} if verb == "deleted" else data
        return [Change(resource, values, key=key, as_of=incoming.occurred_at)]

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        secret = endpoint.secrets[0].value
        if secret.startswith(PUBLIC):
            return None                     # we only have the sender's public key
        event = {"type": TEST, "timestamp": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}", "data": {"id": "test"}}
        id, clock, body = f"msg_test_{now:%Y%m%d%H%M%S%f}", f"{now.timestamp():.0f}", json.dumps(event).encode()
        signature = hmac_base64("sha256", b".".join((id.encode(), clock.encode(), body)), _key)(secret)
        headers = {"Content-Type": "application/json", "webhook-id": id, "webhook-timestamp": clock,
                   "webhook-signature": f"v1,{signature}"}
        return Receipt("POST", endpoint.public_url, headers, body, None, now)


def _signed_by(secrets: tuple[Secret, ...], signed: bytes, signatures: list[str]) -> Secret:
    """The secret a `v1,` signature was made with, or the public key a `v1a,` one verifies under. Raises Rejected."""
    shared = [part.removeprefix("v1,") for part in signatures if part.startswith("v1,")]
    public = [part.removeprefix("v1a,") for part in signatures if part.startswith("v1a,")]
    keys = tuple(secret for secret in secrets if secret.value.startswith(PUBLIC))
    try:
        return first_matching((secret for secret in secrets if secret not in keys), hmac_base64("sha256", signed, _key), *shared)
    except Rejected:
        check = ed25519(signed)
        return first_verifying(keys, lambda key, signature: check(key.removeprefix(PUBLIC), signature), *public)


def _header(receipt: Receipt, part: str) -> str:
    return receipt.header(f"webhook-{part}") or receipt.header(f"svix-{part}")


def _key(secret: str) -> bytes:
    return from_base64(secret.removeprefix(PREFIX))


def _outside_id(data: Mapping[str, Any]) -> str:
    """The sender's id of the record as text; "" when it gave none."""
    found = data.get("id")
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _about(resource: str, data: Mapping[str, Any]) -> str | None:
    """Ids of different types may be alike, so the type is part of what the event is about."""
    found = _outside_id(data)
    return f"{resource}:{found}" if found else None
