"""All rows a query finds as the driver gives them: for files of a million rows, where every step between counts.

Only what is asked for is read, by one statement for each stretch of the list, whose rows are fetched as they are needed.
"""
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, and_, func, null, select, type_coerce
from sqlalchemy.types import NullType

from app.records import paging, policy, query, searching
from app.records.fields import Field, Money, Reference
from app.records.query import Query
from app.records.registry import named
from app.records.resource import Resource
from app.records.rows import ALWAYS
from app.records.searching import Conditions
from app.transaction import is_sqlite

TEXTS = {"datetime": "YYYY-MM-DD HH24:MI:SS.US", "date": "YYYY-MM-DD"}
"""As SQLite keeps them, in UTC: text, on both databases alike."""
Raw = tuple[Any, ...]


class Leaf(NamedTuple):
    """A value of each row: its field, and where in the row its columns are; of an amount the currency comes second.

    `is_key`: it stands for a reference, as what the record referred to is shown by.
    """

    field: Field
    at: tuple[int, ...]
    is_key: bool = False


class Bare:
    """What is read of the rows `asked` finds, as far as its actor may see it: say each `leaf` first, then go through `blocks`."""

    def __init__(self, connection: Connection, asked: Query) -> None:
        self._connection, self._asked = connection, replace(asked, position=None, backwards=False)
        self._columns: dict[tuple[str, ...], ColumnElement[Any]] = {}
        self._joined: dict[tuple[str, ...], tuple[FromClause, ColumnElement[bool]]] = {}

    def leaf(self, field: Field, *by: Reference) -> Leaf:
        """A field of the records, or of those the references `by` lead to one after the other."""
        if isinstance(field, Reference):
            leaf = self.leaf(named(field.to).require(field.shown_by), *by, field)
            return leaf._replace(is_key=True)
        names = (field.column, field.currency) if isinstance(field, Money) else (field.column,)
        return Leaf(field, tuple(self._place(field, name, by) for name in names))

    def blocks(self, size: int) -> Iterator[Sequence[Raw]]:
        """The rows in the order of the list, `size` at a time. What q= names exactly comes first."""
        connection, asked, table = self._connection, self._asked, self._asked.resource.table
        if not is_sqlite(connection):
            connection.exec_driver_sql("SET LOCAL cursor_tuple_fraction = 1")   # all of it is wanted, not the first rows soon
        found = searching.search(connection, asked, query.holding(asked))
        if found.exact:
            yield from self._read(table, [table.c.id.in_(found.exact)], asked.order, size)
        order = found.order(asked.order)
        if is_sqlite(connection) and asked.filters:
            order = order.unindexed()      # it does not know how many rows a filter leaves: rather sort them
        for stretch in paging.stretches(order, None, False):
            yield from self._read(found.source, [*found.conditions, *stretch], order, size)

    def _read(self, source: FromClause, conditions: Conditions, order: paging.Order, size: int) -> Iterator[Sequence[Raw]]:
        for other, on in self._joined.values():
            source = source.outerjoin(other, on)
        statement = select(*self._columns.values()).select_from(source).where(*conditions).order_by(*order.by(False))
        with self._connection.execute(statement, execution_options={"yield_per": size}) as result:
            yield from result.partitions()

    def _place(self, field: Field, name: str, by: tuple[Reference, ...]) -> int:
        key = (*(step.name for step in by), name)
        if key not in self._columns:
            resource = named(by[-1].to) if by else self._asked.resource
            column = self._text(field, self._table(by).c[name]) if self._may(resource, field) else null()
            self._columns[key] = type_coerce(column, NullType()).label(f"c{len(self._columns)}")
        return list(self._columns).index(key)

    def _may(self, resource: Resource, field: Field) -> bool:
        return field.name in ALWAYS or field in policy.readable(self._asked.actor, resource)

    def _text(self, field: Field, column: ColumnElement[Any]) -> ColumnElement[Any]:
        if is_sqlite(self._connection) or field.kind not in TEXTS:
            return column
        at = func.timezone("UTC", column) if field.kind == "datetime" else column
        return func.to_char(at, TEXTS[field.kind])

    def _table(self, by: tuple[Reference, ...]) -> FromClause:
        """The table these references lead to, joined as far as it may be seen."""
        if not by:
            return self._asked.resource.table
        key = tuple(step.name for step in by)
        if key not in self._joined:
            before, target = self._table(by[:-1]), named(by[-1].to)
            other = target.table.alias(f"of_{'_'.join(key)}")
            visible = policy.scope(self._asked.actor, target, other)
            on = other.c.id == before.c[by[-1].column]
            self._joined[key] = other, on if visible is None else and_(on, visible)
        return self._joined[key][0]


def value(field: Field, raw: Any) -> Any:
    """What the rest of the program has for it."""
    if raw is None:
        return None
    if field.kind == "datetime":
        return datetime.fromisoformat(raw).replace(tzinfo=UTC)
    if field.kind == "date":
        return date.fromisoformat(raw)
    return bool(raw) if field.kind == "boolean" else raw
