"""Which columns an export can have: fields of the records, of what these refer to, of their lines; and how values are written."""
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from app.audit import Actor
from app.errors import BadRequest
from app.exports.style import PLAIN, Style
from app.files.writing import Value
from app.records import expanding, policy
from app.records.fields import DateTime, Field, Integer, Lines, Reference, Text
from app.records.query import Row
from app.records.registry import named
from app.records.resource import Resource

ID, ACCOUNT = Integer("id", "ID"), Text("account", "Account")
CREATED, CHANGED = DateTime("created_at", "Created"), DateTime("updated_at", "Changed")
EXTRA = ("id", "created_at", "updated_at")
"""Columns that are offered, but not chosen until somebody wants them; lines neither."""
PLAIN_KINDS = ("text", "longtext", "email", "choice", "integer")
"""What stands in a file as it is kept."""
LINE = " line"
"""Where a row keeps which of its lines it stands for; no column has this name."""


@dataclass(frozen=True)
class Column:
    """A field of the record, of the record `by` refers to, or of its lines `of`: of the one a row is for, or of line `number`."""

    field: Field
    by: Reference | None = None
    of: Lines | None = None
    number: int = 0

    @property
    def name(self) -> str:
        parts = (self.by and self.by.name, self.of and self.of.name, self.number and str(self.number), self.field.name)
        return ".".join(part for part in parts if part)

    @property
    def title(self) -> str:
        if self.of is not None:
            return f"{self.of.title}{f' {self.number}' if self.number else ''}: {self.field.title}"
        return self.field.title if self.by is None else f"{self.by.title}: {self.field.title}"

    @property
    def kind(self) -> str:
        return self.field.kind

    @property
    def is_own(self) -> bool:
        return self.by is None and self.of is None

    def row(self, row: Row) -> Row:
        """What the field is read from; nothing where there is no such record or line."""
        if self.by is not None:
            return expanding.beside(row, self.by.name) or {}
        if self.of is None:
            return row
        lines = row.get(self.of.name) or ()
        line = row.get(LINE) if not self.number else lines[self.number - 1] if len(lines) >= self.number else None
        return {**row, **line} if line else {}


def offered(actor: Actor, resource: Resource) -> tuple[Column, ...]:
    """Every column `actor` may take away, in order: of the records, of those they refer to, of their lines."""
    fields = [field for field in policy.readable(actor, resource) if field.kind != "json"]
    if not fields:
        return ()
    own = (ID, *fields, *((ACCOUNT,) if resource.outside else ()), CREATED, CHANGED)
    return (*map(Column, own), *_related(actor, fields), *_of_lines(actor, resource, fields))


def usual(actor: Actor, resource: Resource) -> tuple[Column, ...]:
    """What is chosen to begin with: all that an import can read back."""
    return tuple(column for column in offered(actor, resource)
                 if column.is_own and column.name not in EXTRA and column.kind != "lines"
                 and (column.field is not ACCOUNT or resource.key == "external_id"))


def chosen(actor: Actor, resource: Resource, names: Sequence[str]) -> tuple[Column, ...]:
    """The columns of these names, in the order they are given. Raises BadRequest for one `actor` may not have."""
    known = {column.name: column for column in offered(actor, resource)}
    missing = [name for name in names if name not in known]
    if missing:
        raise BadRequest(f"You cannot export {', '.join(missing)}. There are {', '.join(known)}.",
                         errors={"columns": f"There is no column {missing[0]} for you."}, title="This cannot be exported")
    if not names:
        raise BadRequest("Choose at least one column.", errors={"columns": "Choose at least one column."},
                         title="There is nothing to export")
    return tuple(known[name] for name in dict.fromkeys(names))


def lines(columns: Sequence[Column]) -> Lines | None:
    """The lines of which these columns have parts, each on its own."""
    return next((column.of for column in columns if column.of is not None), None)


def spread(columns: Sequence[Column], most: int) -> tuple[Column, ...]:
    """The columns of lines once for each of `most` lines, where the first of them stood."""
    parts = [column for column in columns if column.of is not None]
    many = [replace(column, number=number) for number in range(1, most + 1) for column in parts]
    place = columns.index(parts[0]) if parts else len(columns)
    rest = [column for column in columns if column.of is None]
    return (*rest[:place], *many, *rest[place:])


def headings(columns: Sequence[Column], style: Style, sheet: bool) -> list[str]:
    """What stands above the columns; moments of another zone say which, where they do not say it themselves."""
    unsaid = not style.is_utc and (sheet or style.is_local)
    return [f"{column.title} ({style.zone})" if unsaid and column.kind == "datetime" else column.title for column in columns]


def values(columns: Sequence[Column], sheet: bool, style: Style = PLAIN) -> Callable[[Row], list[Value]]:
    """How a record becomes a row of a file; in a `sheet` numbers, days and moments are cells of their kind."""
    ways = [_way(column, sheet, style) for column in columns]
    return lambda row: [way(row) for way in ways]


def objects(columns: Sequence[Column]) -> Callable[[Row], dict[str, Any]]:
    """How a record becomes a line of JSON: as the API shows it."""
    return lambda row: {column.name: column.field.json(column.row(row)) for column in columns}


def _related(actor: Actor, fields: Sequence[Field]) -> Iterator[Column]:
    for by in fields:
        if isinstance(by, Reference) and (seen := policy.readable(actor, named(by.to))):
            yield from (Column(field, by=by) for field in (ID, *seen) if field.kind not in ("json", "lines"))


def _of_lines(actor: Actor, resource: Resource, fields: Sequence[Field]) -> Iterator[Column]:
    sees_all = actor.may(f"{resource.name}.sensitive")
    for of in fields:
        if isinstance(of, Lines):
            yield from (Column(part, of=of) for part in of.fields if sees_all or not part.sensitive)


def _way(column: Column, sheet: bool, style: Style) -> Callable[[Row], Value]:
    way = written(column.field, sheet, style)
    return way if column.is_own else lambda row: way(column.row(row))


def written(field: Field, sheet: bool, style: Style) -> Callable[[Row], Value]:
    """How the value of one field becomes a cell."""
    name = field.column
    if field.kind == "money":
        amount = Decimal if sheet else style.amount if style.is_local else None
        if amount is None:
            return field.written
        return lambda row: amount(Decimal(text)) if (text := field.written(row)) else None
    if field.kind in PLAIN_KINDS or field.kind == "date" and sheet:
        return lambda row: row.get(name)
    if field.kind == "datetime" and sheet:
        return lambda row: _moment(row.get(name), field.name in EXTRA, style)
    if field.kind == "date" and style.is_local:
        return lambda row: style.day(row.get(name))
    if field.kind == "datetime" and not (style.is_utc and not style.is_local):
        return lambda row: style.moment(row.get(name))
    return field.written


def _moment(value: Any, cut: bool, style: Style) -> Value:
    """As a clock in the zone shows it; `cut` to the second what no import reads back. Finer than that it is text."""
    if value is None:
        return None
    at = style.wall(value)
    at = at.replace(microsecond=0) if cut else at
    return at.isoformat(" ") if at.microsecond else at
