"""Asking Stripe: payments, charges, subscriptions, customers, refunds. Amounts are Stripe's smallest unit, `SHIFT` from ours.

Docs: "API keys", "Idempotent requests", "Pagination", "Rate limits" (100 a second live, 25 in a sandbox), "Errors" (API 2025).
"""
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.integrations.auth import Bearer
from app.integrations.calling import Api, Connection, Credential, Limit
from app.integrations.client import ProviderClient
from app.integrations.errors import BadResponse, UnderWayThere
from app.integrations.paging import Page, by_cursor
from app.integrations.provider import dig

VERSION = "2025-03-31.basil"
REFERENCE = "backroom"               # the metadata a refund of ours carries
KINDS = {"payment": "payment_intents", "charge": "charges", "subscription": "subscriptions", "customer": "customers",
         "dispute": "disputes", "refund": "refunds"}
REASONS = ("duplicate", "fraudulent", "requested_by_customer")
SHIFT = {"ISK": -2, "UGX": -2, "MGA": 2}
"""Decimals Stripe's smallest unit lies from that of ISO 4217 (docs: "Supported currencies", special cases)."""


def _key(value: str) -> None:
    if not value.startswith(("sk_", "rk_")):
        raise ValueError("An API key of Stripe begins with sk_ or rk_. The signing secret of an endpoint (whsec_…) is not one.")


def _mode(credentials: Mapping[str, str], is_sandbox: bool) -> dict[str, str]:
    """Money must not move because somebody took the wrong key."""
    key = credentials.get("api_key", "")
    if is_sandbox and "_live_" in key:
        return {"api_key": "This key moves real money (…_live_…). A sandbox needs one with _test_."}
    if not is_sandbox and "_test_" in key:
        return {"api_key": "This key is for tests (…_test_…). Tick the sandbox, or give the live key."}
    return {}


API = Api(
    base="https://api.stripe.com",
    credentials=(Credential("api_key", "Secret key", "Begins with sk_ or rk_, from the page API keys of the Stripe dashboard.",
                            check=_key),),
    auth=lambda connection: Bearer(connection.credentials["api_key"]),
    probe=("balance.show", "/v1/balance"),
    limit=Limit(25),
    keyed_by="Idempotency-Key",
    request_id="request-id",
    headers={"Stripe-Version": VERSION},
    check=_mode,
    classes={409: UnderWayThere},        # another call with the same idempotency key has not ended (docs: "Errors")
)


@dataclass(frozen=True)
class Refund:
    """Money that goes back. `status`: pending, requires_action, succeeded, failed or canceled."""

    id: str
    status: str
    amount: int
    currency: str


class StripeClient:
    """One account of Stripe."""

    def __init__(self, connection: Connection) -> None:
        self.client = ProviderClient(connection, API)

    def show(self, kind: str, id: str) -> dict[str, Any]:
        """A payment, charge, subscription, customer, dispute or refund as it stands now. Raises NotFoundThere."""
        return _object(self.client.call(f"{kind}s.show", "GET", f"/v1/{KINDS[kind]}/{_segment(id)}").json())

    def each(self, kind: str, *, since: datetime | None = None, start: str | None = None, size: int = 100,
             more: Mapping[str, Any] | None = None) -> Iterator[Page]:
        """Pages of what was made at or after `since`, the newest first; `start` is the `after` of the last page that was done.

        `more`: what else is asked, like {"expand[]": "data.latest_charge"}.
        """
        params: dict[str, Any] = {"limit": size, "created[gte]": int(since.timestamp()) if since else None, **(more or {})}
        return by_cursor(lambda place: self.client.call(f"{kind}s.list", "GET", f"/v1/{KINDS[kind]}", params=params | place),
                         start=start)

    def refund(self, payment: str, reference: str, *, amount: int | None = None, reason: str = "") -> Refund:
        """Send money back, all that is left unless `amount` is given. The same `reference` refunds once, however often.

        Raises RejectedThere when there is nothing left to refund. `find_refund` says what became of one in doubt.
        """
        form = {"payment_intent" if payment.startswith("pi_") else "charge": payment, "amount": amount,
                "reason": reason if reason in REASONS else None, "metadata": {REFERENCE: reference}}
        reply = self.client.call("refunds.create", "POST", "/v1/refunds", form=form, idempotency_key=reference)
        return _refund(reply.json())

    def find_refund(self, payment: str, reference: str) -> Refund | None:
        """The refund that carries our reference; None: Stripe never made it."""
        name = "payment_intent" if payment.startswith("pi_") else "charge"
        pages = by_cursor(lambda more: self.client.call("refunds.list", "GET", "/v1/refunds",
                                                        params={name: payment, "limit": 100} | more))
        found = (each for page in pages for each in page.items if dig(each, "metadata", REFERENCE) == reference)
        return next((_refund(each) for each in found), None)

    def cancel_subscription(self, id: str) -> dict[str, Any]:
        """End it now; twice is once. Raises NotFoundThere for one that has ended before."""
        return _object(self.client.call("subscriptions.cancel", "DELETE", f"/v1/subscriptions/{_segment(id)}", safe=True).json())


def _segment(id: str) -> str:
    """An id as part of a path: nothing in it may lead elsewhere."""
    if not id.replace("_", "").isalnum() or not id.isascii():
        raise BadResponse(f"{id[:60]!r} is no ID of Stripe.", sent=False)
    return id


def _object(told: Any) -> dict[str, Any]:
    if not isinstance(told, dict) or not isinstance(told.get("id"), str):
        raise BadResponse("The reply shows no object with an id.")
    return told


def _refund(told: Any) -> Refund:
    thing = _object(told)
    amount, currency, status = thing.get("amount"), thing.get("currency"), thing.get("status")
    if type(amount) is not int or not isinstance(currency, str):
        raise BadResponse("The reply shows no amount of the refund.")
    return Refund(thing["id"], str(status), amount, currency.upper())
