"""Stripe. HMAC-SHA256 over "t.body", hex, the secret as raw text; snapshots of whole objects, in no order, sent again for days.

Docs: "Receive Stripe events in your webhook endpoint", "Types of events", the objects Charge, PaymentIntent, Refund, Dispute,
Subscription and Customer (API 2025). A payment of ours is Stripe's payment intent: its charge, its refunds and its dispute
all tell about the same one. A charge without an intent is a payment under its own id.
"""
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.integrations.calling import Connection
from app.integrations.provider import (
    TEST,
    EndpointConfig,
    Incoming,
    Provider,
    Receipt,
    Secret,
    Unreadable,
    dig,
    from_epoch,
    from_iso,
    shown,
)
from app.integrations.registry import register
from app.integrations.signing import check_clock, first_matching, hmac_hex, stamped
from app.providers import stripe_client
from app.providers.stripe_client import SHIFT, StripeClient
from app.providers.stripe_words import DISPUTE_STATUS, INTENT_STATUS, KINDS, SUBSCRIPTION_STATUS
from app.records.changes import Change

Values = dict[str, Any]

TOLD = "data.object."
"""Where an event shows its object: how the fields of it are named in sentences."""

ASKED = {path: kind for kind, path in stripe_client.KINDS.items()}
"""Where Stripe keeps objects, and what its client calls their kind."""


@register
class Stripe(Provider):
    name, label, icon = "stripe", "Stripe", "credit-card"
    api = stripe_client.API
    where = "Developers, Webhooks, Add destination"
    looks_like = "Begins with whsec_, from the endpoint's page in the Stripe dashboard"

    def check_secret(self, value: str) -> None:
        if not value.startswith("whsec_"):
            raise ValueError("The signing secret of a Stripe endpoint begins with whsec_. An API key (sk_…) is something else.")

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        """`Stripe-Signature: t=…,v1=…[,v1=…]`; other schemes in it are for others (docs: "Verify webhook signatures")."""
        clock, signatures = stamped(receipt, "Stripe-Signature", ",", "t", "v1")
        secret = first_matching(endpoint.secrets, hmac_hex("sha256", clock.encode() + b"." + receipt.body), *signatures)
        check_clock(clock, endpoint, now)
        return secret

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        event = receipt.json()
        kind = dig(event, "type")
        if not isinstance(dig(event, "id"), str) or not isinstance(kind, str):
            raise Unreadable("A Stripe event has an id and a type; this has not.")
        if dig(event, "object") != "event":
            return [_thin(event, kind)]
        return [Incoming(KINDS.get(kind), event["id"], _about(event), from_epoch(event.get("created"), "created"), event, kind)]

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        """What the snapshot in the event says, as of the moment Stripe made the event."""
        if incoming.is_thin:
            raise Unreadable("The event names its object and shows none: connect Stripe, so that it can be asked for, and retry.")
        resource, values_of = TRANSLATIONS[str(incoming.kind).partition(".")[0]]
        told = dig(incoming.payload, "data", "object")
        if not isinstance(told, Mapping) or incoming.object_key is None:
            raise Unreadable("The event shows no object with an id under data.object.")
        values = values_of(told, incoming)
        if not values:
            return []
        as_of = from_epoch(told.get("created"), TOLD + "created") if incoming.kind == "refund.made" else incoming.occurred_at
        return [Change(resource, values, key={"external_id": incoming.object_key}, as_of=as_of)]

    def fetch(self, incoming: Incoming, connection: Connection) -> Incoming | None:
        kind, id = _where(incoming.payload)
        if kind is None or not isinstance(id, str):
            return None
        before = datetime.now(UTC)
        told = StripeClient(connection).show(kind, id)
        payload = {**incoming.payload, "data": {"object": told}}
        has_failed = incoming.kind == "payment.failed" and told.get("status") == "requires_payment_method"
        return replace(incoming, kind="payment.changed" if kind == "payment" and not has_failed else incoming.kind,
                       object_key=_about(payload), occurred_at=before, payload=payload, is_thin=False)

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        event = {"id": f"evt_test_{now:%Y%m%d%H%M%S%f}", "object": "event", "type": TEST, "created": int(now.timestamp()),
                 "data": {"object": {"object": "test"}}}
        body, clock = json.dumps(event).encode(), f"{now.timestamp():.0f}"
        signature = hmac_hex("sha256", clock.encode() + b"." + body)(endpoint.secrets[0].value)
        headers = {"Content-Type": "application/json", "Stripe-Signature": f"t={clock},v1={signature}"}
        return Receipt("POST", endpoint.public_url, headers, body, None, now)


