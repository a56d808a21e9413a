"""Subscriptions: what a customer pays for again and again."""
from datetime import date

from sqlalchemy import ForeignKey, exists
from sqlalchemy.orm import Mapped, mapped_column

from app.commerce.customers import Customer
from app.extensions import Id, SortKey
from app.records.check import Check, Cure
from app.records.fields import Choice, Currency, Date, Money, Reference, State, Text
from app.records.registry import register
from app.records.resource import REFRESH, Action, Outside, Record, Resource

STATES = (
    State("trial", tone="busy", shape="open"),
    State("active", tone="ok", shape="full"),
    State("past_due", tone="wait", shape="call"),
    State("paused", tone="mute", shape="half"),
    State("ended", tone="mute", shape="full"),
)
TRANSITIONS = {
    "trial": ("active", "ended"),
    "active": ("past_due", "paused", "ended"),
    "past_due": ("active", "paused", "ended"),
    "paused": ("active", "ended"),
}


class Subscription(Outside, Record):
    __tablename__ = "subscriptions"
    customer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("customers.id"))
    product_id: Mapped[int | None] = mapped_column(Id, ForeignKey("products.id"))
    status: Mapped[str | None] = mapped_column(SortKey)
    amount_minor: Mapped[int | None]
    currency: Mapped[str | None]
    renews_at: Mapped[date | None]


subscriptions = register(Resource(
    Subscription,
    fields=(
        Text("external_id", "Subscription ID", required=True, owned=True, sortable=True, aliases=("subscription",)),
        Reference("customer", to="customers", shown_by="email", loose=True, owned=True, aliases=("customer email",)),
        Reference("product", to="products", shown_by="sku", loose=True, owned=True, aliases=("plan", "sku")),
        Choice("status", choices=STATES, transitions=TRANSITIONS, required=True, owned=True, sortable=True, default="active"),
        Money("amount", least=0, required=True, owned=True, sortable=True, summed=True, aliases=("price",)),
        Currency("currency", required=True, owned=True),
        Date("renews_at", "Renews", owned=True, sortable=True, aliases=("renewal", "next invoice", "current period end")),
    ),
    key="external_id",
    icon="arrow-repeat",
    listed=("external_id", "customer", "product", "status", "amount", "renews_at"),
    searched=("external_id",),
    actions=(Action("cancel", fields=(Text("reason", hint="For your colleagues; kept with the cancellation."),),
                    text="The provider ends the subscription at once and takes no more money for it. Nothing is paid back, and "
                         "it cannot be taken up again: the customer would have to subscribe anew."), REFRESH),
    checks=(
        Check("customer_trashed", "Active subscriptions of customers in the trash",
              among=Subscription.status == "active",
              wrong=exists().where(Customer.id == Subscription.customer_id, Customer.trashed_at.is_not(None)),
              reason="{amount} a time are asked of {customer}, who is in the trash.",
              cure="End the subscription at the provider, or restore the customer.",
              cures=(Cure("Open customer", "customers/{customer_id}"), Cure("Open subscription", "subscriptions/{id}"))),
    ),
))
