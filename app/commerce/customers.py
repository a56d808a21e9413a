"""Customers: who buys from us."""
from sqlalchemy.orm import Mapped

from app.records.fields import Email, LongText, Text
from app.records.registry import register
from app.records.resource import Outside, Record, Resource


class Customer(Outside, Record):
    __tablename__ = "customers"
    email: Mapped[str | None]
    name: Mapped[str | None]
    phone: Mapped[str | None]
    company: Mapped[str | None]
    country: Mapped[str | None]
    note: Mapped[str | None]


customers = register(Resource(
    Customer,
    fields=(
        Email("email", "E-mail", required=True, unique=True, sortable=True, aliases=("mail", "email address", "customer email")),
        Text("name", sortable=True, aliases=("full name", "customer", "customer name")),
        Text("phone", sensitive=True, limit=40, aliases=("telephone", "mobile", "tel")),
        Text("company", sortable=True, aliases=("organisation", "organization", "firm")),
        Text("country", limit=2, sortable=True, hint="Two letters, like DE.", aliases=("country code",)),
        LongText("note", aliases=("notes", "comment")),
        Text("external_id", "Customer ID", owned=True, aliases=("customer id", "id at the provider")),
    ),
    key="email",
    icon="people",
    listed=("email", "name", "company", "country", "updated_at"),
    searched=("email", "name", "company", "external_id"),
    titled=("name",),
))
