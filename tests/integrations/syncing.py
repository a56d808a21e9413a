"""A sync taken step by step against a fake of Stripe: what its tests do and look at again and again."""
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.audit import COMMAND_LINE
from app.extensions import db
from app.fakes.stripe import KEY, FakeStripe
from app.integrations import connections, sync_run
from app.integrations.connections import Wanted
from app.integrations.models import StoredConnection
from app.integrations.sync import Sync
from app.records.batches import Batch, BatchRow


def connected(url: str) -> int:
    return connections.add("stripe", Wanted("Stripe EU", "", {"api_key": KEY}, url, True), by=COMMAND_LINE)


def connection() -> int:
    db.session.rollback()
    return db.session.scalars(select(StoredConnection.id)).one()


def customer(fake: FakeStripe, number: int, **values: Any) -> dict[str, Any]:
    return fake.shelves["customers"].put({"id": f"cus_{number}", "object": "customer", "email": f"c{number}@example.com",
                                          "name": f"Customer {number}", "created": 1_780_000_000 + number} | values)


def begun(*names: str, since: datetime | None = None, goes_on: bool = False) -> int:
    """The id of the sync of the last of these lists."""
    return sync_run.start(connection(), names or ["payments"], since, by=COMMAND_LINE, goes_on=goes_on)[-1]


def fresh(sync_id: int) -> Sync:
    db.session.rollback()
    return db.session.get_one(Sync, sync_id, populate_existing=True)


def batch_of(sync_id: int) -> Batch:
    return db.session.get_one(Batch, fresh(sync_id).batch_id, populate_existing=True)


def found(sync_id: int) -> dict[str, str]:
    """outside id → what became of its row, or would."""
    rows = db.session.scalars(select(BatchRow).where(BatchRow.batch_id == fresh(sync_id).batch_id).order_by(BatchRow.number))
    return {(row.cells or [{}])[0].get("external_id", ""): row.outcome or "" for row in rows}
