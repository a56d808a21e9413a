"""Loading the demo: the shop goes through the gate, its events through the receive path, its sheets through the wizard."""
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from app.access import ROLES
from app.accounts import users
from app.accounts.models import User
from app.audit import COMMAND_LINE, Actor
from app.config import config
from app.demo import hooks, sheets, words
from app.demo.gate import count, write
from app.demo.shop import Shop, Values, build
from app.errors import Conflict
from app.extensions import db
from app.records import registry
from app.records.changes import Change, Door, Source

WEBSHOP = Source(Door.API, Actor("token", "Webshop", grants=("*",)))
LIFE = ("placed", "packing", "shipped", "delivered")
YOUNG = timedelta(days=4)        # staff still work on orders of this age


@dataclass(frozen=True)
class Loaded:
    """What the demo made, by kind."""

    counts: dict[str, int]


def load(orders: int = 2000, seed: int = 1) -> Loaded:
    """Fill an empty installation with `orders` orders and everything around them; the same seed makes the same shop.

    Needs an application context; commits as it goes. Raises Conflict when there are records already.
    """
    if any(count(resource.model) for resource in registry.resources()):
        cure = "set INSTANCE_DIR to a new folder" if config().embedded else "set DATABASE_URL to an empty database"
        raise Conflict(f"There are records here already. The demo is for an empty installation: {cure}.",
                       title="No demo was loaded")
    shop = build(orders, seed)
    staff = [_employ(*person) for person in words.TEAM]
    write([Change("customers", customer) for customer in shop.customers], WEBSHOP)
    write([Change("products", product) for product in shop.products], WEBSHOP)
    _sell(shop, staff[1:3])
    hooks.replay(shop)
    sheets.work(shop, staff[0])
    counts = {resource.plural.lower(): count(resource.model) for resource in registry.resources()}
    return Loaded({**counts, **hooks.counts(), **sheets.counts()})


def _employ(email: str, name: str, role: str) -> Actor:
    """Somebody of the team, who cannot sign in before an admin makes them a link."""
    known = db.session.execute(select(User.id).where(User.email == email)).scalar()
    return Actor("staff", name, known or users.add(email, role, by=COMMAND_LINE, name=name), ROLES[role])


def _sell(shop: Shop, staff: Sequence[Actor]) -> None:
    """Old orders come as they ended, young ones as they began; what staff did to those follows."""
    since = datetime.now(UTC) - YOUNG
    young = [order for order in shop.orders if order["placed_at"] > since and order["status"] != "draft"]
    begun = {order["number"] for order in young}
    placed = [order | {"status": "placed"} if order["number"] in begun else order for order in shop.orders]
    write([Change("orders", order) for order in placed], WEBSHOP)
    for turn, step in enumerate((*LIFE[1:], "cancelled", "returned")):
        reached = [order for order in young if step in _steps(order["status"])]
        for hand, person in enumerate(staff):
            _move(reached[(hand + turn) % 2::2], step, person)


def _steps(end: str) -> tuple[str, ...]:
    """What an order went through to end so, after it was placed."""
    if end == "cancelled":
        return ("cancelled",)
    return (*LIFE[1:], "returned") if end == "returned" else LIFE[1:LIFE.index(end) + 1]


def _move(orders: Sequence[Values], step: str, by: Actor) -> None:
    write([Change("orders", {"status": step}, key={"number": order["number"]}) for order in orders], Source(Door.FORM, by))
