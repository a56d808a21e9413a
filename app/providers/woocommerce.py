"""WooCommerce. HMAC-SHA256 over the body, base64, the secret as text; full objects as in its REST API v3, never sent again: it
switches a webhook off after five failures in a row (docs: "Webhooks", "REST API: orders, customers, products").

Topic and ids stand in headers nobody signs: the body makes an event. Saving a webhook sends a ping that is not signed. What staff
may edit here (address, status) is only said when it begins or when the shop decided it.
"""
import hashlib
import json
import re
from collections.abc import Callable, Mapping
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
    fingerprint,
    from_iso,
    shown,
)
from app.integrations.reading import currency, decimal, no_currency, said, text
from app.integrations.registry import register
from app.integrations.signing import first_matching, hmac_base64
from app.records.changes import Change

Values = dict[str, Any]

KINDS = {
    "order.created": "order.created",
    "order.updated": "order.changed",
    "order.restored": "order.changed",
    "order.deleted": "order.deleted",           # to its bin
    "customer.created": "customer.changed",
    "customer.updated": "customer.changed",
    "customer.deleted": "customer.deleted",
    "product.created": "product.changed",
    "product.updated": "product.changed",
    "product.restored": "product.changed",
    "product.deleted": "product.deleted",
}
STATUS = {
    "completed": "shipped",                     # handed over; Woo knows nothing after that
    "cancelled": "cancelled",
    "failed": "cancelled",
    "trash": "cancelled",
}
PAYMENT = {
    "pending": "pending",
    "on-hold": "pending",                       # a transfer or a cheque is awaited
    "processing": "paid",
    "completed": "paid",
    "refunded": "refunded",
    "failed": "failed",
}
PING = re.compile(rb"webhook_id=[0-9]{1,12}")


@register
class WooCommerce(Provider):
    name, label, icon = "woocommerce", "WooCommerce", "shop"
    where = "WooCommerce, Settings, Advanced, Webhooks, Add webhook: Delivery URL"
    looks_like = "What stands under Secret at the webhook"
    shortest_secret, has_blanks = 1, True          # people may choose it
    kept_headers = ("x-wc-webhook-topic", "x-wc-webhook-id", "x-wc-webhook-delivery-id", "x-wc-webhook-source")
    options = (Option("currency", "Currency of the shop", "Three letters. Prices of products come without a currency; "
                      "without this they are left alone."),)

    def check_secret(self, value: str) -> None:
        if value.startswith(("ck_", "cs_")):
            raise ValueError("This is a key of the REST API. Webhooks are signed with the secret of the webhook itself.")

    def check_options(self, options: Mapping[str, str]) -> dict[str, str]:
        return no_currency(options)

    def greet(self, receipt: Receipt, endpoint: EndpointConfig) -> Answer | None:
        """The ping when a webhook is saved: without an answer of 200 it is not switched on."""
        is_ping = receipt.method == "POST" and PING.fullmatch(receipt.body) is not None
        return Answer("pong\n") if is_ping and not receipt.header("X-WC-Webhook-Signature") else None

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        signature = receipt.header("X-WC-Webhook-Signature")
        if not signature:
            raise Rejected("The header X-WC-Webhook-Signature is missing.")
        return first_matching(endpoint.secrets, hmac_base64("sha256", receipt.body), signature)

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        topic = receipt.header("X-WC-Webhook-Topic")
        kind = KINDS.get(topic)
        if kind == "product.changed" and not endpoint.options.get("currency"):
            kind = None
        digest = hashlib.sha256(receipt.body).hexdigest()
        if PING.fullmatch(receipt.body):
            return [Incoming(None, fingerprint("ping", digest), None, receipt.received_at, {}, "ping")]
        told = receipt.json()
        if not isinstance(told, Mapping):
            raise Unreadable("The body must be one object.")
        key = fingerprint(topic if kind else "", digest)
        if kind is None:
            return [Incoming(None, key, None, receipt.received_at, told, topic or "no topic")]
        return [Incoming(kind, key, f"{kind.partition('.')[0]}:{_id(told)}", _when(told, kind, receipt), told, topic)]

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        thing, _, verb = str(incoming.kind).partition(".")
        values = {"trashed_at": incoming.occurred_at} if verb == "deleted" else TRANSLATIONS[thing](incoming, endpoint)
        key = {"external_id": _id(incoming.payload)}
        return [Change(f"{thing}s", values, key=key, as_of=incoming.occurred_at)] if values else []

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        body = json.dumps({"id": 1, "at": now.isoformat()}).encode()
        signature = hmac_base64("sha256", body)(endpoint.secrets[0].value)
        headers = {"Content-Type": "application/json", "X-WC-Webhook-Signature": signature, "X-WC-Webhook-Topic": TEST}
        return Receipt("POST", endpoint.public_url, headers, body, None, now)


