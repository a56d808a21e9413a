"""Orders: what a customer asked for, what it costs, and where it goes."""
from datetime import datetime

from sqlalchemy import Double, ForeignKey, case, cast, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from app.commerce.payments import STATES as PAYMENT_STATES
from app.commerce.payments import TAKEN, UNPAID, Payment
from app.extensions import Id, Model, SortKey
from app.records.check import Check, Cure
from app.records.fields import Choice, Country, Currency, DateTime, Integer, Lines, LongText, Money, Reference, State, Text
from app.records.registry import register
from app.records.resource import Outside, Record, Resource

STATES = (
    State("draft", tone="mute", shape="open"),
    State("placed", tone="busy", shape="open"),
    State("packing", tone="busy", shape="half"),
    State("shipped", tone="busy", shape="half"),
    State("delivered", tone="ok", shape="full"),
    State("returned", tone="back", shape="full"),
    State("cancelled", tone="mute", shape="full"),
)
TRANSITIONS = {
    "draft": ("placed", "cancelled"),
    "placed": ("packing", "shipped", "cancelled"),
    "packing": ("placed", "shipped", "cancelled"),
    "shipped": ("delivered", "returned"),
    "delivered": ("returned",),
}


class Order(Outside, Record):
    __tablename__ = "orders"
    number: Mapped[str | None]
    customer_id: Mapped[int | None] = mapped_column(Id, ForeignKey("customers.id"))
    status: Mapped[str | None] = mapped_column(SortKey)
    payment_status: Mapped[str | None] = mapped_column(SortKey)
    channel: Mapped[str | None]
    total_minor: Mapped[int | None]
    currency: Mapped[str | None]
    street: Mapped[str | None]
    postcode: Mapped[str | None]
    city: Mapped[str | None]
    country: Mapped[str | None]
    phone: Mapped[str | None]
    weight: Mapped[int | None]               # grams
    placed_at: Mapped[datetime | None]
    note: Mapped[str | None]


class OrderLine(Model):
    __tablename__ = "order_lines"
    parent_id: Mapped[int] = mapped_column(Id, ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int | None] = mapped_column(Id, ForeignKey("products.id"), index=True)
    quantity: Mapped[int | None]
    unit_price_minor: Mapped[int | None]


taken = select(func.coalesce(func.sum(case((Payment.currency == Order.currency, cast(Payment.amount_minor, Double)))), 0)).where(
    Payment.order_id == Order.id, Payment.status.in_(TAKEN), Payment.trashed_at.is_(None)).correlate(Order).scalar_subquery()
"""What the payments of an order come to, in its currency. Summed as floats, which no amount can overflow."""

orders = register(Resource(
    Order,
    fields=(
        Text("number", "Order number", required=True, unique=True, owned=True, sortable=True, limit=80,
             aliases=("order", "order no", "order id", "name")),
        Reference("customer", to="customers", shown_by="email", loose=True, aliases=("customer email", "buyer", "email")),
        Choice("status", choices=STATES, transitions=TRANSITIONS, required=True, sortable=True, default="draft"),
        Choice("payment_status", "Payment", choices=PAYMENT_STATES, owned=True, sortable=True, default="pending",
               aliases=("financial status",)),
        Text("channel", owned=True, limit=40, sortable=True, aliases=("source", "shop")),
        Money("total", required=True, owned=True, sortable=True, summed=True, hint="Below zero it is a credit.",
              aliases=("amount", "order total")),
        Currency("currency", required=True, owned=True),
        DateTime("placed_at", "Placed", owned=True, sortable=True, aliases=("order date", "date", "created at")),
        Text("street", group="Ship to", aliases=("address", "shipping street", "address 1")),
        Text("postcode", limit=20, sortable=True, group="Ship to", aliases=("zip", "postal code", "shipping zip")),
        Text("city", sortable=True, group="Ship to", aliases=("town", "shipping city")),
        Country("country", sortable=True, group="Ship to",
             aliases=("shipping country", "country code")),
        Text("phone", limit=40, sensitive=True, group="Ship to", aliases=("telephone", "shipping phone")),
        Integer("weight", least=0, unit="g", sortable=True, summed=True, hint="In grams.", aliases=("weight in grams", "grams")),
        LongText("note", aliases=("notes", "comment", "packing note")),
        Lines("lines", model=OrderLine, fields=(
            Reference("product", to="products", shown_by="sku", loose=True, required=True),
            Integer("quantity", least=1, required=True, default=1),
            Money("unit_price"),
        )),
        Text("external_id", "Order ID at the shop", owned=True, aliases=("shop id",)),
    ),
    key="number",
    icon="receipt",
    listed=("number", "customer", "status", "payment_status", "channel", "total", "placed_at"),
    searched=("number", "city", "postcode", "street", "external_id"),
    checks=(
        Check("payments_differ", "Paid orders whose payments do not add up",
              among=Order.payment_status == "paid", wrong=taken != Order.total_minor, facts={"taken": taken},
              reason="The order comes to {total}, its payments in this currency to {taken}.",
              cure="Link the payment that is missing to the order, or correct the total.",
              cures=(Cure("Open payments", "payments?order={id}"), Cure("Edit order", "orders/{id}/edit", "orders.edit"))),
        Check("delivered_unpaid", "Delivered orders nobody has paid", tone="bad",
              among=(Order.status == "delivered") & or_(Order.payment_status.in_(UNPAID), Order.payment_status.is_(None)),
              reason="The parcel has arrived. Payment of {total}: {payment_status}.",
              cure="Ask the customer for the money, or link the payment that was made.",
              cures=(Cure("Open payments", "payments?order={id}"), Cure("Edit order", "orders/{id}/edit", "orders.edit"))),
    ),
))
