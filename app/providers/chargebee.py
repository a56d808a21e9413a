"""Chargebee. HTTP basic, nothing is signed; whole objects with their version, out of order and doubled, sent again for two days.

Docs: "Webhooks", "Events", the resources Transaction, Subscription and Customer (API v2). A payment of ours is a transaction; a
refund is one of its own and names it. Whoever knows user and password may say anything: they and the address are all the proof.
"""
import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

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
    shown,
)
from app.integrations.reading import currency, minor, said, text
from app.integrations.registry import register
from app.integrations.signing import basic_auth
from app.records.changes import Change

Values = dict[str, Any]

KINDS = {
    "payment_initiated": "transaction.changed",                 # by direct debit: it takes days
    "payment_succeeded": "transaction.changed",
    "payment_failed": "transaction.changed",
    "payment_refunded": "transaction.changed",
    "authorization_succeeded": "transaction.changed",
    "authorization_voided": "transaction.changed",
    "transaction_created": "transaction.changed",               # one that was written in by hand
    "transaction_updated": "transaction.changed",
    "subscription_created": "subscription.changed",
    "subscription_created_with_backdating": "subscription.changed",
    "subscription_started": "subscription.changed",
    "subscription_activated": "subscription.changed",           # the trial is over
    "subscription_activated_with_backdating": "subscription.changed",
    "subscription_changed": "subscription.changed",
    "subscription_changed_with_backdating": "subscription.changed",
    "subscription_trial_extended": "subscription.changed",
    "subscription_renewed": "subscription.changed",
    "subscription_cancellation_scheduled": "subscription.changed",
    "subscription_scheduled_cancellation_removed": "subscription.changed",
    "subscription_cancelled": "subscription.changed",
    "subscription_reactivated": "subscription.changed",
    "subscription_reactivated_with_backdating": "subscription.changed",
    "subscription_paused": "subscription.changed",
    "subscription_resumed": "subscription.changed",
    "subscription_deleted": "subscription.deleted",
    "customer_created": "customer.changed",
    "customer_changed": "customer.changed",
    "customer_deleted": "customer.deleted",
}
TRANSACTION = {
    "in_progress": "pending",
    "timeout": "failed",
    "failure": "failed",
    "late_failure": "failed",                   # a debit the bank took back
    "voided": "failed",                         # no money will come of it
    "success": "paid",                          # or authorised: `type` says which
    "needs_attention": "pending",               # Chargebee does not know itself
}
SUBSCRIPTION = {
    "in_trial": "trial",
    "active": "active",
    "non_renewing": "active",                   # paid for until it ends
    "paused": "paused",
    "cancelled": "ended",
    "transferred": "ended",                     # goes on as a subscription of another business entity
}
NO_MORE = ("non_renewing", "paused", "cancelled", "transferred")
RESOURCES = {"transaction": "payments", "subscription": "subscriptions", "customer": "customers"}


@register
class Chargebee(Provider):
    name, label, icon = "chargebee", "Chargebee", "arrow-repeat"
    where = "Settings, Configure Chargebee, Webhooks, Add Webhook: Webhook URL, with “Protected by basic authentication” on"
    looks_like = "user:password, as typed there for basic authentication"
    shortest_secret, has_blanks = len("u:p"), True

    def check_secret(self, value: str) -> None:
        user, colon, password = value.partition(":")
        if not (user and colon and password):
            raise ValueError("The secret is the user name and the password of the webhook, like user:password.")

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
        return basic_auth(receipt, endpoint)

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        event = receipt.json()
        id, word = text(event, "id"), text(event, "event_type")
        if not id or not word:
            raise Unreadable("An event of Chargebee has an id and an event_type; this has not.")
        kind, at = KINDS.get(word), from_epoch(event.get("occurred_at"), "occurred_at")
        return [Incoming(kind, id, _about(event, kind.partition(".")[0]) if kind else None, at, event, word)]

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        """What the event is about, and how the subscription stands it is paid for."""
        thing, _, verb = str(incoming.kind).partition(".")
        has_more = thing == "transaction" and dig(incoming.payload, "content", "subscription", "id") is not None
        things = (thing, "subscription") if has_more else (thing,)
        return [change for each in things for change in _changes(each, verb == "deleted", incoming)]

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        event = {"id": f"ev_test_{now:%Y%m%d%H%M%S%f}", "object": "event", "event_type": TEST,
                 "occurred_at": int(now.timestamp()), "content": {}}
        proof = base64.b64encode(endpoint.secrets[0].value.encode("utf-8", "surrogateescape")).decode()
        headers = {"Content-Type": "application/json", "Authorization": f"Basic {proof}"}
        return Receipt("POST", endpoint.public_url, headers, json.dumps(event).encode(), None, now)


def _about(event: Any, thing: str) -> str:
    """A refund is about the payment it gives back."""
    told = dig(event, "content", thing)
    name = "refunded_txn_id" if _is_refund(told) else "id"
    found = text(told, name) or (text(dig(told, "linked_payments", 0), "txn_id") if name != "id" else None)
    if not found:
        raise Unreadable(f"content.{thing}.{name} must be an id, and {shown(dig(told, name))}.")
    return found


