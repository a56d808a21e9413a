"""Shopify. HMAC-SHA256 over the body, base64, with the app's client secret; full objects, in no order, eight tries in four hours.

Docs: "Verify webhook deliveries", "Webhooks: list of topics", the REST objects Order, Customer, Product, Fulfillment.
Topic, shop and ids stand in headers nobody signs: the body makes an event, and the shop is the endpoint's account. What staff may
edit here (address, status) is only said when it begins or when Shopify decided it. A product of ours is a variant of Shopify's.
"""
import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.integrations.provider import (
    TEST,
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
)
from app.integrations.reading import currency, decimal, no_currency, said, text
from app.integrations.registry import register
from app.integrations.signing import first_matching, hmac_base64
from app.records.changes import Change
from app.records.money import to_minor

Values = dict[str, Any]

KINDS = {
    "orders/create": "order.created",
    "orders/updated": "order.changed",
    "orders/edited": None,                      # shows the edit, not the order; orders/updated comes with it
    "orders/paid": "order.changed",
    "orders/cancelled": "order.changed",
    "orders/fulfilled": "order.changed",
    "orders/partially_fulfilled": "order.changed",
    "orders/delete": "order.deleted",
    "order_transactions/create": "transaction.made",
    "customers/create": "customer.changed",
    "customers/update": "customer.changed",
    "customers/delete": "customer.deleted",
    "products/create": "product.changed",
    "products/update": "product.changed",
    "fulfillments/create": "fulfillment.changed",
    "fulfillments/update": "fulfillment.changed",
}
PAYMENT = {
    "pending": "pending",
    "authorized": "authorised",
    "partially_paid": "pending",
    "paid": "paid",
    "partially_refunded": "part_refunded",
    "refunded": "refunded",
    "voided": "failed",                         # no money will come of it
    "expired": "failed",
}
PARCEL = {
    "label_printed": "label_made",
    "label_purchased": "label_made",
    "confirmed": "label_made",                  # the carrier knows of it and has not got it
    "in_transit": "in_transit",
    "out_for_delivery": "in_transit",
    "attempted_delivery": "held_up",
    "ready_for_pickup": "held_up",              # somebody has to fetch it
    "delivered": "delivered",
    "failure": "held_up",
}
TRANSACTION = {
    "authorization": "authorised",
    "sale": "paid",
    "capture": "paid",
    "void": "failed",
    "refund": "part_refunded",                  # one refund says nothing of the sum: they are added up
}


@register
class Shopify(Provider):
    name, label, icon = "shopify", "Shopify", "bag"
    where = "Settings, Notifications, Webhooks; or the app's configuration"
    looks_like = "The app's client secret, or the secret below the list of webhooks"
    kept_headers = ("x-shopify-topic", "shopify-topic", "x-shopify-shop-domain", "x-shopify-event-id", "x-shopify-webhook-id",
                    "x-shopify-triggered-at", "x-shopify-api-version")
    options = (Option("currency", "Currency of the shop", "Three letters. Products of Shopify have prices without a currency; "
                      "without this they are left alone."),)

    def check_secret(self, value: str) -> None:
        if value.startswith(("shpat_", "shpca_", "shppa_", "sk_")):
            raise ValueError("This is an access token. Webhooks are signed with the client secret of the app.")

    def check_options(self, options: Mapping[str, str]) -> dict[str, str]:
        return no_currency(options)

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        signature = receipt.header("X-Shopify-Hmac-SHA256") or receipt.header("shopify-hmac-sha256")
        if not signature:
            raise Rejected("The header X-Shopify-Hmac-SHA256 is missing.")
        return first_matching(endpoint.secrets, hmac_base64("sha256", receipt.body), signature)

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        told = receipt.json()
        if not isinstance(told, Mapping):
            raise Unreadable("The body must be one object.")
        topic = receipt.header("X-Shopify-Topic") or receipt.header("shopify-topic")
        kind = KINDS.get(topic)
        if kind == "product.changed" and not endpoint.options.get("currency"):
            kind = None
        key = fingerprint(topic if kind else "", hashlib.sha256(receipt.body).hexdigest())
        if kind is None:
            return [Incoming(None, key, None, receipt.received_at, told, topic or "no topic")]
        return [Incoming(kind, key, _about(told, kind), _when(told, kind, receipt), told, topic)]

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        told, kind = incoming.payload, str(incoming.kind)
        if kind.endswith(".deleted"):
            return [_change(f"{kind.partition('.')[0]}s", told["id"], {"trashed_at": incoming.occurred_at}, incoming)]
        return TRANSLATIONS[kind.partition(".")[0]](told, incoming, endpoint)

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        body = json.dumps({"id": 1, "at": now.isoformat()}).encode()
        signature = hmac_base64("sha256", body)(endpoint.secrets[0].value)
        headers = {"Content-Type": "application/json", "X-Shopify-Hmac-SHA256": signature, "X-Shopify-Topic": TEST}
        return Receipt("POST", endpoint.public_url, headers, body, None, now)


def _about(told: Mapping[str, Any], kind: str) -> str:
    """Ids of different types may be alike, so the type is part of what the event is about."""
    if kind == "transaction.made" and told.get("parent_id") is not None:
        return f"transaction:{_id(told, 'parent_id')}"
    return f"{kind.partition('.')[0]}:{_id(told, 'id')}"