def _thin(event: Any, said: str) -> Incoming:
    """An event of version 2 names its object and shows none. About objects of version 1 it is called as ever, behind `v1.`."""
    kind = KINDS.get(said.removeprefix("v1.")) if _where(event)[0] else None
    id = dig(event, "related_object", "id")
    at = from_iso(event.get("created"), "created")
    return Incoming(kind, event["id"], id if isinstance(id, str) else None, at, event, said, is_thin=kind is not None)


def _where(event: Any) -> tuple[str | None, Any]:
    """What its client calls the kind of object the event is about, None for none we keep, and the object's id."""
    path = str(dig(event, "related_object", "url")).strip("/").split("/")
    if len(path) == 3 and path[0] == "v1":
        return ASKED.get(path[1]), path[2]
    told = dig(event, "data", "object")
    return ASKED.get(f"{dig(told, 'object')}s"), dig(told, "id")


def _about(event: Any) -> str | None:
    """The outside id of the record the event is about: the payment intent for whatever happens to a payment."""
    told = dig(event, "data", "object")
    if dig(told, "object") in ("charge", "refund", "dispute"):
        found = _id(dig(told, "payment_intent")) or (_id(dig(told, "charge")) or dig(told, "id"))
    else:
        found = dig(told, "id")
    return found if isinstance(found, str) else None


def _intent(told: Mapping[str, Any], incoming: Incoming) -> Values:
    status = "failed" if incoming.kind == "payment.failed" else INTENT_STATUS.get(str(told.get("status")))
    amount, currency = "amount_received" if status == "paid" else "amount", _currency(told)
    return _known(amount_minor=_minor(told, amount, currency), currency=currency, status=status, method=_method(told),
                  order=dig(told, "metadata", "order"))


def _charge(told: Mapping[str, Any], incoming: Incoming) -> Values:
    paid = "amount_captured" if told.get("captured") and "amount_captured" in told else "amount"    # said since API 2020
    currency = _currency(told)
    return _known(amount_minor=_minor(told, paid, currency), currency=currency,
                  refunded_minor=_minor(told, "amount_refunded", currency), status=_charge_status(told),
                  method=dig(told, "payment_method_details", "type"), order=dig(told, "metadata", "order"))


def _charge_status(told: Mapping[str, Any]) -> str | None:
    if told.get("status") != "succeeded":
        return {"pending": "pending", "failed": "failed"}.get(str(told.get("status")))
    if told.get("disputed"):
        return "disputed"
    if told.get("refunded"):
        return "refunded"
    if told.get("amount_refunded"):
        return "part_refunded"
    return "paid" if told.get("captured", True) else "authorised"


def _refund(told: Mapping[str, Any], incoming: Incoming) -> Values:
    """One refund says that money went back, not how much in all: said as of the refund's own moment, so that the
    charge.refunded that belongs to it, never older and further in life, has the last word in every order."""
    currency = _currency(told)
    _minor(told, "amount", currency)                            # a refund of no amount is not believed
    return {} if told.get("status") in ("failed", "canceled") else _known(currency=currency, status="part_refunded")


def _dispute(told: Mapping[str, Any], incoming: Incoming) -> Values:
    return _known(currency=_currency(told), status=DISPUTE_STATUS.get(str(told.get("status")), "disputed"))


