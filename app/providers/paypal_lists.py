"""What PayPal lists: what moved on the account. Payments are told by their move, what went back by asking for its payment.

Docs: Transaction Search v1, "Transaction event codes" (T00: payments, T11: reversals and refunds; the status V: taken back).
"""
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from app.integrations.calling import Connection
from app.integrations.errors import NotFoundThere
from app.integrations.listing import Listing, register
from app.integrations.paging import Page
from app.integrations.provider import Incoming, Unreadable, dig
from app.integrations.reading import text
from app.providers.paypal_client import PayPalClient

STATUS = {"S": "COMPLETED", "P": "PENDING", "D": "DENIED", "V": "REVERSED"}
FARTHEST = timedelta(days=3 * 365)        # nothing older is searched
PAYMENT, BACK = "T00", "T11"


def _pages(connection: Connection, since: datetime | None, start: str | None) -> Iterator[Page]:
    client = PayPalClient(connection)
    for page in client.each(since=since or datetime.now(UTC) - FARTHEST, start=start):
        yield replace(page, items=[_with_payment(client, each) for each in page.items])


def _with_payment(client: PayPalClient, move: Any) -> Any:
    """A refund says what it is of: that is shown beside it, as it stands now."""
    told = dig(move, "transaction_info")
    id = text(told, "paypal_reference_id")
    if not str(text(told, "transaction_event_code")).startswith(BACK) or not id:
        return move
    try:
        return {**move, "payment": client.show("capture", id)}
    except NotFoundThere:
        return move


def _told(move: Any, at: datetime) -> Incoming | None:
    told, payment = dig(move, "transaction_info"), dig(move, "payment")
    if payment is not None:
        id = str(payment["id"])
        return Incoming("payment.changed", f"listed:{id}", id, at, {"resource": {**payment, "update_time": None}})
    id, code = text(told, "transaction_id") or "", str(text(told, "transaction_event_code"))
    if not code.startswith(PAYMENT) or str(dig(told, "transaction_amount", "value")).startswith("-"):
        return None
    if not id:
        raise Unreadable("A move on the account has a transaction_id; this has not.")
    resource = {"id": id, "status": STATUS.get(str(told.get("transaction_status"))), "amount": told.get("transaction_amount"),
                "invoice_id": told.get("invoice_id"), "update_time": told.get("transaction_updated_date")}
    return Incoming("payment.changed", f"listed:{id}", id, at, {"resource": resource})


def _show(connection: Connection, id: str) -> Any:
    """A payment of ours is a capture, a sale or an authorisation."""
    client = PayPalClient(connection)
    for kind in ("capture", "sale"):
        try:
            return client.show(kind, id)
        except NotFoundThere:
            continue
    return client.show("authorisation", id)


register("paypal", Listing("payments", "Payments", "payments", _pages, _told, _show, back=timedelta(days=2)))
