"""What Backroom does at Stripe: it sends money back under a key of ours, ends subscriptions, and reads what it keeps anew."""
from datetime import UTC, datetime
from typing import Any

from app.integrations.calling import Connection
from app.integrations.effects import Asked, effect
from app.integrations.errors import NotFoundThere, RejectedThere
from app.integrations.provider import EndpointConfig, Incoming
from app.integrations.refreshing import shows
from app.integrations.registry import provider
from app.providers.stripe_client import SHIFT, Refund, StripeClient
from app.records.change import Change
from app.records.money import from_minor


@effect("stripe", "payments.refund")
class RefundPayment:
    """A refund of a payment intent, or of a charge without one."""

    def do(self, connection: Connection, asked: Asked) -> str:
        client = StripeClient(connection)
        return _said(asked, client.refund(asked.external_id, asked.key, amount=_theirs(asked), reason=asked.reason))

    def find(self, connection: Connection, asked: Asked) -> str | None:
        made = StripeClient(connection).find_refund(asked.external_id, asked.key)
        return None if made is None else _said(asked, made)

    def news(self, connection: Connection, asked: Asked) -> list[Change]:
        return payment(connection, asked.external_id)


@effect("stripe", "subscriptions.cancel")
class CancelSubscription:
    """Ending it twice is ending it once: it needs no key, and what it is now says whether it was done."""

    def do(self, connection: Connection, asked: Asked) -> str:
        try:
            return _ended(StripeClient(connection).cancel_subscription(asked.external_id))
        except NotFoundThere as error:
            if found := self.find(connection, asked):       # it had ended before: Stripe ends it no second time
                return found
            raise error from None

    def find(self, connection: Connection, asked: Asked) -> str | None:
        found = StripeClient(connection).show("subscription", asked.external_id)
        return _ended(found) if found.get("status") == "canceled" else None

    def news(self, connection: Connection, asked: Asked) -> list[Change]:
        return subscription(connection, asked.external_id)


@shows("stripe", "payments")
def payment(connection: Connection, id: str) -> list[Change]:
    """By its charge, which knows the sum of all its refunds; one that nobody has tried to pay has none."""
    client, before = StripeClient(connection), datetime.now(UTC)
    intent = client.show("payment", id) if id.startswith("pi_") else {"latest_charge": id}
    charge = intent.get("latest_charge")
    if not isinstance(charge, str):
        return _changes(connection, "payment.changed", id, before, intent)
    return _changes(connection, "charge.changed", id, before, client.show("charge", charge))


@shows("stripe", "subscriptions")
def subscription(connection: Connection, id: str) -> list[Change]:
    before = datetime.now(UTC)
    return _changes(connection, "subscription.changed", id, before, StripeClient(connection).show("subscription", id))


@shows("stripe", "customers")
def customer(connection: Connection, id: str) -> list[Change]:
    before = datetime.now(UTC)
    return _changes(connection, "customer.changed", id, before, StripeClient(connection).show("customer", id))


def _changes(connection: Connection, kind: str, id: str, at: datetime, shown: dict[str, Any]) -> list[Change]:
    told = Incoming(kind, f"shown:{id}", id, at, {"data": {"object": shown}})
    return provider("stripe").changes(told, EndpointConfig(connection.name, connection.account))


def _ended(subscription: dict[str, Any]) -> str:
    return f"Stripe ended {subscription['id']} ({subscription.get('status')})."


def _said(asked: Asked, made: Refund) -> str:
    """Raises RejectedThere for a refund Stripe made and the bank sent back."""
    if made.status in ("failed", "canceled"):
        raise RejectedThere(f"Stripe made refund {made.id}, and it {made.status}: the money is still there.")
    return f"{from_minor(asked.amount_minor or 0, asked.currency)} {asked.currency} went back as {made.id} ({made.status})."


def _theirs(asked: Asked) -> int | None:
    """The amount in Stripe's smallest unit. Raises RejectedThere where it has none for it."""
    if asked.amount_minor is None:
        return None
    shift = SHIFT.get(asked.currency, 0)
    found, rest = divmod(asked.amount_minor * 10 ** max(-shift, 0), 10 ** max(shift, 0))
    if rest:
        raise RejectedThere(f"Stripe knows no smaller part of {asked.currency} than whole ones.", sent=False)
    return int(found)
