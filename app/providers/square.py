"""Square. HMAC-SHA256 over our address and the body, base64; full objects with their own version, sent again for a day.

Docs: "Verify and validate an event notification", "Webhook events", the objects Payment, Dispute, Customer. The address is the
one that stands at the subscription, to the letter: the public address of the endpoint. A refund shows in its payment, which is
sent anew then; events of refunds themselves are ignored.
"""
import json
from collections.abc import Callable, Mapping
from datetime import datetime
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
    from_iso,
    shown,
)
from app.integrations.reading import currency, minor, said, text
from app.integrations.registry import register
from app.integrations.signing import first_matching, hmac_base64
from app.records.changes import Change

Values = dict[str, Any]

KINDS = {
    "payment.created": "payment.changed",
    "payment.updated": "payment.changed",           # also after each refund
    "dispute.created": "dispute.changed",
    "dispute.state.updated": "dispute.changed",
    "customer.created": "customer.changed",
    "customer.updated": "customer.changed",
    "customer.deleted": "customer.deleted",
}
PAYMENT = {
    "APPROVED": "authorised",
    "PENDING": "pending",
    "COMPLETED": "paid",
    "CANCELED": "failed",
    "FAILED": "failed",
}
DISPUTE = {"WON": "paid", "INQUIRY_CLOSED": "paid"}
ONE, SEVERAL = "one", "several"


@register
class Square(Provider):
    name, label, icon = "square", "Square", "square"
    where = "Developer Console, your application, Webhooks, Subscriptions: Notification URL"
    looks_like = "The signature key of the subscription"
    options = (Option("sellers", "Sellers", "Of several sellers each is an account of its own.", default=ONE,
                      choices=((ONE, "One"), (SEVERAL, "Several, who let this application in"))),)

    def check_secret(self, value: str) -> None:
        if value.startswith(("EAAA", "sq0", "sandbox-sq0", "sk_")):
            raise ValueError("This is a token or secret of the application. What signs is the signature key of the subscription.")

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        signature = receipt.header("x-square-hmacsha256-signature")
        if not signature:
            raise Rejected("The header x-square-hmacsha256-signature is missing.")
        return first_matching(endpoint.secrets, hmac_base64("sha256", endpoint.public_url.encode() + receipt.body), signature)

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        event = receipt.json()
        id, word = dig(event, "event_id"), dig(event, "type")
        if not isinstance(id, str) or not isinstance(word, str) or not id:
            raise Unreadable("An event of Square has an event_id and a type; this has not.")
        kind = KINDS.get(word)
        at = from_iso(event.get("created_at"), "created_at")
        return [Incoming(kind, id, _about(event, kind) if kind else None, at, event, word, account=_account(event, endpoint))]

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        thing, _, verb = str(incoming.kind).partition(".")
        told = dig(incoming.payload, "data", "object", thing)
        if verb == "deleted":
            return [_change("customers", incoming, {"trashed_at": incoming.occurred_at}, incoming.occurred_at)]
        if not isinstance(told, Mapping):
            raise Unreadable(f"data.object.{thing} must be an object, and {shown(told)}.")
        resource, values_of = TRANSLATIONS[thing]
        values = values_of(told)
        as_of = from_iso(told["updated_at"], "updated_at") if told.get("updated_at") else incoming.occurred_at
        return [_change(resource, incoming, values, as_of)] if values else []

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        body = json.dumps({"type": TEST, "event_id": f"test-{now:%Y%m%d%H%M%S%f}", "created_at": now.isoformat()}).encode()
        signature = hmac_base64("sha256", endpoint.public_url.encode() + body)(endpoint.secrets[0].value)
        headers = {"Content-Type": "application/json", "x-square-hmacsha256-signature": signature}
        return Receipt("POST", endpoint.public_url, headers, body, None, now)


def _account(event: Any, endpoint: EndpointConfig) -> str:
    merchant = dig(event, "merchant_id")
    return merchant if endpoint.options.get("sellers") == SEVERAL and isinstance(merchant, str) else ""


def _about(event: Any, kind: str) -> str:
    """A dispute is about its payment: both tell of the same record."""
    if kind.startswith("dispute"):
        dispute = dig(event, "data", "object", "dispute")
        found = dig(dispute, "disputed_payment", "payment_id") or dig(dispute, "disputed_payments", 0, "payment_id")
    else:
        found = dig(event, "data", "id")
    if not isinstance(found, str) or not found:
        raise Unreadable("What the event is about has no id.")
    return found


def _payment(told: Mapping[str, Any]) -> Values:
    code = currency(told.get("amount_money"), where="amount_money.")
    amount = minor(told.get("amount_money"), "amount", code, where="amount_money.")
    back = dig(told, "refunded_money")
    refunded = 0 if back is None else minor(back, "amount", code, where="refunded_money.")
    status = PAYMENT.get(str(told.get("status")))
    if status == "paid" and refunded:
        status = "refunded" if refunded >= amount else "part_refunded"
    return said(amount_minor=amount, currency=code, refunded_minor=refunded or None, status=status,
                method=text(told, "source_type"), order=text(told, "reference_id"))


def _dispute(told: Mapping[str, Any]) -> Values:
    return {"status": DISPUTE.get(str(told.get("state")), "disputed")}


def _customer(told: Mapping[str, Any]) -> Values:
    name = " ".join(part for name in ("given_name", "family_name") if (part := text(told, name)))
    return said(email=text(told, "email_address"), name=name or None, phone=text(told, "phone_number"),
                company=text(told, "company_name"), country=text(told.get("address"), "country"))


TRANSLATIONS: dict[str, tuple[str, Callable[[Mapping[str, Any]], Values]]] = {
    "payment": ("payments", _payment),
    "dispute": ("payments", _dispute),
    "customer": ("customers", _customer),
}


def _change(resource: str, incoming: Incoming, values: Values, as_of: datetime) -> Change:
    return Change(resource, values, key={"external_id": incoming.object_key}, as_of=as_of)
