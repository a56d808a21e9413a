"""PayPal's words and ours: kinds of events, how things stand, and what each object says of our records."""
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.integrations.provider import Incoming, dig, from_iso
from app.integrations.reading import currency, decimal, said, text
from app.records.changes import Change

Values = dict[str, Any]

KINDS = {
    "PAYMENT.AUTHORIZATION.CREATED": "authorisation.changed",
    "PAYMENT.AUTHORIZATION.VOIDED": "authorisation.changed",
    "PAYMENT.CAPTURE.COMPLETED": "payment.changed",
    "PAYMENT.CAPTURE.PENDING": "payment.changed",
    "PAYMENT.CAPTURE.DENIED": "payment.changed",
    "PAYMENT.CAPTURE.DECLINED": "payment.changed",
    "PAYMENT.CAPTURE.REFUNDED": "refund.made",              # shows the refund, with the sum of all so far
    "PAYMENT.CAPTURE.REVERSED": "refund.reversed",          # PayPal or the bank took all of it back
    "PAYMENT.SALE.COMPLETED": "payment.changed",            # each payment of a subscription
    "PAYMENT.SALE.PENDING": "payment.changed",
    "PAYMENT.SALE.DENIED": "payment.changed",
    "PAYMENT.SALE.REFUNDED": "refund.made",
    "PAYMENT.SALE.REVERSED": "refund.reversed",
    "CUSTOMER.DISPUTE.CREATED": "dispute.changed",
    "CUSTOMER.DISPUTE.UPDATED": "dispute.changed",
    "CUSTOMER.DISPUTE.RESOLVED": "dispute.changed",
    "BILLING.SUBSCRIPTION.CREATED": "subscription.changed",
    "BILLING.SUBSCRIPTION.ACTIVATED": "subscription.changed",
    "BILLING.SUBSCRIPTION.RE-ACTIVATED": "subscription.changed",
    "BILLING.SUBSCRIPTION.UPDATED": "subscription.changed",
    "BILLING.SUBSCRIPTION.PAYMENT.FAILED": "subscription.changed",
    "BILLING.SUBSCRIPTION.SUSPENDED": "subscription.changed",
    "BILLING.SUBSCRIPTION.CANCELLED": "subscription.changed",
    "BILLING.SUBSCRIPTION.EXPIRED": "subscription.changed",
}
AUTHORISATION = {
    "CREATED": "authorised",
    "AUTHORIZED": "authorised",                 # its name before version 2
    "PENDING": "pending",
    "DENIED": "failed",
    "VOIDED": "failed",                         # no money will come of it
    "EXPIRED": "failed",
}
PAYMENT = {
    "COMPLETED": "paid",
    "PENDING": "pending",
    "DECLINED": "failed",
    "DENIED": "failed",                         # DECLINED, before version 2
    "FAILED": "failed",
    "PARTIALLY_REFUNDED": "part_refunded",
    "REFUNDED": "refunded",
    "REVERSED": "refunded",
}
SUM = "total_refunded_amount"
NO_REFUND = ("CANCELLED", "FAILED")
DISPUTE = {
    "RESOLVED_SELLER_FAVOUR": "paid",
    "RESOLVED_WITH_PAYOUT": "paid",             # PayPal paid the buyer out of its own pocket
    "CANCELED_BY_BUYER": "paid",
    "DENIED": "paid",
}
"""How a dispute ended well; while it runs, or where it was lost, the payment stays disputed."""

SUBSCRIPTION = {
    "ACTIVE": "active",
    "SUSPENDED": "paused",
    "CANCELLED": "ended",
    "EXPIRED": "ended",
}
NOT_YET = ("APPROVAL_PENDING", "APPROVED")
"""Nobody has agreed to anything, or nothing has begun."""


def _authorisation(told: Mapping[str, Any], incoming: Incoming) -> list[Change]:
    values = _money(told) | said(status=AUTHORISATION.get(status_of(told)), order=text(told, "invoice_id"))
    return [_change("payments", values, incoming, _when(told, incoming))]


def _payment(told: Mapping[str, Any], incoming: Incoming) -> list[Change]:
    """A capture or a sale, and what comes of it: the authorisation it ends, the subscription it pays for."""
    status, at = PAYMENT.get(status_of(told)), _when(told, incoming)
    values = _money(told) | said(status=status, order=text(told, "invoice_id") or text(told, "invoice_number"))
    if status == "refunded":
        values["refunded"] = values["amount"]
    found = [_change("payments", values, incoming, at)]
    authorised = text(dig(told, "supplementary_data", "related_ids"), "authorization_id")
    if authorised and told.get("final_capture") is True and status == "paid":
        found.append(Change("payments", {"trashed_at": at}, key={"external_id": authorised}, as_of=at))
    agreement = text(told, "billing_agreement_id")
    if agreement and status == "paid":
        begun = from_iso(told.get("create_time"), "resource.create_time")    # it may take days, and end after the subscription
        found.append(Change("subscriptions", {"status": "active"}, key={"external_id": agreement}, as_of=begun))
    return found


