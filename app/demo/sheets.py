"""The sheets of the demo: an import some rows of which were refused, one that waits in its preview, and an export."""
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from app.audit import Actor
from app.demo.gate import count
from app.demo.shop import Shop, Values
from app.exports import run as exports
from app.exports.models import Export
from app.imports.command import Wishes, import_file
from app.imports.models import Import
from app.jobs.drain import drain
from app.records import money

PRICES = ("Article number", "Title", "Unit price", "Currency")
PEOPLE = ("E-mail", "Full name", "Firm", "Country")
MISTAKES = (("EMB-XX", "Ember table lamp, cork", "ask Tess", "EUR"), ("", "Halo pendant, no number", "149.00", "EUR"),
            ("REE-CO", "Reed desk lamp, cork", "139.00", "Euros"))
STRANGERS = (("ines.at.example.com", "Ines Soto", "", "ES"), ("kim.young@example.com", "Kim Young", "Salon Vert", "Germany"))


def work(shop: Shop, by: Actor) -> None:
    """Bring in new prices with a few mistakes, leave a sheet of customers in its preview, and export what is on its way."""
    _bring("autumn-prices.csv", "products", (PRICES, *_prices(shop.products[:30]), *MISTAKES), Wishes(), by)
    _bring("trade-fair-contacts.csv", "customers", (PEOPLE, *_people(shop.customers[:12]), *STRANGERS), Wishes(dry_run=True), by)
    exports.start("orders", "status=shipped&sort=-placed_at", ("number", "customer", "status", "total", "currency", "placed_at"),
                  "xlsx", by=by)
    drain("heavy")


def counts() -> dict[str, int]:
    return {"imports": count(Import), "exports": count(Export)}


def _bring(name: str, resource: str, rows: Sequence[Sequence[str]], wishes: Wishes, by: Actor) -> None:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    with TemporaryDirectory(prefix="backroom-") as folder:
        path = Path(folder) / name
        path.write_text(text.getvalue(), "utf-8")
        import_file(path, resource, wishes, by=by, is_kept=True)


def _prices(products: Sequence[Values]) -> Iterator[tuple[str, ...]]:
    """Every third is dearer from autumn on; one is new."""
    for place, product in enumerate(products):
        price = product["price_minor"] + (500 if place % 3 == 0 else 0)
        yield product["sku"], product["name"], money.from_minor(price, "EUR"), "EUR"
    yield "EMB-CO", "Ember table lamp, cork", "94.00", "EUR"


def _people(customers: Sequence[Values]) -> Iterator[tuple[str, ...]]:
    for place, customer in enumerate(customers):
        firm = "Met at the trade fair" if place % 4 == 0 else customer["company"] or ""
        yield customer["email"], customer["name"], firm, customer["country"]
