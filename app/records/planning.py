"""The plan of a batch, chunk by chunk: what would become of each row, written beside it. No record is touched."""
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.audit import Actor, to_json
from app.records import batches, bulk, changes
from app.records.batches import Batch, Shape, Shaped, chunk_size, rows_table, shaped, source
from app.records.changes import Change, Outcome
from app.records.registry import named
from app.transaction import lock

ONLY: dict[str, Any] = {"create": "create", "update": "update"}


def plan_chunk(session: Session, batch_id: int, actor: Actor, shape: Shape | None, size: int | None = None,
               leave: Mapping[int, str] | None = None) -> bool:
    """Plan the next rows, in the caller's transaction; says whether there are more. The rights are those `actor` has now.

    A row that means the same record as one before it is "repeated": the first one counts. Rows in `leave`, {number: why},
    are "skipped", as are those a person left out. Of a batch that is planned again only the rows without a plan are.
    """
    batch = lock(session, Batch, batch_id)
    limit = size or chunk_size(session)
    rows = _next(session, batch, limit)
    more = len(rows) == limit
    if rows:
        left = _left(rows, leave or {})
        last, rows = rows[-1].number, [row for row in rows if row.number not in left]
        read = _accounted(session, batch, [shaped(row, shape) for row in rows])
        first = _firsts(session, batch, rows, read)
        asked = [(row, one) for row, one in zip(rows, read, strict=True) if row.number not in first]
        outcomes = changes.plan(session, [_change(batch, row.number, one) for row, one in asked], source(batch, actor))
        found = [_planned(batch, row.number, one, outcome) for (row, one), outcome in zip(asked, outcomes, strict=True)]
        found += [_repeated(batch, row.number, one, first[row.number]) for row, one in zip(rows, read, strict=True)
                  if row.number in first]
        found += [row_values(batch, number, "skipped", {"": why}) | {"to_key": None} for number, why in left.items()]
        write(session, found)
        batch.plans = dict(Counter(batch.plans) + Counter(one["to_outcome"] for one in found))
        batch.planned_to = last
        more = batch.is_again and _overtaken(session, batch, {one.same: row.number for row, one in asked}) or more
    return more


def _left(rows: Sequence[Any], leave: Mapping[int, str]) -> dict[int, str]:
    """{number of a row that is left out: why}. What a person says of a row goes before what was found out."""
    by_hand = {row.number: f"Left out by {row.mended_by}." for row in rows if row.is_left}
    return by_hand | {row.number: leave[row.number] for row in rows if row.is_left is None and row.number in leave}


def _overtaken(session: Session, batch: Batch, firsts: Mapping[str | None, int]) -> bool:
    """Whether rows behind the `firsts` were planned as if they came first: they are planned again."""
    later = [and_(rows_table.c.key == key, rows_table.c.number > number) for key, number in firsts.items() if key is not None]
    return bool(later and batches.unplan(session, batch, or_(*later)))


def _next(session: Session, batch: Batch, size: int) -> Sequence[Any]:
    columns = rows_table.c
    unplanned = (columns.outcome.is_(None),) if batch.is_again else ()
    return session.execute(
        select(columns.number, columns.cells, columns["values"], columns.record_id, columns.is_left, columns.mended_by)
        .where(columns.batch_id == batch.id, columns.number > batch.planned_to, *unplanned)
        .order_by(columns.number).limit(size)).all()


def _change(batch: Batch, number: int, one: Shaped) -> Change:
    return Change(batch.resource, one.values, key=one.key, only=ONLY.get(batch.mode), cause=number, as_of=one.as_of,
                  parts=one.parts)


def _accounted(session: Session, batch: Batch, read: list[Shaped]) -> list[Shaped]:
    """An outside id that is written without its account means the one record that has it."""
    bare = {one.key["external_id"] for one in read if one.key is not None and set(one.key) == {"external_id"}}
    if not bare:
        return read
    columns, accounts = named(batch.resource).table.c, defaultdict[str, list[str]](list)
    for external_id, account in session.execute(
            select(columns.external_id, columns.account).where(columns.external_id.in_([str(id).strip() for id in bare]))):
        accounts[external_id].append(account)
    return [_of_account(one, accounts) for one in read]


def _of_account(one: Shaped, accounts: Mapping[str, list[str]]) -> Shaped:
    if one.key is None or set(one.key) != {"external_id"}:
        return one
    found = accounts.get(str(one.key["external_id"]).strip(), [])
    if len(found) == 1:
        return one._replace(key={**one.key, "account": found[0]})
    if not found:
        return one
    several = f"The accounts {', '.join(sorted(found))} all have this ID. Add a column Account that says which one is meant."
    return one._replace(errors={**one.errors, "external_id": several})


def _firsts(session: Session, batch: Batch, rows: Sequence[Any], read: Sequence[Shaped]) -> dict[int, int]:
    """{number of a repeat: number of the first row that means the same record}."""
    keys = {one.same for one in read if one.same is not None}
    query = select(rows_table.c.key, func.min(rows_table.c.number)).where(
        rows_table.c.batch_id == batch.id, rows_table.c.key.in_(keys))
    first: dict[str, int] = dict(session.execute(query.group_by(rows_table.c.key)).all()) if keys else {}
    repeats = {}
    for row, one in zip(rows, read, strict=True):
        if one.same is not None and first.setdefault(one.same, row.number) < row.number:
            repeats[row.number] = first[one.same]
        elif one.same is not None:
            first[one.same] = row.number
    return repeats


def _planned(batch: Batch, number: int, one: Shaped, outcome: Outcome) -> dict[str, Any]:
    errors = {**outcome.errors, **one.errors}
    kind = "invalid" if one.errors else outcome.kind
    diff = outcome.diff if kind in ("updated", "conflict") else None
    return row_values(batch, number, kind, errors, diff, outcome.id, _seen(outcome)) | {"to_key": one.same}


def _seen(outcome: Outcome) -> int | None:
    """The version the plan looked at; its outcome tells the one there would be afterwards."""
    return outcome.version - 1 if outcome.kind == "updated" and outcome.version else outcome.version


def _repeated(batch: Batch, number: int, one: Shaped, first: int) -> dict[str, Any]:
    return row_values(batch, number, "repeated", {"": f"This is the same record as row {first}. Only the first one counts."}) | {
        "to_key": one.same}


def row_values(batch: Batch, number: int, outcome: str, errors: Any = None, diff: Any = None, record_id: int | None = None,
               version: int | None = None) -> dict[str, Any]:
    """One line for `write`."""
    return {"of_batch": batch.id, "of_number": number, "to_outcome": outcome, "to_errors": errors or None,
            "to_diff": json.loads(to_json(diff)) if diff else None, "to_record_id": record_id, "to_version": version}


def write(session: Session, found: Sequence[dict[str, Any]]) -> None:
    """Write what was found out beside the rows; `to_key` only if it is given."""
    if not found:
        return
    names = [name for name in found[0] if name.startswith("to_")]
    bulk.put(session.connection(), rows_table, [name.removeprefix("to_") for name in names], ("batch_id", "number"),
             [(*(one[name] for name in names), one["of_batch"], one["of_number"]) for one in found])
