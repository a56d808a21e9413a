"""What Backroom does at Stripe: it sends money back, under a key of ours, and finds it again by that."""
from datetime import UTC, datetime

from app.integrations.calling import Connection
from app.integrations.effects import Asked, effect
from app.integrations.errors import RejectedThere
from app.integrations.provider import EndpointConfig, Incoming
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
        """The charge knows the sum of all its refunds."""
        client, before, charge = StripeClient(connection), datetime.now(UTC), asked.external_id
        if charge.startswith("pi_"):
            charge = str(client.show("payment", charge).get("latest_charge"))
        payload = {"data": {"object": client.show("charge", charge)}}
        told = Incoming("charge.changed", f"effect:{asked.key}", asked.external_id, before, payload)
        return provider("stripe").changes(told, EndpointConfig(connection.name, connection.account))


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
