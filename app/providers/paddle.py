"""Paddle Billing. HMAC-SHA256 over "ts:body", hex, the secret as raw text; whole objects, in no order, sent again for three days.

Docs: "Verify webhook signatures", "Webhooks reference", the entities Transaction, Adjustment, Subscription and Customer. A
payment of ours is a transaction; refunds and chargebacks are adjustments of it. A transaction that was adjusted shows another
total than it took, whether money went back or not: then it says nothing of how it stands, the adjustment does.
"""
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.integrations.provider import (
    TEST,
    EndpointConfig,
    Incoming,
    Provider,
    Receipt,
    Secret,
    Unreadable,
    dig,
    from_iso,
    shown,
)
from app.integrations.reading import currency, said, text
from app.integrations.registry import register
from app.integrations.signing import check_clock, first_matching, hmac_hex, stamped
from app.records.changes import Change

Values = dict[str, Any]

KINDS = {
    "transaction.ready": "transaction.changed",
    "transaction.billed": "transaction.changed",                # an invoice went out
    "transaction.updated": "transaction.changed",
    "transaction.revised": "transaction.changed",
    "transaction.paid": "transaction.changed",
    "transaction.completed": "transaction.changed",
    "transaction.canceled": "transaction.changed",
    "transaction.past_due": "transaction.changed",
    "transaction.payment_failed": "transaction.failed",         # one attempt; the transaction stays open
    "adjustment.created": "adjustment.changed",
    "adjustment.updated": "adjustment.changed",                 # approved, rejected or reversed
    "subscription.created": "subscription.changed",
    "subscription.activated": "subscription.changed",
    "subscription.trialing": "subscription.changed",
    "subscription.updated": "subscription.changed",
    "subscription.past_due": "subscription.changed",
    "subscription.paused": "subscription.changed",
    "subscription.resumed": "subscription.changed",
    "subscription.canceled": "subscription.changed",
    "subscription.imported": "subscription.changed",
    "customer.created": "customer.changed",
    "customer.updated": "customer.changed",
    "customer.imported": "customer.changed",
}
"""transaction.created is not among them: it is a draft, made whenever somebody opens the checkout."""

TRANSACTION = {
    "ready": "pending",
    "billed": "pending",
    "past_due": "failed",                       # Paddle tries again
    "paid": "paid",
    "completed": "paid",
    "canceled": "failed",                       # no money will come of it
}
ADJUSTMENT = {
    ("refund", "approved"): "part_refunded",    # or refunded, if its type says that it is all
    ("chargeback", "approved"): "disputed",
    ("chargeback", "reversed"): "paid",
    ("chargeback_warning", "approved"): "disputed",
    ("chargeback_reverse", "approved"): "paid",
    ("chargeback_warning_reverse", "approved"): "paid",
}
"""Credits stay at Paddle, for the next invoice."""

SUBSCRIPTION = {
    "trialing": "trial",
    "active": "active",
    "past_due": "past_due",
    "paused": "paused",
    "canceled": "ended",
}


@register
class Paddle(Provider):
    name, label, icon = "paddle", "Paddle", "credit-card"
    where = "Developer tools, Notifications, New destination: URL"
    looks_like = "Begins with pdl_ntfset_, from the page of the destination"

    def check_secret(self, value: str) -> None:
        if not value.startswith("pdl_ntfset_"):
            raise ValueError("The secret of a notification destination begins with pdl_ntfset_. An API key is something else.")

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        """`Paddle-Signature: ts=…;h1=…[;h1=…]`: several while a secret is rotated."""
        clock, signatures = stamped(receipt, "Paddle-Signature", ";", "ts", "h1")
        secret = first_matching(endpoint.secrets, _sign(clock, receipt.body), *signatures)
        check_clock(clock, endpoint, now)
        return secret

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        event = receipt.json()
        id, word = text(event, "event_id"), text(event, "event_type")
        if not id or not word:
            raise Unreadable("An event of Paddle has an event_id and an event_type; this has not.")
        kind, at = KINDS.get(word), from_iso(event.get("occurred_at"), "occurred_at")
        return [Incoming(kind, id, _about(event, kind) if kind else None, at, event, word)]

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        told = incoming.payload["data"]
        resource, values_of = TRANSLATIONS[str(incoming.kind).partition(".")[0]]
        values = values_of(told, incoming)
        as_of = from_iso(told["updated_at"], "data.updated_at") if told.get("updated_at") else incoming.occurred_at
        return [Change(resource, values, key={"external_id": incoming.object_key}, as_of=as_of)] if values else []

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        event = {"event_id": f"evt_test_{now:%Y%m%d%H%M%S%f}", "event_type": TEST, "occurred_at": now.isoformat(), "data": {}}
        body, clock = json.dumps(event).encode(), f"{now.timestamp():.0f}"
        headers = {"Content-Type": "application/json",
                   "Paddle-Signature": f"ts={clock};h1={_sign(clock, body)(endpoint.secrets[0].value)}"}
        return Receipt("POST", endpoint.public_url, headers, body, None, now)


