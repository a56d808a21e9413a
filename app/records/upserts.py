"""Many records created or changed at once, each found by what names it: the verb behind the API's bulk upsert."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.errors import TooLarge
from app.records import changes
from app.records.changes import Change, Outcome, Source
from app.records.parse import IDENTITY
from app.records.registry import named
from app.records.resource import Resource

MOST = 1_000
"""Rows of one call."""
Row = Mapping[str, Any]


def upsert(session: Session, resource: str, rows: Sequence[Row | Outcome], source: Source) -> list[Outcome]:
    """Create or change a record for each row, in the caller's transaction; one outcome a row, in order.

    A row is {field name: value} and is found by its `id` (which only changes), else by the key of the resource, else by
    `external_id` (within `account`, where that is given). A `version` beside them refuses to overwrite another one. Rows
    end as if sent one after the other, so a record may come twice; a refused row refuses no other, nor does one that is an
    Outcome already: it was refused before. Raises TooLarge beyond 1,000 rows. Like `changes.apply`: once a transaction, and
    the last thing in it.
    """
    return _decided(resource, rows, lambda asked: changes.apply(session, asked, source))


def plan(session: Session, resource: str, rows: Sequence[Row | Outcome], source: Source) -> list[Outcome]:
    """What `upsert` would do now. Writes and locks nothing."""
    return _decided(resource, rows, lambda asked: changes.plan(session, asked, source))


def _decided(resource: str, rows: Sequence[Row | Outcome], decide: Callable[[list[Change]], list[Outcome]]) -> list[Outcome]:
    if len(rows) > MOST:
        raise TooLarge(f"At most {MOST:,} rows are taken at once, and these are {len(rows):,}. Send them in smaller parts.")
    kind = named(resource)
    read = [row if isinstance(row, Outcome) else _change(kind, row) for row in rows]
    decided = iter(decide([one for one in read if isinstance(one, Change)]))
    return [next(decided) if isinstance(one, Change) else one for one in read]


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