def _subscription(told: Mapping[str, Any], incoming: Incoming) -> Values:
    item = dig(told, "items", "data", 0)
    price, where = _price(told, item)
    currency = _currency(price if "currency" in price else told, where if "currency" in price else TOLD)
    status = "paused" if told.get("pause_collection") else SUBSCRIPTION_STATUS.get(str(told.get("status")))
    return _known(status=status, customer=_outside(told.get("customer")), product=_outside(price.get("product")),
                  amount_minor=_each(price, where, currency, dig(item, "quantity")), currency=currency,
                  renews_at=_renews(told, item))


def _price(told: Mapping[str, Any], item: Any) -> tuple[Mapping[str, Any], str]:
    """What one of it costs, and where the event says so."""
    found = dig(item, "price")
    if isinstance(found, Mapping):
        return found, TOLD + "items.data.0.price."
    if isinstance(told.get("plan"), Mapping):
        return told["plan"], TOLD + "plan."
    raise Unreadable(f"{TOLD}items.data.0.price must be an object, and {shown(found)}.")


def _each(price: Mapping[str, Any], where: str, currency: str, quantity: Any) -> int | None:
    """Price times quantity; None for a price in tiers or in fractions of the smallest unit, of which Stripe says null."""
    if quantity is not None and type(quantity) is not int:
        raise Unreadable(f"{TOLD}items.data.0.quantity must be a whole number, and {shown(quantity)}.")
    name = "unit_amount" if "price" in where else "amount"      # a plan, the older kind of price, calls it so
    if name in price and price[name] is None:
        return None
    return _minor(price, name, currency, where) * (1 if quantity is None else quantity)


def _renews(told: Mapping[str, Any], item: Any) -> datetime | None:
    """When the paid period ends; None where neither the subscription nor its item says so."""
    moved = dig(item, "current_period_end")                     # to the item in API 2025-03
    if told.get("current_period_end") is not None:
        return from_epoch(told["current_period_end"], TOLD + "current_period_end")
    return None if moved is None else from_epoch(moved, TOLD + "items.data.0.current_period_end")


def _customer(told: Mapping[str, Any], incoming: Incoming) -> Values:
    return _known(email=told.get("email"), name=told.get("name"), phone=told.get("phone"),
                  country=dig(told, "address", "country"))


TRANSLATIONS: dict[str, tuple[str, Callable[[Mapping[str, Any], Incoming], Values]]] = {
    "payment": ("payments", _intent),
    "charge": ("payments", _charge),
    "refund": ("payments", _refund),
    "dispute": ("payments", _dispute),
    "subscription": ("subscriptions", _subscription),
    "customer": ("customers", _customer),
}


def _known(**values: Any) -> Values:
    """Only what the event says: an absent value is not an empty one."""
    return {name: value for name, value in values.items() if value is not None}


def _minor(told: Mapping[str, Any], name: str, currency: str, where: str = TOLD) -> int:
    """Whole minor units as ISO 4217 has them. Raises Unreadable for an amount that is no whole number of them, or missing."""
    amount, shift = told.get(name), SHIFT.get(currency, 0)
    if type(amount) is not int:
        raise Unreadable(f"{where}{name} must be a whole number, and {shown(amount)}.")
    found, rest = divmod(amount * 10 ** max(shift, 0), 10 ** max(-shift, 0))
    if rest:
        raise Unreadable(f"{where}{name} {shown(amount)}, no amount in {currency}.")
    return int(found)


def _currency(told: Mapping[str, Any], where: str = TOLD) -> str:
    """Its three letters as we write them. Raises Unreadable for what is no text, or missing."""
    code = told.get("currency")
    if not isinstance(code, str) or not code:
        raise Unreadable(f"{where}currency must be text, and {shown(code)}.")
    return code.upper()


def _id(told: Any) -> str | None:
    """An id, whether it is given bare or with its object expanded around it."""
    found = dig(told, "id") if isinstance(told, Mapping) else told
    return found if isinstance(found, str) else None


def _outside(told: Any) -> dict[str, str] | None:
    found = _id(told)
    return None if found is None else {"external_id": found}


def _method(told: Mapping[str, Any]) -> str | None:
    """How it is paid. An intent only lists what it would take: said once there is no choice left."""
    types = told.get("payment_method_types")
    return types[0] if isinstance(types, list) and len(types) == 1 and isinstance(types[0], str) else None