def _refund(told: Mapping[str, Any], incoming: Incoming) -> list[Change]:
    """Whether it is all of the payment shows in the sum of all; only what is taken back is always all."""
    if status_of(told) in NO_REFUND:
        return []
    values: Values = {"status": "refunded" if incoming.kind == "refund.reversed" else "part_refunded"}
    for around, where in ((told.get("seller_payable_breakdown"), "resource.seller_payable_breakdown."), (told, "resource.")):
        if dig(around, SUM) is not None:
            values |= _money(around, SUM, "refunded", where)
            break
    return [_change("payments", values, incoming, _when(told, incoming))]


def _dispute(told: Mapping[str, Any], incoming: Incoming) -> list[Change]:
    outcome = dig(told, "dispute_outcome", "outcome_code") if status_of(told) == "RESOLVED" else None
    return [_change("payments", {"status": DISPUTE.get(str(outcome), "disputed")}, incoming, _when(told, incoming))]


def _subscription(told: Mapping[str, Any], incoming: Incoming) -> list[Change]:
    """As of the event: the subscription's own update_time stays where it was when a payment fails."""
    word = status_of(told)
    if word in NOT_YET:
        return []
    status, billing = SUBSCRIPTION.get(word), told.get("billing_info")
    if status == "active" and dig(billing, "failed_payments_count"):
        status = "past_due"
    elif status == "active" and _is_on_trial(billing):
        status = "trial"
    plan, renews = text(told, "plan_id"), dig(billing, "next_billing_time")
    values = said(status=status, product={"external_id": plan} if plan else None,
                  customer=text(told.get("subscriber"), "email_address"),
                  renews_at=from_iso(renews, "resource.billing_info.next_billing_time").date() if renews is not None else None)
    if status in ("ended", "paused") and renews is None:
        values["renews_at"] = None
    return [_change("subscriptions", values | _each_time(billing), incoming, incoming.occurred_at)]


def _is_on_trial(billing: Any) -> bool:
    return any(dig(each, "tenure_type") == "TRIAL" and dig(each, "cycles_remaining") for each in _cycles(billing))


def _each_time(billing: Any) -> Values:
    """The event does not show the price: what was paid last is it, once that was no trial."""
    is_regular = any(dig(each, "tenure_type") == "REGULAR" and dig(each, "cycles_completed") for each in _cycles(billing))
    if not is_regular or dig(billing, "last_payment", "amount") is None:
        return {}
    return _money(dig(billing, "last_payment"), "amount", "amount", "resource.billing_info.last_payment.")


def _cycles(billing: Any) -> list[Any]:
    found = dig(billing, "cycle_executions")
    return found if isinstance(found, list) else []


TRANSLATIONS: dict[str, Callable[[Mapping[str, Any], Incoming], list[Change]]] = {
    "authorisation": _authorisation,
    "payment": _payment,
    "refund": _refund,
    "dispute": _dispute,
    "subscription": _subscription,
}


def _change(resource: str, values: Values, incoming: Incoming, as_of: datetime) -> Change:
    return Change(resource, values, key={"external_id": incoming.object_key}, as_of=as_of)


def tells_sum(told: Any) -> bool:
    """Whether a refund says how much of its payment went back so far, in version 2 or 1 of the API."""
    return any(dig(around, SUM) is not None for around in (dig(told, "seller_payable_breakdown"), told))


def status_of(told: Mapping[str, Any]) -> str:
    """Its word, in capitals; version 1 of the API wrote `state`, and small."""
    return (text(told, "status") or text(told, "state") or "").upper()


def _when(told: Mapping[str, Any], incoming: Incoming) -> datetime:
    return from_iso(told["update_time"], "resource.update_time") if told.get("update_time") else incoming.occurred_at


def _money(told: Any, name: str = "amount", ours: str = "amount", where: str = "resource.") -> Values:
    """An amount in major units; version 1 of PayPal's API called its parts otherwise. Raises Unreadable."""
    found, where = dig(told, name), f"{where}{name}."
    code = currency(found, "currency" if dig(found, "currency_code") is None else "currency_code", where=where)
    return {ours: decimal(found, "total" if dig(found, "value") is None else "value", where=where), "currency": code}
