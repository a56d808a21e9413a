"""Keyset paging: a list in pieces that cost the same wherever they begin. NULLs come last in both directions.

An index on (column, id) answers each stretch as a range: first the rows that have a value, then those without. The id breaks
ties in the direction of the column, so that one index serves both.
"""
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, FromClause, UnaryExpression, literal, tuple_
from sqlalchemy.sql.operators import custom_op

from app.records.cursor import END, Position


class Order(NamedTuple):
    """What a list is sorted by; `id` breaks ties. Where both are the id, the id alone decides."""

    column: ColumnElement[Any]
    id: ColumnElement[int]
    descending: bool
    nullable: bool

    @property
    def by_id(self) -> bool:
        return self.column is self.id

    def by(self, backwards: bool) -> list[UnaryExpression[Any]]:
        """ORDER BY, within one stretch."""
        down = self.descending is not backwards
        return [(column.desc() if down else column.asc()) for column in ([self.id] if self.by_id else [self.column, self.id])]

    def on(self, table: FromClause) -> "Order":
        """The same order over a subquery that carries the columns as `sort_value` and `id`."""
        sort = table.c.id if self.by_id else table.c.sort_value
        return self._replace(column=sort, id=table.c.id)

    def unindexed(self) -> "Order":
        """The same order, for SQLite to sort by rather than walk an index for: a plus sign hides the column from its planner."""
        hidden: UnaryExpression[Any] = UnaryExpression(self.column, operator=HIDE, type_=self.column.type)
        return self if self.by_id else self._replace(column=hidden)


HIDE: Any = custom_op("+")


def stretches(order: Order, position: Position | None, backwards: bool) -> Iterator[list[ColumnElement[bool]]]:
    """The ranges that follow `position` (None: the very first or, backwards, the very last row), one after the other."""
    if position == END and not backwards:
        return
    if position is None or position == END:
        whole = [_filled(order)] + ([[order.column.is_(None)]] if order.nullable else [])
        yield from reversed(whole) if backwards else whole
    elif position.value is None and not order.by_id:
        yield [order.column.is_(None), _beyond(order, order.id, literal(position.id), backwards)]
        if backwards:
            yield _filled(order)
    else:
        yield [_after(order, position, backwards)]
        if order.nullable and not backwards:
            yield [order.column.is_(None)]


def position_of(order: Order, value: object, id: int) -> Position:
    """Where a row stands in the list."""
    return Position(id if order.by_id else value, id)


def _filled(order: Order) -> list[ColumnElement[bool]]:
    return [order.column.is_not(None)] if order.nullable else []


def _after(order: Order, position: Position, backwards: bool) -> ColumnElement[bool]:
    if order.by_id:
        return _beyond(order, order.id, literal(position.id), backwards)
    here = tuple_(literal(position.value, order.column.type), literal(position.id))
    return _beyond(order, tuple_(order.column, order.id), here, backwards)


def _beyond(order: Order, left: Any, right: Any, backwards: bool) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = left < right if order.descending is not backwards else left > right
    return condition
