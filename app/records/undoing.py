"""Undoing a batch: for each record the opposite of all its rows at once, unless somebody has changed it since."""
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import Actor, Audit, Door
from app.records import changes
from app.records.batches import Batch, chunk_size, rows_table, source
from app.records.changes import Change, Outcome, Source
from app.records.planning import row_values, write
from app.records.referring import referred
from app.records.registry import named
from app.records.resource import Resource
from app.transaction import lock, now

Kept = Sequence[Any]
NEEDED = {"": "Another record refers to it by now. It was left as it is."}
TRASHED = {"updated": "trashed", "unchanged": "trashed", "conflict": "kept"}


def undo_chunk(session: Session, batch_id: int, actor: Actor, size: int | None = None) -> bool:
    """Undo the batch in the next records, in the caller's transaction; says whether there are more.

    What it created goes to the trash, what it changed gets its old values back. A record changed since is left alone and
    its rows say "kept". Where it has come to is part of the commit, so it can be repeated after a crash.
    """
    batch = lock(session, Batch, batch_id)
    limit = size or chunk_size(session)
    records = [list(rows) for _, rows in groupby(_written(session, batch, limit), key=attrgetter("record_id"))]
    if records:
        moment = now(session)
        asked = [_opposite(named(batch.resource), rows, moment) for rows in records]
        outcomes = changes.apply(session, asked, _back(batch, actor))
        said = [(rows, _became(rows, outcome), outcome) for rows, outcome in zip(records, outcomes, strict=True)]
        write(session, [_row(batch, one, kind, outcome) for rows, kind, outcome in said for one in rows if one.door_part])
        batch.undone = dict(Counter(batch.undone) + Counter(kind for _, kind, _ in said))
        batch.undone_to = records[-1][0].record_id
    return len(records) == limit


def trash_chunk(session: Session, batch_id: int, actor: Actor, size: int | None = None) -> bool:
    """Move the next records this batch created to the trash; says whether there are more. As `undo_chunk`, by its rows: for a
    batch that shares its door with others. What others refer to by now stays.
    """
    batch = lock(session, Batch, batch_id)
    columns, limit = rows_table.c, size or chunk_size(session)
    rows = session.execute(select(columns.number.label("door_part"), columns.record_id, columns.version).where(
        columns.batch_id == batch.id, columns.outcome == "created", columns.record_id.is_not(None))
        .order_by(columns.number).limit(limit)).all()
    if rows:
        moment, needed = now(session), referred(session, named(batch.resource), [row.record_id for row in rows])
        free = [row for row in rows if row.record_id not in needed]
        asked = [Change(batch.resource, {"trashed_at": moment}, key={"id": row.record_id}, version=row.version,
                        cause=row.door_part) for row in free]
        outcomes = changes.apply(session, asked, source(batch, actor, Door.UNDO)) if asked else []
        said = [_row(batch, row, TRASHED.get(outcome.kind, "refused"), outcome)
                for row, outcome in zip(free, outcomes, strict=True)]
        said += [row_values(batch, row.door_part, "kept", NEEDED, None, row.record_id, row.version)
                 for row in rows if row.record_id in needed]
        write(session, said)
        batch.undone = dict(Counter(batch.undone) + Counter(one["to_outcome"] for one in said))
    return len(rows) == limit


def _back(batch: Batch, actor: Actor) -> Source:
    """What a sync wrote is what a provider keeps: only its undo may write that too."""
    return source(batch, actor, Door.UNDO)._replace(gives_back=batch.door == Door.SYNC)


def _written(session: Session, batch: Batch, limit: int) -> Kept:
    """What the audit has of the next records this batch wrote, oldest first within each."""
    ours = (Audit.door == batch.door, Audit.door_id == (batch.door_id or batch.id), Audit.resource == batch.resource)
    records = select(Audit.record_id).where(*ours, Audit.record_id > batch.undone_to).distinct().order_by(
        Audit.record_id).limit(limit)
    return session.execute(select(Audit.record_id, Audit.version, Audit.action, Audit.diff, Audit.door_part).where(
        *ours, Audit.record_id.in_(records)).order_by(Audit.record_id, Audit.version)).all()


def _opposite(resource: Resource, rows: Kept, moment: datetime) -> Change:
    """One change back for everything the batch did to a record, as of the version it left."""
    id, version = rows[0].record_id, rows[-1].version
    if rows[0].action == "created":
        return Change(resource.name, {"trashed_at": moment}, key={"id": id}, version=version, cause=rows[0].door_part)
    old: dict[str, Any] = {}
    for row in rows:
        for column, (before, _) in json.loads(row.diff).items():
            old.setdefault(column, _revived(resource, column, before))
    return Change(resource.name, old, key={"id": id}, version=version, only="update", cause=rows[0].door_part)


def _revived(resource: Resource, column: str, value: Any) -> Any:
    """A value as the audit keeps it (JSON), as the record had it."""
    field = resource.field(column)
    return datetime.fromisoformat(value) if value is not None and field is not None and field.kind == "datetime" else value


def _became(rows: Kept, outcome: Outcome) -> str:
    if outcome.kind in ("updated", "unchanged"):
        return "trashed" if rows[0].action == "created" else "restored"
    return "kept" if outcome.kind == "conflict" else "refused"


def _row(batch: Batch, row: Any, kind: str, outcome: Outcome) -> dict[str, Any]:
    changed = {"": "Somebody has changed this record since. It was left as it is."}
    errors = changed if kind == "kept" else outcome.errors
    return row_values(batch, row.door_part, kind, errors, None, row.record_id, outcome.version or row.version)
