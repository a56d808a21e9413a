"""Shops of a few records, made through the gate, that the tests of pages open, and what they read off them."""
import re
from datetime import timedelta
from typing import Any

from app.access import ROLES
from app.audit import Actor, Door
from app.extensions import db
from app.records.changes import Change, Source
from tests.client import SignedInClient
from tests.records import gate
from tests.records.gate import EVENT, FORM, act, customer, order, payment
from tests.records.pages import Page, get
from tests.records.stock import MIDNIGHT, index, line_table, put

MINA = Source(Door.FORM, Actor("staff", "Mina Wolff", 999, ROLES["admin"]))


def shop_to_read() -> None:
    """Two customers, a product, three orders with lines and a payment."""
    act(customer("ada@acme.example", name="Ada Whitcombe", country="GB", phone="+44 20 1", note="Prefers\ntwo lines"),
        customer("bob@other.example", name="Bob <b>&</b>"))
    act(Change("products", {"sku": "TEA", "name": "Tea", "price": "5.00", "currency": "EUR"}, only="create"))
    act(order("ORD-1", customer="ada@acme.example", status="placed", total="1284.50", city="Berlin", phone="+49 30 77",
              placed_at="2026-03-01 08:00", lines=[{"product": "TEA", "quantity": 2, "unit_price": "5.00"}]),
        order("ORD-2", customer="ada@acme.example", status="draft", total="38.95", currency="GBP"),
        order("ORD-3", total="7.00"), source=FORM)
    act(payment("paid", 10, order={"number": "ORD-1"}), source=EVENT)


def shop_to_edit() -> None:
    """Two customers, two products, an order with a line."""
    act(customer("ada@acme.example", name="Ada Whitcombe", phone="+44 20 1"), customer("bob@other.example", name="Bob"))
    act(*(Change("products", {"sku": sku, "name": sku.title(), "price": "5.00", "currency": "EUR"}, only="create") for sku in ("TEA", "CUP")))
    act(order("ORD-1", customer="ada@acme.example", status="placed", phone="+49 30 77", note="one\ntwo",
              lines=[{"product": "TEA", "quantity": 2, "unit_price": "5.00"}]), source=FORM)


def order_with_a_past() -> str:
    """The page of an order that is at version 3: placed, packed, and shipped to Leipzig with another line."""
    act(customer("ada@acme.example", name="Ada Whitcombe"), customer("bob@other.example", name="Bob"))
    act(*(Change("products", {"sku": sku, "name": sku.title(), "price": "5.00", "currency": "EUR"}, only="create")
          for sku in ("TEA", "CUP")))
    act(order("ORD-1", customer="ada@acme.example", status="placed", total="10.00", city="Berlin", phone="+49 30 77",
              placed_at="2026-03-01 08:00", note="one\ntwo", lines=[{"product": "TEA", "quantity": 2, "unit_price": "5.00"}]),
        source=FORM)
    act(change_order(status="packing", customer="bob@other.example", phone="+49 40 88"), source=FORM)
    act(change_order(status="shipped", city="Leipzig", total="12.00", placed_at="2026-04-01 09:00:30", note=None,
                     lines=[{"product": "CUP", "quantity": 1}]), source=FORM)
    return f"/orders/{id_of('orders')}"


def change_order(**values: Any) -> Change:
    return Change("orders", values, key={"number": "ORD-1"})


def id_of(resource: str, **by: object) -> int:
    return int(gate.row(resource, **by)["id"])


def ids_on(page: Page) -> list[int]:
    """The ids a list leads to."""
    return [int(found[1]) for link in page.links() if (found := re.fullmatch(r"/[a-z]+/(\d+)", link))]


def edit(client: SignedInClient, path: str, **changes: Any) -> dict[str, Any]:
    """What the form of this record would send, with some inputs filled in otherwise."""
    return {**get(client, f"{path}/edit").form(path), **changes}


def shop_to_ask() -> None:
    """Three customers, five orders with everything one may ask for."""
    put("customers", {"id": 1, "email": "ada@acme.example", "name": "Ada", "country": "DE", "phone": "+49 1"},
        {"id": 2, "email": "bob@other.example", "name": "Bob, the second"}, {"id": 3, "email": "eve@acme.example", "name": "Ève"})
    put("products", {"id": 1, "sku": "TEA", "name": "Tea", "currency": "EUR", "is_active": True},
        {"id": 2, "sku": "CUP", "name": "Cup", "currency": "EUR", "is_active": False}, {"id": 3, "sku": "POT", "name": "Pot", "currency": "EUR"})
    put("orders",
        {"id": 1, "number": "ORD-1", "customer_id": 1, "status": "draft", "total_minor": 1000, "currency": "EUR", "placed_at": MIDNIGHT},
        {"id": 2, "number": "ORD-2", "customer_id": 2, "status": "placed", "total_minor": 2050, "currency": "EUR", "placed_at": MIDNIGHT + timedelta(hours=1), "note": "50% off_now"},
        {"id": 3, "number": "ord-3", "customer_id": 3, "status": "shipped", "total_minor": 300, "currency": "JPY", "placed_at": MIDNIGHT - timedelta(hours=1), "city": "Łódź"},
        {"id": 4, "number": "X-4", "status": "placed", "currency": "EUR", "weight": 500, "note": "Déjà vu"},
        {"id": 5, "number": "ORD-5", "customer_id": 1, "status": "cancelled", "total_minor": 5, "currency": "KWD", "placed_at": MIDNIGHT + timedelta(days=1), "city": "London"})
    lines_of(1, (1, 2, 500))
    lines_of(2, (1, 1, 50), (2, 10, 200))
    index("customers")
    index("products")


def lines_of(order: int, *rows: tuple[int, int, int]) -> None:
    for position, (product, quantity, price) in enumerate(rows):
        db.session.execute(line_table().insert().values(parent_id=order, position=position, product_id=product, quantity=quantity, unit_price_minor=price))
    db.session.commit()


def plain(found: dict[str, Any]) -> dict[str, Any]:
    """A record without what counts its writes."""
    return {name: value for name, value in found.items() if name not in ("version", "revision", "updated_at", "said")}