def _is_refund(told: Any) -> bool:
    return dig(told, "type") in ("refund", "payment_reversal")


def _changes(thing: str, is_deleted: bool, incoming: Incoming) -> list[Change]:
    told = incoming.payload["content"][thing]
    as_of = _when(told, f"content.{thing}.") or incoming.occurred_at
    values = {"trashed_at": incoming.occurred_at} if is_deleted else TRANSLATIONS[thing](told, incoming)
    return [Change(RESOURCES[thing], values, key={"external_id": _about(incoming.payload, thing)}, as_of=as_of)] if values else []


def _when(told: Mapping[str, Any], where: str) -> datetime | None:
    """The version of an object is the moment it got it, in milliseconds; what is older has a moment in seconds."""
    version = told.get("resource_version")
    if version is None:
        return from_epoch(told["updated_at"], f"{where}updated_at") if told.get("updated_at") is not None else None
    if type(version) is not int:
        raise Unreadable(f"{where}resource_version must be a whole number, and {shown(version)}.")
    return from_epoch(version / 1000, f"{where}resource_version")


def _transaction(told: Mapping[str, Any], incoming: Incoming) -> Values:
    if _is_refund(told):
        return _refund(told, incoming)
    code = currency(told, "currency_code", where="content.transaction.")
    amount = minor(told, "amount", code, where="content.transaction.")
    status = TRANSACTION.get(str(told.get("status")))
    if status == "paid" and told.get("type") == "authorization":
        status = "authorised"
    back = sum(minor(each, "txn_amount", code, where="content.transaction.linked_refunds.")
               for each in _list(told, "linked_refunds") if dig(each, "txn_status") == "success")
    if status == "paid" and back:
        status = "refunded" if back >= amount else "part_refunded"
    return said(amount_minor=amount, currency=code, status=status, refunded_minor=back or None,
                method=text(told, "payment_method"))


def _refund(told: Mapping[str, Any], incoming: Incoming) -> Values:
    """One refund says nothing of the sum of all; but one of the whole payment, which the invoice names, is all of it."""
    if told.get("status") != "success":
        return {}
    code = currency(told, "currency_code", where="content.transaction.")
    amount = minor(told, "amount", code, where="content.transaction.")
    paid = next((dig(each, "txn_amount") for each in _list(dig(incoming.payload, "content", "invoice"), "linked_payments")
                 if dig(each, "txn_id") == incoming.object_key), None)
    if type(paid) is int and amount >= paid:
        return {"status": "refunded", "refunded_minor": amount, "currency": code}
    return {"status": "part_refunded"}


def _subscription(told: Mapping[str, Any], incoming: Incoming) -> Values:
    word = str(told.get("status"))
    if word == "future":
        return {}                               # nothing has begun
    status = SUBSCRIPTION.get(word)
    if word in ("active", "non_renewing") and told.get("due_invoices_count"):
        status = "past_due"
    code = currency(told, "currency_code", where="content.subscription.") if told.get("currency_code") else None
    renews = told.get("next_billing_at")
    return said(status=status, customer=_outside(told.get("customer_id")), product=_outside(_plan(told)), currency=code,
                amount_minor=_each_time(told, code) if code else None,
                renews_at=from_epoch(renews, "content.subscription.next_billing_at").date() if renews is not None else None,
                ) | ({"renews_at": None} if word in NO_MORE and renews is None else {})


def _plan(told: Mapping[str, Any]) -> Any:
    plans = [dig(each, "item_price_id") for each in _list(told, "subscription_items") if dig(each, "item_type") == "plan"]
    return plans[0] if plans else told.get("plan_id")


def _each_time(told: Mapping[str, Any], code: str) -> int | None:
    """Plan and add-ons of one period; None where a price is in tiers, or nothing is said of it."""
    where = "content.subscription."
    if told.get("plan_amount") is not None:     # the older product catalogue
        return sum((minor(each, "amount", code, where=f"{where}addons.") for each in _list(told, "addons")
                    if dig(each, "amount") is not None), minor(told, "plan_amount", code, where=where))
    items = [each for each in _list(told, "subscription_items") if dig(each, "item_type") in ("plan", "addon")]
    if not items or any(dig(each, "amount") is None for each in items):
        return None
    return sum(minor(each, "amount", code, where=f"{where}subscription_items.") for each in items)


def _customer(told: Mapping[str, Any], incoming: Incoming) -> Values:
    name = " ".join(part for name in ("first_name", "last_name") if (part := text(told, name)))
    return said(email=text(told, "email"), name=name or None, phone=text(told, "phone"), company=text(told, "company"),
                country=text(told.get("billing_address"), "country"))


TRANSLATIONS: dict[str, Callable[[Mapping[str, Any], Incoming], Values]] = {
    "transaction": _transaction,
    "subscription": _subscription,
    "customer": _customer,
}


def _list(told: Any, name: str) -> list[Any]:
    found = dig(told, name)
    return found if isinstance(found, list) else []


def _outside(id: object) -> dict[str, str] | None:
    return {"external_id": id} if isinstance(id, str) and id else None
