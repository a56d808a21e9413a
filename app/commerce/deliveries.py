"""Deliveries: the parcels of our orders, on their way with a carrier."""
from datetime import date

from sqlalchemy import ForeignKey, exists
from sqlalchemy.orm import Mapped, mapped_column

from app.commerce.orders import Order
from app.extensions import Id, SortKey
from app.records.check import Check, Cure
from app.records.fields import Choice, Date, Reference, State, Text
from app.records.registry import register
from app.records.resource import REFRESH, Action, Outside, Record, Resource

STATES = (
    State("label_made", tone="mute", shape="open"),
    State("in_transit", tone="busy", shape="half"),
    State("held_up", tone="wait", shape="call"),
    State("delivered", tone="ok", shape="full"),
    State("sent_back", tone="back", shape="full"),
    State("lost", tone="bad", shape="call"),
    State("cancelled", tone="mute", shape="full"),
)
TRANSITIONS = {
    "label_made": ("in_transit", "lost", "cancelled"),
    "in_transit": ("held_up", "delivered", "sent_back", "lost"),
    "held_up": ("in_transit", "delivered", "sent_back", "lost"),
    "delivered": ("sent_back",),
    "lost": ("in_transit", "delivered"),
}


class Delivery(Outside, Record):
    __tablename__ = "deliveries"
    order_id: Mapped[int | None] = mapped_column(Id, ForeignKey("orders.id"))
    carrier: Mapped[str | None]
    tracking_number: Mapped[str | None]
    status: Mapped[str | None] = mapped_column(SortKey)
    eta: Mapped[date | None]


deliveries = register(Resource(
    Delivery,
    fields=(
        Text("tracking_number", required=True, unique=True, sortable=True, limit=80,
             aliases=("tracking", "tracking code", "parcel")),
        Reference("order", to="orders", shown_by="number", loose=True, aliases=("order number",)),
        Text("carrier", sortable=True, limit=80, aliases=("shipping company",)),
        Choice("status", choices=STATES, transitions=TRANSITIONS, required=True, owned=True, sortable=True, default="label_made"),
        Date("eta", "Expected", owned=True, sortable=True, aliases=("estimated delivery", "expected on")),
        Text("external_id", "Delivery ID", owned=True, aliases=("shipment id",)),
    ),
    key="tracking_number",
    icon="truck",
    label="Delivery",
    listed=("tracking_number", "order", "carrier", "status", "eta", "updated_at"),
    searched=("tracking_number", "carrier", "external_id"),
    actions=(Action("cancel", label="Cancel label",
                    text="The provider asks the carrier to take the label back and to credit its price, which may take weeks. "
                         "A parcel that bears it is not carried any more; for another one somebody buys a new label."), REFRESH),
    checks=(
        Check("order_cancelled", "Deliveries on their way for a cancelled order", tone="bad",
              among=Delivery.status.in_(("label_made", "in_transit", "held_up")),
              wrong=exists().where(Order.id == Delivery.order_id, Order.status == "cancelled"),
              reason="Order {order} is cancelled, the parcel is not: {status}.",
              cure="Call the parcel back at the carrier, or take the order up again.",
              cures=(Cure("Open order", "orders/{order_id}"), Cure("Edit delivery", "deliveries/{id}/edit", "deliveries.edit"))),
    ),
))
