"""What taking a batch back would do: how many records go to the trash or get their old values, and which stay, changed since."""
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit import Actor, Audit
from app.records import policy
from app.records.batches import Batch, rows_table
from app.records.registry import named

SHOWN = 20
WRITTEN = ("created", "updated")


@dataclass(frozen=True)
class Touched:
    """A record that was changed since; no title for one the reader may not see."""

    number: int             # of the row
    record_id: int
    title: str
    by: str
    at: datetime | None


@dataclass(frozen=True)
class Prospect:
    """`trashed` and `restored` as far as nobody is faster; `touched`: the first of those that are kept."""

    trashed: int
    restored: int
    kept: int
    touched: list[Touched]


def of(session: Session, batch: Batch, actor: Actor) -> Prospect:
    """One look at the rows and the versions of their records; nothing is written or locked."""
    columns, table = rows_table.c, named(batch.resource).table
    beside = rows_table.join(table, table.c.id == columns.record_id)
    ours = columns.batch_id == batch.id, columns.outcome.in_(WRITTEN)
    moved = table.c.version != columns.version
    counts = session.execute(
        select(columns.outcome, moved, func.count()).select_from(beside).where(*ours).group_by(columns.outcome, moved))
    found = {(outcome, bool(is_moved)): number for outcome, is_moved, number in counts}
    first = session.execute(select(columns.number, columns.record_id, table.c.version).select_from(beside).where(*ours, moved)
                            .order_by(columns.number).limit(SHOWN)).all()
    return Prospect(found.get(("created", False), 0), found.get(("updated", False), 0),
                    sum(found.get((outcome, True), 0) for outcome in WRITTEN), _touched(session, batch, first, actor))


def _touched(session: Session, batch: Batch, rows: Any, actor: Actor) -> list[Touched]:
    if not rows:
        return []
    resource, ids = named(batch.resource), [row.record_id for row in rows]
    scope = policy.scope(actor, resource)
    seen = [resource.table.c.id.in_(ids), *([] if scope is None else [scope])]
    records = session.execute(select(resource.table).where(*seen)).mappings()
    titles = {record["id"]: resource.text(dict(record)) for record in records}
    changes = session.execute(select(Audit.record_id, Audit.version, Audit.actor, Audit.at).where(
        Audit.resource == resource.name, Audit.record_id.in_(ids)))
    last = {(one.record_id, one.version): one for one in changes}
    said = [(row, last.get((row.record_id, row.version))) for row in rows]
    return [Touched(row.number, row.record_id, titles.get(row.record_id, ""),
                    one.actor if one and row.record_id in titles else "", one.at if one else None) for row, one in said]
