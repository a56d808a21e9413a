"""Customers: who buys from us."""
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import SortKey
from app.records.fields import Choice, Country, Email, LongText, State, Text
from app.records.registry import register
from app.records.resource import REFRESH, Outside, Record, Resource

MAIL_STATES = (
    State("ok", tone="ok", shape="full", label="Arrives"),
    State("bounced", tone="bad", shape="call"),
    State("unsubscribed", tone="mute", shape="full"),
    State("complained", tone="bad", shape="full", label="Reported as spam"),
)


class Customer(Outside, Record):
    __tablename__ = "customers"
    email: Mapped[str | None]
    name: Mapped[str | None]
    phone: Mapped[str | None]
    company: Mapped[str | None]
    country: Mapped[str | None]
    mail_status: Mapped[str | None] = mapped_column(SortKey)
    note: Mapped[str | None]


customers = register(Resource(
    Customer,
    fields=(
        Email("email", "E-mail", required=True, unique=True, sortable=True, aliases=("mail", "email address", "customer email")),
        Text("name", sortable=True, aliases=("full name", "customer", "customer name")),
        Text("phone", sensitive=True, limit=40, aliases=("telephone", "mobile", "tel")),
        Text("company", sortable=True, aliases=("organisation", "organization", "firm")),
        Country("country", sortable=True, aliases=("country code",)),
        Choice("mail_status", "Mail status", choices=MAIL_STATES, sortable=True,
               hint="What the mail service said last. Set it back once the address is off its list."),
        LongText("note", aliases=("notes", "comment")),
        Text("external_id", "Customer ID", owned=True, aliases=("customer id", "id at the provider")),
    ),
    key="email",
    icon="people",
    listed=("email", "name", "company", "country", "updated_at"),
    searched=("email", "name", "company", "external_id"),
    actions=(REFRESH,),
    titled=("name",),
))
