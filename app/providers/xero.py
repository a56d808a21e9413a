"""Xero. HMAC-SHA256 over the body, base64; batches that name contacts, invoices and payments and show none: each is fetched.

Docs: "Webhooks overview", "Configure your server", Accounting API 2.0. Xero first sends posts with good and with bad signatures
("intent to receive") and takes a webhook only from who answers 200 and 401, both empty. Events have no ids; `firstEventSequence`
numbers them within a batch's stream, which nothing here depends on: what is fetched is always the latest.

A payment of ours is one a customer made for an invoice. A customer is a contact with an e-mail address, save pure suppliers.
"""
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.integrations.calling import Connection
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
    dig,
    fingerprint,
    from_iso,
    one_by_one,
    shown,
)
from app.integrations.reading import DECIMAL, currency, said, text
from app.integrations.registry import register
from app.integrations.signing import first_matching, hmac_base64
from app.providers import xero_client
from app.providers.xero_client import XeroClient
from app.records.changes import Change

Values = dict[str, Any]
HEADER = "x-xero-signature"

KINDS = {
    "CONTACT": "contact.changed",
    "INVOICE": "invoice.changed",               # its payments are what we keep of it
    "PAYMENT": "payment.changed",
}
GONE = ("DELETED", "VOIDED")
RECEIVED, SOLD = "ACCRECPAYMENT", "ACCREC"      # money from a customer; an invoice to one


@register
class Xero(Provider):
    name, label, icon = "xero", "Xero", "journal-text"
    api = xero_client.API
    where = "Developer portal, the app, Webhooks: Delivery URL; then Send intent to receive"
    looks_like = "The webhooks key shown there, which ends with =="
    success = Answer("")
    reject_status, reject_body = 401, ""
    options = (Option("tenant", "Tenant ID", "Only if the app is connected to several organisations: whose events count."),)

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        signature = receipt.header(HEADER)
        if not signature:
            raise Rejected(f"The header {HEADER} is missing.")
        return first_matching(endpoint.secrets, hmac_base64("sha256", receipt.body), signature)

    def answer(self, receipt: Receipt, endpoint: EndpointConfig) -> Answer | None:
        """A post without events is an intent to receive."""
        try:
            told = receipt.json()
        except Unreadable:
            return None
        return self.success if isinstance(told, dict) and "events" in told and not told["events"] else None

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        events = dig(receipt.json(), "events")
        if not isinstance(events, list):
            raise Unreadable(f"events must be a list, and {shown(events)}.")
        return one_by_one(events, lambda item: _read(item, endpoint), receipt.received_at)

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        told = dig(incoming.payload, "shown")
        if incoming.is_thin or not isinstance(told, Mapping):
            raise Unreadable("The event names its object and shows none: connect Xero, so that it can be asked for, and retry.")
        return [Change(resource, values, key={"external_id": id}, as_of=incoming.occurred_at)
                for resource, id, values in TRANSLATIONS[str(incoming.kind).partition(".")[0]](told, incoming)]

    def fetch(self, incoming: Incoming, connection: Connection) -> Incoming | None:
        before = datetime.now(UTC)
        told = XeroClient(connection).show(str(incoming.kind).partition(".")[0], str(incoming.payload["resourceId"]))
        return replace(incoming, payload={**incoming.payload, "shown": told}, occurred_at=before, is_thin=False)

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        event = {"resourceId": "test", "eventDateUtc": f"{now:%Y-%m-%dT%H:%M:%S.%f}", "eventType": "", "eventCategory": TEST}
        body = json.dumps({"events": [event], "firstEventSequence": 1, "lastEventSequence": 1, "entropy": "TEST"}).encode()
        made = hmac_base64("sha256", body)(endpoint.secrets[0].value)
        return Receipt("POST", endpoint.public_url, {"Content-Type": "application/json", HEADER: made}, body, None, now)


