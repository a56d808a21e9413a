"""Asking PayPal: captures, authorisations, sales, refunds, subscriptions, disputes, and what moved since a moment.

Docs: "Get started with PayPal REST APIs" (tokens, PayPal-Request-Id, PayPal-Debug-Id), Payments v2, Subscriptions v1, Disputes
v1, Transaction Search v1 (at most 31 days at once, some hours late).
"""
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from app.integrations.auth import ClientCredentials
from app.integrations.calling import Api, Connection, Credential, Limit
from app.integrations.client import ProviderClient
from app.integrations.errors import BadResponse
from app.integrations.paging import Page, by_number
from app.integrations.transport import Reply

KINDS = {"capture": "/v2/payments/captures", "authorisation": "/v2/payments/authorizations", "refund": "/v2/payments/refunds",
         "sale": "/v1/payments/sale", "subscription": "/v1/billing/subscriptions", "dispute": "/v1/customer/disputes"}
IDS = {"dispute": "dispute_id"}
MOVES = "/v1/reporting/transactions"
WINDOW = timedelta(days=31)


def _client_id(value: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{20,100}", value):
        raise ValueError("The client ID of an app is some 80 letters and digits; a Webhook ID is shorter, and no key.")


API = Api(
    base="https://api-m.paypal.com",
    sandbox="https://api-m.sandbox.paypal.com",
    credentials=(Credential("client_id", "Client ID", "From Apps & Credentials in the Developer Dashboard.", is_secret=False,
                            check=_client_id),
                 Credential("client_secret", "Secret", "Secret key 1 or 2 of the same app.")),
    auth=lambda connection: ClientCredentials(f"{connection.base}/v1/oauth2/token", connection.credentials["client_id"],
                                              connection.credentials["client_secret"], connection.key),
    probe=("webhooks.list", "/v1/notifications/webhooks"),
    limit=Limit(10),
    keyed_by="PayPal-Request-Id",
    request_id="paypal-debug-id",
)


class PayPalClient:
    """One account of PayPal."""

    def __init__(self, connection: Connection) -> None:
        self.client = ProviderClient(connection, API)

    def show(self, kind: str, id: str) -> dict[str, Any]:
        """A capture, authorisation, sale, refund, subscription or dispute as it stands now. Raises NotFoundThere."""
        if not re.fullmatch(r"[A-Za-z0-9-]{1,60}", id):
            raise BadResponse(f"{id[:60]!r} is no ID of PayPal.", sent=False)
        told = self.client.call(f"{kind}s.show", "GET", f"{KINDS[kind]}/{id}").json()
        if not isinstance(told, dict) or not isinstance(told.get(IDS.get(kind, "id")), str):
            raise BadResponse("The reply shows no object with an id.")
        return told

    def each(self, *, since: datetime, until: datetime | None = None, start: str | None = None,
             size: int = 100) -> Iterator[Page]:
        """Pages of what moved from `since` on, month by month; `start` is the `after` of the last page that was done."""
        begun, _, page = (start or "").partition(" ")
        at, end = datetime.fromisoformat(begun) if begun else since, until or datetime.now(UTC)
        while at < end:
            then = min(at + WINDOW, end)
            for found in self._moves(at, then, page or None, size):
                goes_on = f"{at.isoformat()} {found.after}" if found.after else then.isoformat() if then < end else None
                yield Page(found.items, goes_on)
            at, page = then, ""

    def _moves(self, at: datetime, then: datetime, start: str | None, size: int) -> Iterator[Page]:
        params = {"start_date": _moment(at), "end_date": _moment(then), "fields": "transaction_info"}

        def ask(more: Mapping[str, Any]) -> Reply:
            return self.client.call("transactions.list", "GET", MOVES, params={**params, **more})
        return by_number(ask, items="transaction_details", size=size, total="total_pages", start=start)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
