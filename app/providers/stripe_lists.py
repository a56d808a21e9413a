"""What Stripe lists: customers, payments, refunds, disputes and subscriptions, by when they were made."""
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from app.integrations.calling import Connection
from app.integrations.listing import Listing, Pages, Show, register
from app.integrations.paging import Page
from app.integrations.provider import Incoming, Unreadable, dig, shown
from app.providers.stripe_client import StripeClient


def _pages(kind: str, **more: Any) -> Pages:
    def pages(connection: Connection, since: datetime | None, start: str | None) -> Iterator[Page]:
        return StripeClient(connection).each(kind, since=since, start=start, more=more)
    return pages


def _show(kind: str) -> Show:
    return lambda connection, id: StripeClient(connection).show("charge" if id.startswith("ch_") else kind, id)


def _customer(thing: Any, at: datetime) -> Incoming:
    return _as_told("customer.changed", _id(thing), thing, at)


def _subscription(thing: Any, at: datetime) -> Incoming:
    return _as_told("subscription.changed", _id(thing), thing, at)


def _payment(thing: Any, at: datetime) -> Incoming:
    """By its charge, which knows the sum of all its refunds; one that nobody has tried to pay has none."""
    charge = dig(thing, "latest_charge")
    if isinstance(charge, Mapping):
        return _as_told("charge.changed", _id(thing), _undisputed(charge), at)
    return _as_told("payment.changed", _id(thing), thing, at)


def _refund(thing: Any, at: datetime) -> Incoming:
    """The charge it gave back from, with the sum of all so far; only the refund itself where that is not shown."""
    charge = dig(thing, "charge")
    if isinstance(charge, Mapping):
        return _as_told("charge.changed", _paid(thing, charge), _undisputed(charge), at)
    return _as_told("refund.made", _paid(thing, charge), thing, at)


def _dispute(thing: Any, at: datetime) -> Incoming:
    return _as_told("dispute.changed", _paid(thing, dig(thing, "charge")), thing, at)


def _undisputed(charge: Mapping[str, Any]) -> Mapping[str, Any]:
    """A charge stays `disputed` for ever; how its dispute stands only the dispute says."""
    return {**charge, "status": "told by its dispute"} if charge.get("disputed") else charge


def _paid(thing: Any, charge: Any) -> str:
    """The payment: the intent, or the charge without one."""
    intent = dig(thing, "payment_intent")
    found = dig(intent, "id") if isinstance(intent, Mapping) else intent
    return str(found or (dig(charge, "id") if isinstance(charge, Mapping) else charge) or _id(thing))


def _id(thing: Any) -> str:
    found = dig(thing, "id")
    if not isinstance(found, str):
        raise Unreadable(f"id must be text, and {shown(found)}.")
    return found


def _as_told(kind: str, about: str, thing: Any, at: datetime) -> Incoming:
    return Incoming(kind, f"listed:{about}", about, at, {"data": {"object": thing}})


register(
    "stripe",
    Listing("customers", "Customers", "customers", _pages("customer"), _customer, _show("customer")),
    Listing("payments", "Payments", "payments", _pages("payment", **{"expand[]": "data.latest_charge"}), _payment,
            _show("payment")),
    Listing("refunds", "Refunds", "payments", _pages("refund", **{"expand[]": "data.charge"}), _refund),
    Listing("disputes", "Disputes", "payments", _pages("dispute"), _dispute),
    Listing("subscriptions", "Subscriptions", "subscriptions", _pages("subscription", status="all"), _subscription,
            _show("subscription")),
)