def _when(told: Mapping[str, Any], kind: str, receipt: Receipt) -> datetime:
    """What is deleted shows nothing but its id: then it happened when we heard of it."""
    if kind.endswith(".deleted"):
        return receipt.received_at
    name = next((name for name in ("updated_at", "processed_at") if told.get(name)), "created_at")
    return from_iso(told.get(name), name)


def _order(told: Mapping[str, Any], incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
    number = str(told.get("name") or told.get("order_number") or "").removeprefix("#")
    if not number:
        raise Unreadable("name, the number of the order, is missing.")
    values = {"number": number, "currency": currency(told), "total": decimal(told, "total_price"),
              **said(payment_status=PAYMENT.get(str(told.get("financial_status"))), channel=text(told, "source_name"),
                     status=_order_status(told, incoming), customer=_reference(dig(told, "customer", "id")))}
    if incoming.kind == "order.created":
        values |= _begin(told)
    return [_change("orders", told["id"], values, incoming)]


def _order_status(told: Mapping[str, Any], incoming: Incoming) -> str | None:
    """Only what Shopify decided: between placed and shipped staff decide here."""
    if told.get("cancelled_at"):
        return "cancelled"
    if told.get("fulfillment_status") == "fulfilled":
        return "shipped"
    return "placed" if incoming.kind == "order.created" else None


def _begin(told: Mapping[str, Any]) -> Values:
    """How an order begins; what becomes of its address and note is up to staff."""
    to, weight = told.get("shipping_address"), told.get("total_weight")
    street = ", ".join(part for name in ("address1", "address2") if (part := text(to, name)))
    return said(placed_at=from_iso(told.get("created_at"), "created_at"), street=street or None, postcode=text(to, "zip"),
                city=text(to, "city"), country=text(to, "country_code"), phone=text(to, "phone"), note=text(told, "note"),
                weight=weight if type(weight) is int and weight > 0 else None)


def _transaction(told: Mapping[str, Any], incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
    """A payment of ours is the transaction it began with: captures, voids and refunds name that as their parent."""
    kind, has_parent = str(told.get("kind")), told.get("parent_id") is not None
    status = TRANSACTION.get(kind) if told.get("status") == "success" else None
    if not has_parent and kind in ("sale", "authorization"):
        status = {"pending": "pending", "failure": "failed", "error": "failed"}.get(str(told.get("status")), status)
    if status is None:
        return []
    values = said(status=status, method=text(told, "gateway"))
    if not has_parent:
        values |= {"currency": currency(told), "amount": decimal(told, "amount"),
                   **said(order=_reference(told.get("order_id")))}
    about, parts = told["parent_id"] if has_parent else told["id"], _went_back(told) if kind == "refund" else None
    return [_change("payments", about, values | ({"currency": currency(told)} if parts else {}), incoming)._replace(parts=parts)]


def _went_back(told: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """What one refund adds to the sum of all, by its own ID."""
    try:
        return {"refunded_minor": (_id(told, "id"), to_minor(Decimal(decimal(told, "amount")), currency(told)))}
    except ValueError as problem:
        raise Unreadable(f"amount: {problem}") from None


def _customer(told: Mapping[str, Any], incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
    name = " ".join(part for name in ("first_name", "last_name") if (part := text(told, name)))
    home = told.get("default_address")
    values = said(email=text(told, "email"), name=name or None, phone=text(told, "phone"), company=text(home, "company"),
                  country=text(home, "country_code"))
    return [_change("customers", told["id"], values, incoming)] if values else []


def _product(told: Mapping[str, Any], incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
    variants = told.get("variants")
    if not isinstance(variants, list):
        raise Unreadable("variants must be a list.")
    return [_change("products", _id(variant, "id"), _variant(told, variant, endpoint), incoming)
            for variant in variants if text(variant, "sku")]


def _variant(told: Mapping[str, Any], variant: Mapping[str, Any], endpoint: EndpointConfig) -> Values:
    title, own = text(told, "title") or "", text(variant, "title")
    return {"sku": text(variant, "sku"), "name": title if own in (None, "Default Title") else f"{title} {own}".strip(),
            "price": decimal(variant, "price", where="variants.price of "), "currency": endpoint.options["currency"].upper(),
            "is_active": told.get("status", "active") == "active"}


def _fulfillment(told: Mapping[str, Any], incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
    """A parcel has a tracking number; what was handed over without one is none we could follow."""
    number = text(told, "tracking_number")
    values = said(tracking_number=number, carrier=text(told, "tracking_company"), order=_reference(told.get("order_id")),
                  status=PARCEL.get(str(told.get("shipment_status"))))
    return [_change("deliveries", told["id"], values, incoming)] if number else []


TRANSLATIONS: dict[str, Callable[[Mapping[str, Any], Incoming, EndpointConfig], list[Change]]] = {
    "order": _order,
    "transaction": _transaction,
    "customer": _customer,
    "product": _product,
    "fulfillment": _fulfillment,
}


def _change(resource: str, id: object, values: Values, incoming: Incoming) -> Change:
    return Change(resource, values, key={"external_id": str(id)}, as_of=incoming.occurred_at)


def _id(told: Any, name: str) -> str:
    found = dig(told, name)
    if isinstance(found, bool) or not isinstance(found, int | str) or not found:
        raise Unreadable(f"{name} is missing.")
    return str(found)


def _reference(id: object) -> dict[str, str] | None:
    return {"external_id": str(id)} if isinstance(id, int | str) and not isinstance(id, bool) and id else None
