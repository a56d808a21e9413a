"""The long steps of a bulk change, as jobs take them: each goes on where it was, with the rights its starter has now."""
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import Conflict
from app.extensions import db
from app.jobs.work import Work
from app.records import batch_steps, query
from app.records.batch_steps import Held
from app.records.batches import Batch, Shape, Shaped, rows_table, stage
from app.records.bulk_changes import BulkChange
from app.records.bulk_run import TOO_MANY, held
from app.records.registry import named
from app.records.selecting import LARGEST, Selection

WRITTEN_DOWN = 2_000
"""Ids of one chunk."""


def plan(work: Work, bulk_id: int) -> None:
    """Write down the ids of all that match, if they were not chosen by hand; then plan every row."""
    while _choose(work, bulk_id):
        pass
    batch_steps.plan(work, _holding(work, bulk_id), shape_of, "plan", "review")


def apply(work: Work, bulk_id: int) -> None:
    """Write the rows."""
    batch_steps.apply(work, _holding(work, bulk_id), shape_of)


def take_back(work: Work, bulk_id: int) -> None:
    """Undo every record it wrote."""
    batch_steps.take_back(work, _holding(work, bulk_id))


def shape_of(bulk: BulkChange, batch: Batch) -> Shape:
    """How its rows become changes: the same values for each record."""
    deeds: dict[str, dict[str, Any]] = {"trash": {"trashed_at": datetime.now(UTC)}, "restore": {"trashed_at": None}}
    values = deeds.get(bulk.deed, bulk.values)
    return lambda cells: Shaped(values, {"id": cells[0]})


def _holding(work: Work, bulk_id: int) -> Held[BulkChange]:
    return lambda session: held(session, bulk_id, work.actor)


def _choose(work: Work, bulk_id: int) -> bool:
    """Write down the next ids; says whether there are more. They are read before the transaction, so that nobody waits."""
    bulk = db.session.get_one(BulkChange, bulk_id, populate_existing=True)
    if bulk.stage != "choose":
        return False
    batch = db.session.get_one(Batch, bulk.batch_id, populate_existing=True)
    number = batch.rows
    selection = Selection(named(bulk.resource), bulk.query or "", everything=True)
    found = query.ids(db.session(), selection.asked(work.actor), WRITTEN_DOWN, after=_last(db.session(), batch))
    with work.transaction(done=number) as session:
        bulk, batch = held(session, bulk_id, work.actor)
        if bulk.stage != "choose":
            return False
        if number + len(found) > LARGEST:
            raise Conflict(TOO_MANY, title="These are too many at once")
        stage(session, batch, ((number + place, [id], None) for place, id in enumerate(found, 1)))
        if len(found) < WRITTEN_DOWN:
            bulk.stage = "plan"
    return len(found) == WRITTEN_DOWN


def _last(session: Session, batch: Batch) -> int:
    """The greatest id written down so far."""
    cells = session.scalar(select(rows_table.c.cells).where(rows_table.c.batch_id == batch.id, rows_table.c.number == batch.rows))
    return int(cells[0]) if cells else 0
