"""How much of what came in is kept, and since when: for the page that says how long."""
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from app.extensions import Model
from app.jobs.models import Attempt
from app.newest import Count
from app.transaction import is_sqlite
from app.webhooks.models import Body, Event, StoredReceipt
from app.webhooks.retry import TABLE

CAP = 100_000        # rows counted exactly
SAMPLE = 200         # rows whose length is measured
ABOUT = {"receipts": 250, "attempts": 300, "events": 500}     # bytes of a row with its indexes, where they are not measured


@dataclass(frozen=True)
class Kept:
    """One kind of rows: how many, how large about, and since when."""

    name: str
    count: Count
    bytes: int
    oldest: datetime | None


def kept(session: Session) -> list[Kept]:
    """Bodies, receipts, attempts and events. Four counts that stop at CAP."""
    first_body = (select(StoredReceipt.received_at).where(StoredReceipt.body_id.is_not(None))
                  .order_by(StoredReceipt.body_id).limit(1))
    own = Attempt.source == TABLE
    return [
        _kept(session, "bodies", Body, session.scalar(first_body), true()),
        _kept(session, "receipts", StoredReceipt, _oldest(session, StoredReceipt, StoredReceipt.received_at, true()), true()),
        _kept(session, "attempts", Attempt, _oldest(session, Attempt, Attempt.started_at, own), own),
        _kept(session, "events", Event, _oldest(session, Event, Event.received_at, true()), true()),
    ]


def _kept(session: Session, name: str, model: type[Model], oldest: datetime | None, which: ColumnElement[bool]) -> Kept:
    some = select(model.__table__.c.id).where(which).limit(CAP + 1).subquery()
    number = session.execute(select(func.count()).select_from(some)).scalar_one()
    return Kept(name, Count(min(number, CAP), number > CAP), _bytes(session, name, model, number), oldest)


def _bytes(session: Session, name: str, model: type[Model], number: int) -> int:
    if not is_sqlite(session.connection()):
        return int(session.execute(select(func.pg_total_relation_size(model.__tablename__))).scalar_one())
    if name != "bodies":
        return number * ABOUT[name]
    some = select(func.length(Body.content).label("size")).order_by(Body.id.desc()).limit(SAMPLE).subquery()
    return int(number * float(session.execute(select(func.coalesce(func.avg(some.c.size), 0))).scalar_one()))


def _oldest(session: Session, model: type[Model], at: Any, which: ColumnElement[bool]) -> datetime | None:
    found: datetime | None = session.scalar(select(at).where(which).order_by(model.__table__.c.id).limit(1))
    return found
