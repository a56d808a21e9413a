"""Products: what we sell."""
from sqlalchemy.orm import Mapped

from app.records.fields import Boolean, Currency, Money, Text
from app.records.registry import register
from app.records.resource import Outside, Record, Resource


class Product(Outside, Record):
    __tablename__ = "products"
    sku: Mapped[str | None]
    name: Mapped[str | None]
    price_minor: Mapped[int | None]
    currency: Mapped[str | None]
    is_active: Mapped[bool | None]


products = register(Resource(
    Product,
    fields=(
        Text("sku", "SKU", required=True, unique=True, sortable=True, limit=80,
             aliases=("item", "article number", "product code")),
        Text("name", required=True, sortable=True, aliases=("title", "product", "description")),
        Money("price", least=0, required=True, sortable=True, aliases=("unit price", "amount")),
        Currency("currency", required=True),
        Boolean("is_active", "Active", default=True, aliases=("active", "for sale")),
        Text("external_id", "Product ID", owned=True, aliases=("product id",)),
    ),
    key="sku",
    icon="box-seam",
    listed=("sku", "name", "price", "is_active", "updated_at"),
    searched=("sku", "name", "external_id"),
    titled=("name",),
))
