"""A bulk change taken step by step: what its tests do and look at again and again."""
from typing import Any, cast

from sqlalchemy import Table, func, select

from app.access import ROLES
from app.audit import COMMAND_LINE, Actor, Audit
from app.commerce.orders import Order
from app.extensions import db
from app.records import bulk_run
from app.records.batches import Batch, BatchRow
from app.records.bulk_changes import BulkChange
from app.records.changes import Change, Door, Source, apply
from app.records.registry import named
from app.records.selecting import Selection
from app.transaction import transaction
from tests.records.stock import put

orders = cast(Table, Order.__table__)
MANAGER = Actor("staff", "Mara", 41, ROLES["manager"])


def some_orders(*statuses: str) -> None:
    """Orders 1, 2, … with these statuses, of nobody."""
    put("orders", *({"id": id, "number": f"N{id}", "status": status, "total_minor": 100, "currency": "EUR"}
                    for id, status in enumerate(statuses, 1)))


def everything(text: str = "", resource: str = "orders") -> Selection:
    return Selection(named(resource), text, everything=True)


def chosen(*ids: int, resource: str = "orders") -> Selection:
    return Selection(named(resource), "", ids)


def begun(selection: Selection, deed: str = "edit", by: Actor = COMMAND_LINE, once: str | None = None, **values: Any) -> int:
    return bulk_run.start(selection, deed, values, by=by, once=once)


def fresh(bulk_id: int) -> BulkChange:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(BulkChange, bulk_id)


def batch_of(bulk_id: int) -> Batch:
    return db.session.get_one(Batch, fresh(bulk_id).batch_id)


def statuses() -> list[str | None]:
    db.session.rollback()
    return list(db.session.scalars(select(orders.c.status).order_by(orders.c.id)))


def column(name: str) -> list[Any]:
    db.session.rollback()
    return list(db.session.scalars(select(orders.c[name]).order_by(orders.c.id)))


def rows(bulk_id: int) -> dict[int, tuple[str | None, dict[str, Any] | None]]:
    """{id of the record: (outcome, errors)}."""
    batch_id = fresh(bulk_id).batch_id
    found = db.session.scalars(select(BatchRow).where(BatchRow.batch_id == batch_id).order_by(BatchRow.number))
    return {row.cells[0]: (row.outcome, row.errors) for row in found if row.cells}


def edit(id: int, **values: Any) -> None:
    with transaction() as session:
        apply(session, [Change("orders", values, key={"id": id})], Source(Door.FORM, COMMAND_LINE))


def written_by(bulk_id: int) -> tuple[int, int]:
    """How many audit rows a bulk change has, and of how many records."""
    db.session.rollback()
    count = select(func.count(), func.count(func.distinct(Audit.record_id))).where(Audit.door == "bulk", Audit.door_id == bulk_id)
    changes, records = db.session.execute(count).one()
    return changes, records


