"""Whether an actor may still see a record once it is as they want it: nobody moves one out of their own sight."""
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, FromClause, Select, Text, cast, false, func, literal, not_, null, select, union_all

from app.records import policy
from app.records.batch import Batch
from app.records.held import Row
from app.records.resource import Resource
from app.records.write import derived

AT_ONCE = 100


def unseen(batch: Batch, rows: Sequence[Row]) -> set[int]:
    """The ids of those rows the actor would not see. Asked of the database, with the values they would have; writes nothing."""
    found: set[int] = set()
    by_resource: dict[Resource, list[Row]] = {}
    for row in rows:
        by_resource.setdefault(row.resource, []).append(row)
    for resource, alike in by_resource.items():
        if batch.scope(resource) is not None:
            for start in range(0, len(alike), AT_ONCE):
                found |= _unseen(batch, resource, alike[start:start + AT_ONCE])
    return found


def _unseen(batch: Batch, resource: Resource, rows: Sequence[Row]) -> set[int]:
    would_be = _as_table(resource, rows)
    scope = policy.scope(batch.source.actor, resource, would_be)
    hidden: ColumnElement[bool] = false() if scope is None else not_(func.coalesce(scope, false()))
    return set(batch.connection.execute(select(would_be.c.id).where(hidden)).scalars())


def _as_table(resource: Resource, rows: Sequence[Row]) -> FromClause:
    """A table with these rows in it, which the database has never seen."""
    columns = [column for column in resource.table.columns if column.name not in ("said", "created_at", "updated_at")]
    return union_all(*(_as_select(columns, derived(resource, row.values)) for row in rows)).subquery("would_be")


def _as_select(columns: Sequence[Column[Any]], values: dict[str, Any]) -> Select[Any]:
    return select(*(_literal(column, values.get(column.name)).label(column.name) for column in columns))


def _literal(column: Column[Any], value: Any) -> ColumnElement[Any]:
    """A value that both databases take for one of this column's type."""
    if value is not None and not isinstance(column.type, Text):
        return literal(value, column.type)
    return cast(null() if value is None else literal(value, column.type), column.type)
