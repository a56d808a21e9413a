"""Many records created or changed at once, each found by what names it: the verb behind the API's bulk upsert."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.errors import TooLarge
from app.records import changes
from app.records.changes import Change, Outcome, Source
from app.records.parse import IDENTITY
from app.records.problems import pointers
from app.records.registry import named
from app.records.resource import Resource
from app.records.rules import MISSING

MOST = 1_000
"""Rows of one call."""
Decide = Callable[[Session, list[Change], Source], list[Outcome]]
Row = Mapping[str, Any]


class Amiss(NamedTuple):
    """A row of which some values are not of their type: `errors` by JSON pointer. `fit` are the others."""

    fit: Row
    errors: Mapping[str, str]


def upsert(session: Session, resource: str, rows: Sequence[Row | Amiss], source: Source) -> list[Outcome]:
    """Create or change a record for each row, in the caller's transaction; one outcome a row, in order.

    A row is {field name: value} and is found by its `id` (which only changes), else by the key of the resource, else by
    `external_id` (within `account`, where that is given). A `version` beside them refuses to overwrite another one. Rows
    end as if sent one after the other, so a record may come twice; a refused row refuses no other, nor does one that is amiss:
    it is refused with all that is wrong with it. Raises TooLarge beyond 1,000 rows. Like `changes.apply`: once a transaction, and
    the last thing in it.
    """
    return _decided(session, resource, rows, source, changes.apply)


def plan(session: Session, resource: str, rows: Sequence[Row | Amiss], source: Source) -> list[Outcome]:
    """What `upsert` would do now. Writes and locks nothing."""
    return _decided(session, resource, rows, source, changes.plan)


def _decided(session: Session, resource: str, rows: Sequence[Row | Amiss], source: Source, decide: Decide) -> list[Outcome]:
    if len(rows) > MOST:
        raise TooLarge(f"At most {MOST:,} rows are taken at once, and these are {len(rows):,}. Send them in smaller parts.")
    kind = named(resource)
    amiss = _refused(session, kind, rows, source) if any(isinstance(row, Amiss) for row in rows) else {}
    read = [amiss[place] if isinstance(row, Amiss) else _change(kind, row) for place, row in enumerate(rows)]
    decided = iter(decide(session, [one for one in read if isinstance(one, Change)], source))
    return [next(decided) if isinstance(one, Change) else one for one in read]


def _refused(session: Session, kind: Resource, rows: Sequence[Row | Amiss], source: Source) -> dict[int, Outcome]:
    """What becomes of the rows that are amiss, by place: all rows are planned as far as they fit, so that nobody mends a row in
    two rounds.
    """
    read = [_as_new(kind, row) if isinstance(row, Amiss) else _change(kind, row) for row in rows]
    planned = iter(changes.plan(session, [one for one in read if isinstance(one, Change)], source))
    decided = [next(planned) if isinstance(one, Change) else one for one in read]
    return {place: Outcome("invalid", errors=_all(kind, row, one))
            for place, (row, one) in enumerate(zip(rows, decided, strict=True)) if isinstance(row, Amiss)}


def _as_new(kind: Resource, row: Amiss) -> Change | Outcome:
    """Where what names the record is amiss, the rest is read as for a new one."""
    return Change(kind.name, row.fit, only="create") if _nameless(kind, row) else _change(kind, row.fit)


def _nameless(kind: Resource, row: Amiss) -> bool:
    return any(f"/{name}" in row.errors for names in _keys(kind) for name in names)


def _all(kind: Resource, row: Amiss, outcome: Outcome) -> dict[str, str]:
    """What the gate says of what fits, and what does not fit. Of a record nobody can tell nothing is missing."""
    said = outcome.errors if outcome.kind in ("invalid", "missing") else {}
    told = {name: text for name, text in said.items() if not (_nameless(kind, row) and text == MISSING)}
    return {**pointers(kind, told), **row.errors}


def _change(kind: Resource, row: Row) -> Change | Outcome:
    """What the row asks for; refused if it names no record."""
    names = next((names for names in _keys(kind) if row.get(names[0]) not in (None, "")), None)
    if names is None:
        ways = ", ".join(dict.fromkeys(names[0] for names in _keys(kind)))
        return Outcome("invalid", errors={"": f"This row does not say which record it means. Give one of: {ways}."})
    version = row.get("version")
    if version is not None and type(version) is not int:
        return Outcome("invalid", errors={"version": "This is not a version. Send the number the record had when you read it."})
    key = {name: row[name] for name in names if name in row}
    values = {name: value for name, value in row.items() if name not in key and name != "version"}
    return Change(kind.name, values, key=key, version=version, only="update" if "id" in key else None)


def _keys(kind: Resource) -> list[tuple[str, ...]]:
    """What a record is found by, the surest first: the names that make up each key."""
    outside = [(IDENTITY, "account")] if kind.outside else []
    return [("id",), *([] if kind.key == IDENTITY else [(kind.key,)]), *outside]
