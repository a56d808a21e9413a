"""Our own pages, and the bare keyset query of each: `python -m benchmarks.peers.backroom_page ORDERS`, told the rest by its environment.

Bare is what somebody would write by hand: the ids of the page first, by keyset, then the rows and their customers.
"""
import os
import sys
from datetime import UTC, datetime

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.accounts import sessions
from app.accounts.models import User
from app.config import load
from app.extensions import db
from app.records import cursor
from app.records.cursor import Position
from app.transaction import transaction
from benchmarks.peers.answering import Act, answer

BARE = ("SELECT o.id, o.version, o.number, o.status, o.payment_status, o.channel, o.total_minor, o.currency, o.placed_at, c.id, c.email "
        "FROM (SELECT {id} AS id FROM {source} WHERE {where} ORDER BY {order} LIMIT 51) p "
        "JOIN orders o ON o.id = p.id LEFT JOIN customers c ON c.id = o.customer_id ORDER BY {outer}")
ONE = "SELECT o.*, c.email FROM orders o LEFT JOIN customers c ON c.id = o.customer_id WHERE o.id = {id}"
HERE, PAID = "trashed_at IS NULL", "trashed_at IS NULL AND payment_status = 'paid'"
TOTAL = "total_minor DESC, id DESC"
run = [0]


def main() -> None:
    orders = int(sys.argv[1])
    app = create_app(load(dict(os.environ)))
    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", _count)
        pages = {name: _fetching(_signed_in(app), path) for name, path in _paths(orders).items()}
        bare = {f"bare {name}": _running(statement) for name, statement in _statements(orders).items()}
    answer({**pages, **bare}, lambda: run[0])


def _paths(orders: int) -> dict[str, str]:
    tenth, middle = Position(orders // 10, orders // 10), orders // 2 + 1
    deep, deep_total = cursor.seal("orders", "-id", tenth), cursor.seal("orders", "-total", _far_total(orders))
    return {
        "first page": "/orders",
        "deep page (90 %)": f"/orders?after={deep}",
        "payment_status=paid": "/orders?payment_status=paid",
        "payment_status=paid, deep (90 %)": f"/orders?payment_status=paid&after={deep}",
        "two filters": "/orders?payment_status=refunded&placed_at.gte=2025-09-01",
        "search, one hit": f"/orders?q=ORD-{middle:07}",
        "search, part of a number": f"/orders?q={middle:07}",
        "search, 6.7 % hits": "/orders?q=lisbon",
        "sort by total": "/orders?sort=-total",
        "sort by total, deep (90 %)": f"/orders?sort=-total&after={deep_total}",
        "edit form": f"/orders/{middle}/edit",
    }


def _statements(orders: int) -> dict[str, str]:
    tenth, number, far = orders // 10, f"{orders // 2 + 1:07}", _far_total(orders)
    return {
        "first page": _bare(HERE),
        "deep page (90 %)": _bare(f"{HERE} AND id < {tenth}"),
        "payment_status=paid": _bare(PAID),
        "payment_status=paid, deep (90 %)": _bare(f"{PAID} AND id < {tenth}"),
        "two filters": _bare(f"{HERE} AND payment_status = 'refunded' AND placed_at >= '2025-09-01 00:00:00'"),
        "search, one hit": _bare(f"{HERE} AND number_key = 'ord-{number}'"),
        "search, part of a number": _bare(*_found(number)),
        "search, 6.7 % hits": _bare(*_found("lisbon")),
        "sort by total": _bare(f"{HERE} AND total_minor IS NOT NULL", order=TOTAL),
        "sort by total, deep (90 %)": _bare(f"{HERE} AND (total_minor, id) < ({far.value}, {far.id})", order=TOTAL),
        "edit form": ONE.format(id=orders // 2 + 1),
    }


def _far_total(orders: int) -> Position:
    """Nine tenths down the list sorted by total."""
    row = db.session.execute(sa.text(f"SELECT total_minor, id FROM orders WHERE total_minor IS NOT NULL ORDER BY {TOTAL} "
                                     f"LIMIT 1 OFFSET {orders * 9 // 10}")).one()
    return Position(row[0], row[1])


def _found(word: str) -> tuple[str, str, str, str]:
    if db.engine.dialect.name == "sqlite":
        return f"orders_search MATCH '\"{word}\"' AND {HERE}", "orders_search.rowid DESC", "orders_search JOIN orders ON id = orders_search.rowid", "orders_search.rowid"
    return f"text LIKE '%{word}%' AND {HERE}", "s.id DESC", "orders_search s JOIN orders ON orders.id = s.id", "s.id"


def _bare(where: str, order: str = "id DESC", source: str = "orders", id: str = "id") -> str:
    outer = "o.total_minor DESC, o.id DESC" if order == TOTAL else "o.id DESC"
    return BARE.format(where=where, order=order, source=source, id=id, outer=outer)


def _running(statement: str) -> Act:
    text = statement if db.engine.dialect.name == "sqlite" else statement.replace("%", "%%")    # psycopg reads % as a placeholder
    engine = db.engine

    def act() -> tuple[int, bytes]:
        with engine.connect() as connection:
            connection.exec_driver_sql(text).all()
        return 200, b""
    return act


def _fetching(browser: FlaskClient, path: str) -> Act:
    def act() -> tuple[int, bytes]:
        answered = browser.get(path)
        return answered.status_code, answered.data
    return act


def _signed_in(app: Flask) -> FlaskClient:
    with transaction() as session:
        user = session.execute(sa.select(User).where(User.email == "bench@example.com")).scalar_one_or_none()
        if user is None:
            user = User(email="bench@example.com", name="Bench", role="admin", created_at=datetime.now(UTC))
            session.add(user)
            session.flush()
        secret = sessions.start(session, user.id)
    browser = app.test_client()
    with browser.session_transaction() as cookie:
        cookie["_user_id"] = secret
    return browser


def _count(*_: object) -> None:
    run[0] += 1


if __name__ == "__main__":
    main()
