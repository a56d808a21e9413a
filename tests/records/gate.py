"""What the tests of the gate say over and over: changes, sources, and what is in the tables afterwards."""
import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from app.audit import Actor, Audit, Door
from app.extensions import db
from app.records import search
from app.records.changes import Change, Outcome, Source, apply, plan
from app.records.registry import named
from app.transaction import is_sqlite, transaction

ADA = Actor("staff", "ada", id=1, grants=("*",))
STRIPE = Actor("provider", "stripe")
FORM, API, IMPORT, UNDO = (Source(door, ADA) for door in (Door.FORM, Door.API, Door.IMPORT, Door.UNDO))
EVENT = Source(Door.EVENT, STRIPE, account="stripe")


def staff(*denied: str, **scopes: str) -> Source:
    """Somebody at a form who may do everything but what is denied."""
    class Restricted(Actor):
        def may(self, permission: str) -> bool:
            return permission not in denied
    return Source(Door.FORM, Restricted("staff", "eve", grants=("*",), scopes=scopes))


def at(second: float) -> datetime:
    return datetime.fromtimestamp(1_767_225_600 + second, UTC)


def customer(email: str, /, **values: Any) -> Change:
    return Change("customers", values, key={"email": email})


def order(number: str, /, **values: Any) -> Change:
    return Change("orders", {"total": "12.50", "currency": "EUR", **values}, key={"number": number})


def payment(status: str | None = None, second: float | None = None, /, id: str = "pi_1", word: str | None = None, ask: bool = False,
            cause: int | None = None, **values: Any) -> Change:
    """News of a payment, said of `second`."""
    said = {} if status is None else {"status": status, "amount_minor": 1000, "currency": "EUR"}
    return Change("payments", {**said, **values}, key={"external_id": id}, as_of=None if second is None else at(second), word=word,
                  ask=ask, cause=cause)


def act(*changes: Change, source: Source = IMPORT) -> list[Outcome]:
    """Apply in a transaction of its own."""
    with transaction() as session:
        return apply(session, list(changes), source)


def plans(*changes: Change, source: Source = IMPORT) -> list[Outcome]:
    """Plan, and leave nothing behind."""
    outcomes = plan(db.session(), list(changes), source)
    db.session.rollback()
    return outcomes


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [outcome.kind for outcome in outcomes]


def rows(resource: str, **by: Any) -> list[dict[str, Any]]:
    table = named(resource).table
    found = [dict(row) for row in db.session.execute(select(table).filter_by(**by).order_by(table.c.id)).mappings()]
    db.session.rollback()
    return found


def row(resource: str, **by: Any) -> dict[str, Any]:
    [found] = rows(resource, **by)
    return found


def lines() -> list[dict[str, Any]]:
    table = named("orders").lines.table  # type: ignore[union-attr]
    found = [dict(line) for line in db.session.execute(select(table).order_by(table.c.parent_id, table.c.position)).mappings()]
    db.session.rollback()
    return found


def audits() -> list[tuple[str, str, int | None, dict[str, Any]]]:
    """(resource, action, version, diff), oldest first."""
    found = db.session.execute(select(Audit.resource, Audit.action, Audit.version, Audit.diff).order_by(Audit.id)).all()
    db.session.rollback()
    return [(resource, action, version, json.loads(diff)) for resource, action, version, diff in found]


def indexed(resource: str) -> dict[int, str]:
    """What the search index holds, by record."""
    name = search.table(named(resource))
    column = "rowid" if is_sqlite(db.session.connection()) else "id"
    found = dict(map(tuple, db.session.connection().exec_driver_sql(f"SELECT {column}, text FROM {name}")))
    db.session.rollback()
    return found


def should_be_indexed(resource: str) -> dict[int, str]:
    return {found["id"]: search.text(named(resource), found) for found in rows(resource)}
