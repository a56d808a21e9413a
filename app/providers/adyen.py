"""Adyen. Each item of a batch carries its own HMAC-SHA256, base64, over eight of its fields; the key is hex (docs: "Verify HMAC
signatures", "Webhook structure and types", "Currency codes and minor units"). No event ids, in no order, sent again for 30 days.

A payment of ours is Adyen's authorisation, by its PSP reference; captures, refunds and disputes name it as their original. One
refund says nothing of the sum of all, so they are added up here. What is captured at once is never reported as captured: the
endpoint says which way the account works. The platform webhooks of Adyen are proven by a header, and ignored.
"""
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.integrations.provider import (
    TEST,
    Answer,
    EndpointConfig,
    Incoming,
    Option,
    Provider,
    Receipt,
    Rejected,
    Secret,
    Unreadable,
    dig,
    fingerprint,
    from_iso,
    one_by_one,
    shown,
)
from app.integrations.reading import currency, minor
from app.integrations.registry import register
from app.integrations.signing import NOBODY, first_matching, from_hex, hmac_base64
from app.records.changes import Change

ITEM = "NotificationRequestItem"
SIGNED = (("pspReference",), ("originalReference",), ("merchantAccountCode",), ("merchantReference",), ("amount", "value"),
          ("amount", "currency"), ("eventCode",), ("success",))
SHIFT = {"CLP": -2, "CVE": 2, "IDR": 2, "ISK": -2}
"""Decimals Adyen's smallest unit lies from that of ISO 4217."""

KINDS = {
    "AUTHORISATION": "payment.authorised",        # or failed: `success` says which
    "PENDING": "payment.pending",
    "OFFER_CLOSED": "payment.failed",             # the customer never paid
    "CAPTURE": "payment.captured",
    "CAPTURE_FAILED": "payment.failed",           # the bank took the capture back
    "CANCELLATION": "payment.failed",             # no money will come of it
    "TECHNICAL_CANCEL": "payment.failed",
    "EXPIRE": "payment.failed",                   # authorised, never captured
    "REFUND": "payment.refunded",
    "CANCEL_OR_REFUND": "payment.refunded",       # `modification.action` says which
    "REFUND_FAILED": "payment.refund_failed",     # the money is back with us
    "REFUNDED_REVERSED": "payment.refund_failed",
    "REQUEST_FOR_INFORMATION": "dispute.opened",
    "NOTIFICATION_OF_CHARGEBACK": "dispute.opened",
    "CHARGEBACK": "dispute.opened",
    "SECOND_CHARGEBACK": "dispute.opened",
    "CHARGEBACK_REVERSED": "dispute.won",
    "PREARBITRATION_WON": "dispute.won",
}
STATUS = {
    "payment.pending": "pending",
    "payment.failed": "failed",
    "payment.captured": "paid",
    "payment.refunded": "part_refunded",
    "payment.refund_failed": "paid",
    "dispute.opened": "disputed",
    "dispute.won": "paid",
}
BEGIN = ("AUTHORISATION", "PENDING", "OFFER_CLOSED")
"""Those that tell of the whole payment: others carry the amount and the reference of their own part."""
AT_ONCE, BY_HAND = "at once", "by hand"