def _sign(clock: str, body: bytes) -> Callable[[str], str]:
    return hmac_hex("sha256", clock.encode("utf-8", "surrogateescape") + b":" + body)


def _about(event: Any, kind: str) -> str:
    """An adjustment is about its transaction."""
    name = "transaction_id" if kind.startswith("adjustment") else "id"
    found = text(dig(event, "data"), name)
    if not found:
        raise Unreadable(f"data.{name} must be an id, and {shown(dig(event, 'data', name))}.")
    return found


def _transaction(told: Mapping[str, Any], incoming: Incoming) -> Values:
    status = TRANSACTION.get(str(told.get("status")))
    if status is None:
        return {}
    code, totals = currency(told, "currency_code", where="data."), dig(told, "details", "totals")
    total = _minor(totals, "grand_total", "data.details.totals.")
    after = dig(told, "details", "adjusted_totals", "grand_total")
    if status == "paid" and after is not None and str(after) != str(total):
        status = None
    if status == "pending" and incoming.kind == "transaction.failed":
        status = "failed"
    return said(amount_minor=total, currency=code, status=status, method=text(dig(told, "payments", 0, "method_details"), "type"),
                order=text(told.get("custom_data"), "order"))


def _adjustment(told: Mapping[str, Any], incoming: Incoming) -> Values:
    """Of a part only that money went back: it says nothing of the sum."""
    status = ADJUSTMENT.get((str(told.get("action")), str(told.get("status"))))
    if status != "part_refunded" or told.get("type") != "full":
        return said(status=status)
    return {"status": "refunded", "refunded_minor": _minor(told.get("totals"), "total", "data.totals."),
            "currency": currency(told, "currency_code", where="data.")}


def _subscription(told: Mapping[str, Any], incoming: Incoming) -> Values:
    code = currency(told, "currency_code", where="data.")
    values = said(currency=code, status=SUBSCRIPTION.get(str(told.get("status"))), amount_minor=_each_time(told, code),
                  customer=_outside(told.get("customer_id")), product=_outside(dig(told, "items", 0, "price", "product_id")))
    if "next_billed_at" not in told:
        return values
    renews = told["next_billed_at"]             # null: it is paused, or ends
    return values | {"renews_at": None if renews is None else from_iso(renews, "data.next_billed_at").date()}


def _each_time(told: Mapping[str, Any], code: str) -> int | None:
    """What is asked for each time, without tax; None where a price is in another currency, which Paddle then converts."""
    items, total = told.get("items"), 0
    if not isinstance(items, list) or not items:
        raise Unreadable(f"data.items must be a list of what is paid for, and {shown(items)}.")
    for item in items:
        price, quantity = dig(item, "price", "unit_price"), dig(item, "quantity")
        if currency(price, "currency_code", where="data.items.price.unit_price.") != code:
            return None
        if type(quantity) is not int:
            raise Unreadable(f"data.items.quantity must be a whole number, and {shown(quantity)}.")
        total += _minor(price, "amount", "data.items.price.unit_price.") * quantity if dig(item, "recurring") is not False else 0
    return total


def _customer(told: Mapping[str, Any], incoming: Incoming) -> Values:
    return said(email=text(told, "email"), name=text(told, "name"))


TRANSLATIONS: dict[str, tuple[str, Callable[[Mapping[str, Any], Incoming], Values]]] = {
    "transaction": ("payments", _transaction),
    "adjustment": ("payments", _adjustment),
    "subscription": ("subscriptions", _subscription),
    "customer": ("customers", _customer),
}


def _minor(told: Any, name: str, where: str) -> int:
    """Paddle writes whole numbers of the smallest unit as text. Raises Unreadable."""
    amount = dig(told, name)
    if not isinstance(amount, str) or not re.fullmatch(r"-?[0-9]{1,15}", amount):
        raise Unreadable(f"{where}{name} must be a whole number as text, and {shown(amount)}.")
    return int(amount)


def _outside(id: object) -> dict[str, str] | None:
    return {"external_id": id} if isinstance(id, str) and id else None
