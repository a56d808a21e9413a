"""Applying a planned batch: chunk by chunk with the place it has come to in the same commit, or all of it in one transaction."""
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import Actor, Door
from app.counting import counted
from app.errors import Conflict, Problem
from app.records import changes
from app.records.batches import ACCEPTED, REFUSED, WHOLE, Batch, Shape, chunk_size, counts, refused, rows_table, shaped, source
from app.records.bulk import among
from app.records.changes import Change, Outcome
from app.records.planning import row_values, write
from app.records.registry import named
from app.transaction import lock

Written = list[dict[str, Any]]
AT_ONCE = 10
"""Chunks that may share a commit as long as there is nothing to write in them."""


class Spoilt(Problem):
    """All or nothing was asked for and some rows are refused: nothing may be written. `rows` say which and why."""

    status, title = 409, "Nothing was written"

    def __init__(self, rows: Written) -> None:
        super().__init__(f"{counted(len(rows), 'row was', 'rows were')} refused, and all rows or none were asked for.")
        self.rows = rows


def apply_chunk(session: Session, batch_id: int, actor: Actor, shape: Shape | None, size: int | None = None) -> bool:
    """Apply the next rows in the caller's transaction, with the rights `actor` has now; says whether there are more.

    Where it has come to is written with the rows, so after a crash it goes on there and repeats nothing. A record that was
    changed after the plan is left as it is: conflict. Call nothing between this and the commit.
    """
    batch = lock(session, Batch, batch_id)
    limit = size or chunk_size(session)
    for _ in range(AT_ONCE):
        rows = _next(session, batch, limit)
        idle = _untouched(session, batch, rows, actor)
        if rows:
            others = [row for row in rows if row.number not in idle]
            _keep(session, batch, _applied(session, batch, others, actor, shape) if others else [], len(idle))
            batch.applied_to = rows[-1].number
        if len(idle) < limit:
            break
    return len(rows) == limit


def apply_whole(session: Session, batch_id: int, actor: Actor, shape: Shape | None) -> None:
    """Apply every row in the caller's transaction. Raises Spoilt, for the transaction to be rolled back, if one is refused."""
    batch = lock(session, Batch, batch_id)
    check_whole(batch)
    rows = _next(session, batch, WHOLE)
    found = _applied(session, batch, rows, actor, shape)
    if spoilt := [one for one in found if one["to_outcome"] in REFUSED]:
        raise Spoilt(spoilt)
    _keep(session, batch, found)
    batch.applied_to = rows[-1].number if rows else 0


def check_whole(batch: Batch) -> None:
    """Raise Conflict when this batch cannot be applied all or nothing."""
    if batch.rows > WHOLE:
        raise Conflict(f"All or nothing works up to {WHOLE:,} rows, and there are {batch.rows:,}. Apply the good rows instead.")
    if count := refused(batch.plans):
        refused_now = counted(count, "row is", "rows are")
        raise Conflict(f"{refused_now} refused. Mend that in the file and upload it again, or apply the good rows.")


def spoil(session: Session, batch_id: int, found: Written) -> None:
    """Write beside the rows why they spoilt the whole, in a transaction of its own after the rollback."""
    batch = lock(session, Batch, batch_id)
    write(session, found)
    batch.plans = counts(session, batch)


def _next(session: Session, batch: Batch, limit: int) -> Sequence[Any]:
    columns = rows_table.c
    return session.execute(
        select(columns.number, columns.cells, columns["values"], columns.outcome, columns.record_id, columns.version)
        .where(columns.batch_id == batch.id, columns.number > batch.applied_to, columns.outcome.in_(ACCEPTED))
        .order_by(columns.number).limit(limit)).all()


def _untouched(session: Session, batch: Batch, rows: Sequence[Any], actor: Actor) -> set[int]:
    """The numbers of the rows that would change nothing, and whose record is still as the plan saw it: nothing is to be written.

    Not of what a provider says: unchanged news is news.
    """
    seen = {row.record_id: row.version for row in rows if row.outcome == "unchanged"}
    if not seen or batch.door not in (Door.IMPORT, Door.BULK) or not actor.may(f"{batch.resource}.edit"):
        return set()
    columns = named(batch.resource).table.c
    found = session.execute(select(columns.id, columns.version).where(among(session.connection(), columns.id, seen)))
    same = {id for id, version in found.all() if seen[id] == version}
    return {row.number for row in rows if row.outcome == "unchanged" and row.record_id in same}


def _applied(session: Session, batch: Batch, rows: Sequence[Any], actor: Actor, shape: Shape | None) -> Written:
    asked = [_change(batch, row, shape) for row in rows]
    outcomes = changes.apply(session, asked, source(batch, actor))
    return [_became(batch, row, outcome) for row, outcome in zip(rows, outcomes, strict=True)]


def _change(batch: Batch, row: Any, shape: Shape | None) -> Change:
    one = shaped(row, shape)
    if row.outcome == "created":
        return Change(batch.resource, one.values, key=one.key, only="create", cause=row.number, as_of=one.as_of, parts=one.parts)
    key = {"id": row.record_id} if one.as_of is None else one.key      # a provider may take a record of ours into its keeping
    return Change(batch.resource, one.values, key=key, version=row.version, only="update", cause=row.number, as_of=one.as_of,
                  parts=one.parts)


def _became(batch: Batch, row: Any, outcome: Outcome) -> dict[str, Any]:
    kind, errors = outcome.kind, dict(outcome.errors)
    if kind == "invalid" and row.outcome == "created" and outcome.id is not None:
        kind, errors = "conflict", {"": "Somebody created this record after the preview. Preview again to see the difference."}
    elif kind == "conflict":
        errors = {"": "Somebody changed this record after the preview. Preview again to see the difference."}
    diff = outcome.diff if kind in ("updated", "conflict") else None
    return row_values(batch, row.number, kind, errors, diff, outcome.id or row.record_id, outcome.version or row.version)


def _keep(session: Session, batch: Batch, found: Written, idle: int = 0) -> None:
    """Write what became of the rows; of `idle` ones it stands there already."""
    write(session, found)
    batch.outcomes = dict(Counter(batch.outcomes) + Counter(one["to_outcome"] for one in found) + Counter(unchanged=idle))
