"""The sheets of the demo: one import with rows that are refused, one export."""
from app.audit import Actor
from app.demo.gate import count
from app.demo.shop import Shop
from app.exports.models import Export
from app.imports.models import Import


def work(shop: Shop, by: Actor) -> None:
    """Upload a sheet of new prices with a few mistakes in it, and export the open orders."""


def counts() -> dict[str, int]:
    return {"imports": count(Import), "exports": count(Export)}