def _read(item: Any, endpoint: EndpointConfig) -> Incoming:
    """One event. It is known by everything it says, for it has no id."""
    category, word, id = (text(item, name) for name in ("eventCategory", "eventType", "resourceId"))
    if not category or not id:
        raise Unreadable("An event of Xero has an eventCategory and a resourceId; this has not.")
    wanted = endpoint.options.get("tenant") or text(item, "tenantId")
    kind = KINDS.get(category) if wanted == text(item, "tenantId") else None
    said = f"{category}.{word}" if word else category
    key = fingerprint(item.get("tenantId"), category, word, id, item.get("eventDateUtc"))
    return Incoming(kind, key, f"{category.lower()}:{id}", from_iso(item.get("eventDateUtc"), "eventDateUtc"), item, said,
                    is_thin=kind is not None)


def _contact(told: Mapping[str, Any], incoming: Incoming) -> list[tuple[str, str, Values]]:
    email, is_supplier = text(told, "EmailAddress"), told.get("IsSupplier") is True and told.get("IsCustomer") is not True
    if told.get("ContactStatus") == "ARCHIVED":
        return [("customers", _id(told, "ContactID"), {"trashed_at": incoming.occurred_at})]
    if not email or is_supplier:
        return []
    person = " ".join(part for name in ("FirstName", "LastName") if (part := text(told, name)))
    known = text(told, "Name")
    return [("customers", _id(told, "ContactID"), said(email=email, name=person or known, company=known if person else None,
                                                       phone=_phone(told), country=_country(told)))]


def _invoice(told: Mapping[str, Any], incoming: Incoming) -> list[tuple[str, str, Values]]:
    """The payments of an invoice to a customer."""
    payments = told.get("Payments")
    if told.get("Type") != SOLD or not isinstance(payments, list):
        return []
    code = currency(told, "CurrencyCode")
    return [("payments", _id(each, "PaymentID"), _paid(each, code, incoming)) for each in payments]


def _payment(told: Mapping[str, Any], incoming: Incoming) -> list[tuple[str, str, Values]]:
    if told.get("PaymentType") != RECEIVED:
        return []
    code = currency(told.get("Invoice"), "CurrencyCode", where="Invoice.")
    return [("payments", _id(told, "PaymentID"), _paid(told, code, incoming))]


TRANSLATIONS: dict[str, Callable[[Mapping[str, Any], Incoming], list[tuple[str, str, Values]]]] = {
    "contact": _contact,
    "invoice": _invoice,
    "payment": _payment,
}


def _paid(told: Mapping[str, Any], code: str, incoming: Incoming) -> Values:
    """What was paid; a payment that is deleted in Xero never was."""
    if told.get("Status") in GONE:
        return {"trashed_at": incoming.occurred_at}
    return {"amount": _amount(told), "currency": code, "status": "paid"}


def _amount(told: Mapping[str, Any]) -> str:
    """In major units: Xero writes numbers with a point."""
    found = told.get("Amount")
    written = str(found) if isinstance(found, int | float | str) and not isinstance(found, bool) else ""
    if not DECIMAL.fullmatch(written):
        raise Unreadable(f"Amount must be an amount like 12.50, and {shown(found)}.")
    return written


def _phone(told: Mapping[str, Any]) -> str | None:
    """The first that has a number; Xero keeps its parts apart."""
    for each in told["Phones"] if isinstance(told.get("Phones"), list) else ():
        parts = [part for name in ("PhoneCountryCode", "PhoneAreaCode", "PhoneNumber") if (part := text(each, name))]
        if text(each, "PhoneNumber"):
            return " ".join(parts)
    return None


def _country(told: Mapping[str, Any]) -> str | None:
    """Two letters, where somebody wrote such: it is free text there."""
    addresses = told["Addresses"] if isinstance(told.get("Addresses"), list) else ()
    found = (text(each, "Country") or "" for each in addresses)
    return next((each.upper() for each in found if len(each) == 2 and each.isascii() and each.isalpha()), None)


def _id(told: Any, name: str) -> str:
    found = text(told, name)
    if not found:
        raise Unreadable(f"{name} must be an ID, and {shown(dig(told, name))}.")
    return found