@register
class Adyen(Provider):
    name, label, icon = "adyen", "Adyen", "credit-card"
    where = "Customer Area, Developers, Webhooks, Standard webhook"
    looks_like = "The HMAC key of the webhook: 64 hex digits"
    success = Answer("[accepted]")
    options = (Option("capture", "Payments are captured", "As the account is set up in Adyen's Customer Area.", default=AT_ONCE,
                      choices=((AT_ONCE, "At once, or after a delay: authorised means paid"), (BY_HAND, "By hand, later"))),)

    def check_secret(self, value: str) -> None:
        try:
            length = len(from_hex(value))
        except ValueError:
            length = 0
        if length != 32:
            raise ValueError("The HMAC key of an Adyen webhook is a secret of 64 hex digits. An API key is something else.")

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        """The secret that proves the post, or the first of its items that is proven."""
        header = receipt.header("HmacSignature")
        if header:
            return first_matching(endpoint.secrets, hmac_base64("sha256", receipt.body, from_hex), header)
        try:
            items = _items(receipt)
        except Unreadable as problem:
            raise Rejected(f"It has no items with signatures. {problem.detail}") from None
        for item in items:
            try:
                return _proof(item, endpoint)
            except Rejected:
                continue
        raise Rejected(NOBODY if any(_signature(item) for item in items) else "No item has an additionalData.hmacSignature.")

    def refused(self, receipt: Receipt, endpoint: EndpointConfig, found: list[Incoming]) -> Mapping[int, str]:
        if receipt.header("HmacSignature"):
            return {}
        return {place: reason for place, item in enumerate(_items(receipt)) if (reason := _why_not(item, endpoint))}

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        event = receipt.json()
        if isinstance(dig(event, "type"), str):
            return [Incoming(None, fingerprint(event), None, receipt.received_at, event, event["type"])]
        return one_by_one(_items(receipt), _read, receipt.received_at)

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        item, kind = incoming.payload, str(incoming.kind)
        values: dict[str, Any] = {"status": _status(item, kind, endpoint)}
        if item.get("eventCode") in BEGIN:
            code = currency(item["amount"], where="amount.")
            values |= {"currency": code, "amount_minor": minor(item["amount"], "value", code, where="amount.", shift=SHIFT)}
            said = {"method": item.get("paymentMethod"), "order": item.get("merchantReference")}
            values |= {name: value for name, value in said.items() if isinstance(value, str) and value}
        parts = _went_back(item, kind)
        values |= {"currency": currency(item["amount"], where="amount.")} if parts else {}
        return [Change("payments", values, key={"external_id": incoming.object_key}, as_of=incoming.occurred_at, parts=parts)]

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        item = {"pspReference": f"TEST{now:%Y%m%d%H%M%S%f}", "merchantAccountCode": "test", "merchantReference": "test",
                "amount": {"value": 0, "currency": "EUR"}, "eventCode": TEST, "success": "true", "eventDate": now.isoformat()}
        signature = hmac_base64("sha256", _signed(item), from_hex)(endpoint.secrets[0].value)
        item["additionalData"] = {"hmacSignature": signature}
        body = json.dumps({"live": "false", "notificationItems": [{ITEM: item}]}).encode()
        return Receipt("POST", endpoint.public_url, {"Content-Type": "application/json"}, body, None, now)


def _items(receipt: Receipt) -> list[Any]:
    found = dig(receipt.json(), "notificationItems")
    if not isinstance(found, list):
        raise Unreadable(f"notificationItems must be a list, and {shown(found)}.")
    return [dig(each, ITEM) for each in found]


def _signature(item: Any) -> str:
    found = dig(item, "additionalData", "hmacSignature")
    return found if isinstance(found, str) else ""


def _proof(item: Any, endpoint: EndpointConfig) -> Secret:
    """The secret that proves this item. Raises Rejected."""
    return first_matching(endpoint.secrets, hmac_base64("sha256", _signed(item), from_hex), _signature(item))


def _signed(item: Any) -> bytes:
    """What Adyen signs of an item: the fields joined by colons, nothing in them escaped."""
    return ":".join(_text(dig(item, *path)) for path in SIGNED).encode("utf-8", "surrogatepass")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _why_not(item: Any, endpoint: EndpointConfig) -> str:
    try:
        _proof(item, endpoint)
    except Rejected as problem:
        return problem.detail
    return ""


def _read(item: Any) -> Incoming:
    """One item. It is known by what is signed of it: its date is not."""
    code, reference = dig(item, "eventCode"), dig(item, "pspReference")
    if not (isinstance(code, str) and isinstance(reference, str) and reference and isinstance(dig(item, "amount"), Mapping)):
        raise Unreadable("An item of Adyen has an eventCode, a pspReference and an amount; this has not.")
    original = dig(item, "originalReference")
    about = original if isinstance(original, str) and original else reference
    return Incoming(_kind(item, code), fingerprint(*(_text(dig(item, *path)) for path in SIGNED)), about,
                    from_iso(dig(item, "eventDate"), "eventDate"), item, code)


def _kind(item: Any, code: str) -> str | None:
    """What did not succeed changed nothing, save an authorisation: then there is no payment."""
    if _text(dig(item, "success")) == "true":
        cancelled = code == "CANCEL_OR_REFUND" and dig(item, "additionalData", "modification.action") == "cancel"
        return "payment.failed" if cancelled else KINDS.get(code)
    return "payment.failed" if code == "AUTHORISATION" else None


def _went_back(item: Mapping[str, Any], kind: str) -> dict[str, tuple[str, int]] | None:
    """What one refund adds to the sum of all, or takes from it when it failed: by its own reference."""
    sign = {"payment.refunded": 1, "payment.refund_failed": -1}.get(kind)
    if sign is None or item["eventCode"] == "CANCEL_OR_REFUND":
        return None
    code = currency(item["amount"], where="amount.")
    amount = minor(item["amount"], "value", code, where="amount.", shift=SHIFT)
    return {"refunded_minor": (f"{item['pspReference']}{'' if sign > 0 else ' failed'}", sign * amount)}


def _status(item: Mapping[str, Any], kind: str, endpoint: EndpointConfig) -> str:
    if kind == "payment.authorised":
        return "authorised" if endpoint.options.get("capture") == BY_HAND else "paid"
    if item.get("eventCode") == "CANCEL_OR_REFUND" and kind == "payment.refunded":
        return "refunded"                         # always of all that is left
    return STATUS[kind]
