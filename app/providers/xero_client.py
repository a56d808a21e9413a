"""Asking Xero: contacts, invoices, payments of the one organisation a custom connection is for.

Docs: "Custom connections" (OAuth 2 client credentials), Accounting API 2.0 "Contacts", "Invoices", "Payments", "OAuth 2.0 API
limits" (60 a minute, 5,000 a day), "HTTP response codes and errors".
"""
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from app.integrations.auth import ClientCredentials
from app.integrations.calling import Api, Connection, Credential, Limit
from app.integrations.client import ProviderClient
from app.integrations.errors import BadResponse
from app.integrations.paging import Page, by_number
from app.integrations.provider import dig
from app.integrations.transport import Reply

BASE, IDENTITY, API_PATH = "https://api.xero.com", "https://identity.xero.com", "/api.xro/2.0"
SCOPES = "accounting.contacts.read accounting.transactions.read accounting.settings.read"
KINDS = {"contact": ("Contacts", "ContactID"), "invoice": ("Invoices", "InvoiceID"), "payment": ("Payments", "PaymentID")}


def _auth(connection: Connection) -> ClientCredentials:
    """Tokens come from a host of their own, save where the whole API lies elsewhere, as in tests."""
    host = IDENTITY if connection.base == BASE else connection.base
    known = connection.credentials
    return ClientCredentials(f"{host}/connect/token", known["client_id"], known["client_secret"], connection.key, SCOPES)


def _told(reply: Reply) -> tuple[str, str]:
    """Its word and sentence for what is wrong: errors of the API and of its gate look different."""
    told = reply.json_or_none()
    word, sentence = dig(told, "Type") or dig(told, "Title"), dig(told, "Message") or dig(told, "Detail")
    return str(word or ""), str(sentence or "")


def _client_id(value: str) -> None:
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", value):
        raise ValueError("The client id of a Xero app is 32 digits and letters from A to F.")


API = Api(
    base=BASE,
    credentials=(Credential("client_id", "Client id", "From Configuration of the custom connection.", is_secret=False,
                            check=_client_id),
                 Credential("client_secret", "Client secret", "Generated on the same page; it is shown there once.")),
    auth=_auth,
    probe=("organisation.show", f"{API_PATH}/Organisation"),
    limit=Limit(50, 60),
    request_id="xero-correlation-id",
    quota=("x-minlimit-remaining", ""),
    told=_told,
)


class XeroClient:
    """One organisation of Xero."""

    def __init__(self, connection: Connection) -> None:
        self.client = ProviderClient(connection, API)

    def show(self, kind: str, id: str) -> dict[str, Any]:
        """A contact, invoice or payment as it stands now. Raises NotFoundThere."""
        if not re.fullmatch(r"[0-9A-Fa-f-]{36}", id):
            raise BadResponse(f"{id[:60]!r} is no ID of Xero.", sent=False)
        things, name = KINDS[kind]
        found = dig(self.client.call(f"{kind}s.show", "GET", f"{API_PATH}/{things}/{id}").json(), things, 0)
        if not isinstance(found, dict) or str(found.get(name)).lower() != id.lower():
            raise BadResponse(f"The reply shows no {kind} of this ID.")
        return found

    def each(self, kind: str, *, since: datetime | None = None, start: str | None = None, size: int = 100) -> Iterator[Page]:
        """Pages of what was changed after `since`; `start` is the `after` of the last page that was done."""
        things, name = KINDS[kind]
        changed = {"If-Modified-Since": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"} if since else {}
        order = {"order": f"UpdatedDateUTC ASC,{name} ASC"}
        return by_number(lambda more: self.client.call(f"{kind}s.list", "GET", f"{API_PATH}/{things}", params=order | more,
                                                       headers=changed),
                         items=things, size_param="pageSize", size=size, start=start)