def _when(told: Mapping[str, Any], kind: str, receipt: Receipt) -> datetime:
    """What is deleted shows nothing but its id: then it happened when we heard of it."""
    if kind.endswith(".deleted"):
        return receipt.received_at
    name = "date_modified_gmt" if told.get("date_modified_gmt") else "date_created_gmt"
    return from_iso(told.get(name), name)


def _order(incoming: Incoming, endpoint: EndpointConfig) -> Values:
    told, status = incoming.payload, str(incoming.payload.get("status"))
    number, begins = told.get("number") or told.get("id"), incoming.kind == "order.created"
    paid = PAYMENT.get(status)
    return {"number": str(number), "currency": currency(told), "total": decimal(told, "total"),
            **said(payment_status="part_refunded" if paid == "paid" and told.get("refunds") else paid,
                   status=STATUS.get(status) or ("placed" if begins else None), channel=text(told, "created_via"),
                   customer=_customer_of(told)), **(_begin(told) if begins else {})}


def _customer_of(told: Mapping[str, Any]) -> dict[str, str] | None:
    """Guests have the id 0, and are no customers of the shop."""
    found = told.get("customer_id")
    return {"external_id": str(found)} if type(found) is int and found > 0 else None


def _begin(told: Mapping[str, Any]) -> Values:
    """How an order begins; what becomes of its address and note is up to staff."""
    to = told.get("shipping") if text(told.get("shipping"), "address_1") else told.get("billing")
    street = ", ".join(part for name in ("address_1", "address_2") if (part := text(to, name)))
    return said(placed_at=from_iso(told.get("date_created_gmt"), "date_created_gmt"), street=street or None,
                postcode=text(to, "postcode"), city=text(to, "city"), country=text(to, "country"),
                phone=text(to, "phone") or text(told.get("billing"), "phone"), note=text(told, "customer_note"))


def _customer(incoming: Incoming, endpoint: EndpointConfig) -> Values:
    told, billing = incoming.payload, incoming.payload.get("billing")
    name = " ".join(part for name in ("first_name", "last_name") if (part := text(told, name)))
    return said(email=text(told, "email"), name=name or None, phone=text(billing, "phone"), company=text(billing, "company"),
                country=text(billing, "country"))


def _product(incoming: Incoming, endpoint: EndpointConfig) -> Values:
    """One that has no SKU or no price yet, like a draft or a product with variations, is none we could sell."""
    told = incoming.payload
    if not text(told, "sku") or not told.get("price"):
        return {}
    return {"sku": text(told, "sku"), "price": decimal(told, "price"), "currency": endpoint.options["currency"].upper(),
            "is_active": told.get("status") == "publish", **said(name=text(told, "name"))}


TRANSLATIONS: dict[str, Callable[[Incoming, EndpointConfig], Values]] = {
    "order": _order,
    "customer": _customer,
    "product": _product,
}


def _id(told: Mapping[str, Any]) -> str:
    found = told.get("id")
    if type(found) is not int or found <= 0:
        raise Unreadable(f"id must be a whole number, and {shown(found)}.")
    return str(found)
