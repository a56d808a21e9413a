"""Payments: money a provider took for us."""
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, SortKey
from app.records.check import Check, Cure
from app.records.fields import Choice, Currency, Money, Reference, State, Text
from app.records.registry import register
from app.records.resource import REFRESH, Action, Outside, Record, Resource

STATES = (
    State("pending", tone="wait", shape="open"),
    State("authorised", tone="busy", shape="half"),
    State("failed", tone="bad", shape="call"),
    State("paid", tone="ok", shape="full"),
    State("part_refunded", tone="back", shape="half"),
    State("refunded", tone="back", shape="full"),
    State("disputed", tone="bad", shape="call"),
)
TRANSITIONS = {
    "pending": ("authorised", "failed", "paid"),
    "authorised": ("failed", "paid"),
    "failed": ("pending", "paid"),
    "paid": ("part_refunded", "refunded", "disputed"),
    "part_refunded": ("refunded", "disputed"),
    "disputed": ("paid", "refunded"),
}
UNPAID = ("pending", "authorised", "failed")
TAKEN = ("paid", "part_refunded", "refunded", "disputed")


def _all_of_it(status: str, payment: Mapping[str, Any]) -> str:
    """Providers that tell of one refund say that money went back; whether it was all of it shows in the sums."""
    amount, back = payment.get("amount_minor"), payment.get("refunded_minor")
    return "refunded" if status == "part_refunded" and amount and back and back >= amount else status


class Payment(Outside, Record):
    __tablename__ = "payments"
    order_id: Mapped[int | None] = mapped_column(Id, ForeignKey("orders.id"))
    amount_minor: Mapped[int | None]
    refunded_minor: Mapped[int | None]
    currency: Mapped[str | None]
    status: Mapped[str | None] = mapped_column(SortKey)
    method: Mapped[str | None]


payments = register(Resource(
    Payment,
    fields=(
        Text("external_id", "Payment ID", required=True, owned=True, sortable=True,
             aliases=("transaction", "transaction id", "charge id", "payment")),
        Reference("order", to="orders", shown_by="number", loose=True, aliases=("order number",)),
        Money("amount", least=0, required=True, owned=True, sortable=True, summed=True, aliases=("total", "gross")),
        Money("refunded", least=0, owned=True, default=0, summed=True, aliases=("amount refunded",)),
        Currency("currency", required=True, owned=True),
        Choice("status", choices=STATES, transitions=TRANSITIONS, completed=_all_of_it, required=True, owned=True, sortable=True,
               default="pending"),
        Text("method", owned=True, limit=40, sortable=True, aliases=("payment method", "card brand")),
    ),
    key="external_id",
    icon="credit-card",
    listed=("external_id", "order", "amount", "refunded", "status", "method", "updated_at"),
    searched=("external_id", "method"),
    actions=(Action("refund", fields=(Money("amount", hint="At most what is left of the payment. Empty: all of that."),
                                      Text("reason", hint="For your colleagues; kept with the refund.")), needs="payments.refund",
                    text="The provider sends the money back to the customer; nobody can take that back. A large refund waits for "
                         "a second person first."), REFRESH),
    checks=(
        Check("refunded_too_much", "Payments of which more was paid back than taken", tone="bad",
              among=Payment.refunded_minor > Payment.amount_minor,
              reason="Of {amount} taken, {refunded} went back.",
              cure="Look the refunds up at the provider, and ask for what went back too much.",
              cures=(Cure("Open payment", "payments/{id}"),)),
    ),
))
