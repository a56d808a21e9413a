"""What is read of each record, and how a result becomes rows: values by column, references with their labels, lines."""
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Connection, FromClause, RowMapping, Select, Table, and_, select

from app.records.fields import Field, Lines, Money, Ref, Reference
from app.records.filters import Sight
from app.records.registry import named
from app.records.resource import Resource

Row = dict[str, Any]
ALWAYS = ("id", "version", "created_at", "updated_at", "trashed_at", "account")


@dataclass(frozen=True)
class Label:
    """A reference and the columns of the record it names, under names of their own in the result."""

    field: Reference
    target: Resource
    columns: dict[str, str]      # column of the target -> name in the result

    def of(self, found: RowMapping) -> Ref | None:
        """The record referred to; None without one, or if the actor may not see it."""
        id = found[self.columns["id"]]
        if id is None:
            return None
        row = {column: found[name] for column, name in self.columns.items()}
        shown = self.target.require(self.field.shown_by)
        return Ref(id, shown.written(row), self.target.text(row))


@dataclass(frozen=True)
class Selection:
    """Columns and joins that read `fields` of `table`; `rows` makes of each result what the rest of the program calls a row."""

    columns: tuple[ColumnElement[Any], ...]
    labels: tuple[Label, ...]
    source: FromClause
    names: tuple[str, ...]

    def rows(self, found: Iterable[RowMapping]) -> list[Row]:
        return [self._row(one) for one in found]

    def _row(self, found: RowMapping) -> Row:
        row = {name: found[name] for name in self.names}
        for label in self.labels:
            row[label.field.name] = label.of(found)
        return row


def selection(resource: Resource, fields: Sequence[Field], sight: Sight, *, source: FromClause | None = None) -> Selection:
    """How to read these fields of the resource and what every record has; `source` may begin the joins with its own table."""
    table = resource.table
    return _selection(table, [*ALWAYS, *_names(fields)], fields, sight, table if source is None else source)


def add_lines(connection: Connection, field: Lines, rows: Sequence[Row], sight: Sight) -> None:
    """Give each row its lines, in order, references labelled. 1 statement."""
    table = cast(Table, field.model.__table__)
    chosen = _selection(table, ["parent_id", "position", *_names(field.fields)], field.fields, sight, table)
    parents = table.c.parent_id.in_([row["id"] for row in rows])
    statement = reading(chosen).where(parents).order_by(table.c.parent_id, table.c.position)
    by_parent: dict[int, list[Row]] = {row["id"]: [] for row in rows}
    for line in chosen.rows(connection.execute(statement).mappings()) if rows else ():
        by_parent[line.pop("parent_id")].append(line)
    for row in rows:
        row[field.name] = by_parent[row["id"]]


def reading(chosen: Selection) -> Select[Any]:
    return select(*chosen.columns).select_from(chosen.source)


def _names(fields: Sequence[Field]) -> list[str]:
    """The columns of these fields, and what an amount or a reference cannot be read without."""
    found = []
    for field in fields:
        found.append(field.column)
        if isinstance(field, Money):
            found.append(field.currency)
        if isinstance(field, Reference) and field.loose:
            found.append(field.ref_column)
    return found


def _selection(table: Table, names: Sequence[str], fields: Sequence[Field], sight: Sight, source: FromClause) -> Selection:
    own: list[Column[Any]] = [table.c[name] for name in dict.fromkeys(names) if name in table.c]
    columns: list[ColumnElement[Any]] = [*own]
    labels = []
    for field in fields:
        if isinstance(field, Reference):
            label, labelled, source = _labelled(table, field, sight, source)
            columns += labelled
            labels.append(label)
    return Selection(tuple(columns), tuple(labels), source, tuple(column.name for column in own))


def _labelled(table: Table, field: Reference, sight: Sight,
              source: FromClause) -> tuple[Label, list[ColumnElement[Any]], FromClause]:
    """Join the record referred to, as far as it may be seen."""
    target = named(field.to)
    other = target.table.alias(f"of_{field.name}")
    seen = {one.name for one in sight.fields(target)}
    shown = [target.require(name) for name in dict.fromkeys((field.shown_by, *(target.titled or (target.key,)))) if name in seen]
    columns = {name: f"{field.name}__{name}" for name in dict.fromkeys(["id", *_names(shown)])}
    on = [other.c.id == table.c[field.column]]
    visible = sight.rows(target, other)
    if visible is not None:
        on.append(visible)
    chosen = [other.c[name].label(label) for name, label in columns.items()]
    return Label(field, target, columns), [*chosen], source.outerjoin(other, and_(*on))
