"""Fields that are more than one value: other records, lines, and what a provider said beyond our fields."""
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from json import dumps
from typing import Any, ClassVar, NamedTuple

from sqlalchemy import Table

from app.extensions import Model
from app.records import declared
from app.records.field import Convert, Field, Kind, Row
from app.records.values import Reading, id_of, text_of


class Ref(NamedTuple):
    """A record as others show it: `key` finds it again, `label` is its title. One that is not here yet has no id."""

    id: int | None
    key: str
    label: str


class Wanted(NamedTuple):
    """What somebody wrote to name another record: the value of one of its columns."""

    column: str
    value: Any
    account: str | None = None


@dataclass(frozen=True)
class Reference(Field):
    """Another record. `customer` takes what people write, `customer_id` our id; `loose`: a provider may name one not here yet.

    People write the `shown_by` of the other ("ada@example.com"); programs also {"id": 7} or {"number": "ORD-1"}, providers
    {"external_id": "cus_1"}, of their own account or with "account" beside it.
    """

    to: str = ""
    shown_by: str = ""
    loose: bool = False
    kind: ClassVar[Kind] = "reference"
    late: ClassVar[bool] = True

    @property
    def column(self) -> str:
        return f"{self.name}_id"

    @property
    def ref_column(self) -> str:
        """Where what a provider called the other is kept until it is here, if `loose`: "external_id@stripe=cus_1"."""
        return f"{self.name}_ref"

    def converter(self, reading: Reading) -> Convert:
        shown_by, key, ids = self.shown_by, declared.find(self.to).require(self.shown_by).converter(reading), reading.ids

        def wanted(raw: Any) -> Wanted | None:
            if isinstance(raw, str):
                value = key(raw)
                return None if value is None else Wanted(shown_by, value)
            if isinstance(raw, Mapping):
                return self._named(raw, reading)
            if ids and type(raw) is int:
                return Wanted("id", id_of(raw))
            value = key(raw)
            return None if value is None else Wanted(shown_by, value)
        return wanted

    def _named(self, raw: Mapping[str, Any], reading: Reading) -> Wanted | None:
        account = text_of(raw.get("account"), 200)
        names = [name for name in raw if name != "account"]
        other = declared.find(self.to)
        if names == ["id"]:
            return None if raw["id"] is None else Wanted("id", id_of(raw["id"]))
        field = other.field(names[0]) if len(names) == 1 else None
        if field is None or not (field.unique or field.column == "external_id"):
            raise ValueError(f"This does not name one record. Give its id or {{\"{self.shown_by}\": …}}.")
        value = field.converter(reading)(raw[names[0]])
        return None if value is None else Wanted(field.column, value, account)

    def stored(self) -> Convert:
        return lambda raw: None if raw is None else id_of(raw)

    def ref(self, row: Row) -> Ref | None:
        """Whom `row` refers to; without an id if it is not here yet."""
        found: Ref | None = row.get(self.name)
        if found is not None:
            return found
        if (id := row.get(self.column)) is not None:
            return Ref(id, "", "")
        waiting = row.get(self.ref_column)
        return Ref(None, waiting.partition("=")[2], waiting.partition("=")[2]) if waiting else None

    def written(self, row: Row) -> str:
        found = self.ref(row)
        return found.key if found is not None and found.id is not None else ""

    def json(self, row: Row) -> dict[str, Any] | None:
        found = self.ref(row)
        return None if found is None else found._asdict()


@dataclass(frozen=True)
class Lines(Field):
    """Rows that belong to the record and have no life of their own: the lines of an order. Replaced as a whole.

    `model` has the columns parent_id and position, and one for each field; `currency` is a column of the record.
    """

    model: type[Model] = Model
    fields: tuple[Field, ...] = ()
    default: object = ()
    kind: ClassVar[Kind] = "lines"
    late: ClassVar[bool] = True

    @cached_property
    def table(self) -> Table:
        found: Any = self.model.__table__
        return found  # type: ignore[no-any-return]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Of the table of lines, without parent_id and position."""
        loose = (f.ref_column for f in self.fields if isinstance(f, Reference) and f.loose)
        return (*(f.column for f in self.fields), *loose)

    def converter(self, reading: Reading) -> Convert:
        slots = {f.name: (f, f.converter(reading)) for f in self.fields}
        slots |= {f.column: (f, f.stored()) for f in self.fields if f.column != f.name}
        refs = {f.ref_column for f in self.fields if isinstance(f, Reference) and f.loose}

        def lines(raw: Any) -> list["Line"]:
            if isinstance(raw, (str, bytes, Mapping)) or not isinstance(raw or [], Sequence):
                raise ValueError("These are not lines. Give a list of them.")
            return [_line(number, line, slots, refs) for number, line in enumerate(raw or (), 1)]
        return lines

    def written(self, row: Row) -> str:
        return "; ".join(" ".join(filter(None, (f.written({**row, **line}) for f in self.fields)))
                         for line in row.get(self.name) or ())

    def json(self, row: Row) -> list[dict[str, Any]]:
        return [{f.name: f.json({**row, **line}) for f in self.fields} for line in row.get(self.name) or ()]


UNREAD = object()
"""Stands in a line where something was written that cannot be read."""


class Line(NamedTuple):
    """One line as it was read: values by column, and what waits for the record and others."""

    values: dict[str, Any]
    late: list[tuple[Field, Any]]
    by_id: list[tuple[Reference, int]]
    errors: list[str]                     # what is wrong with it already


@dataclass(frozen=True)
class Json(Field):
    """What a provider said beyond our fields. Read-only to people."""

    kind: ClassVar[Kind] = "json"

    def converter(self, reading: Reading) -> Convert:
        def json(raw: object) -> object:
            if raw is not None:
                raise ValueError("This is kept by the provider. Leave it out.")
            return None
        return json

    def stored(self) -> Convert:
        def json(raw: Any) -> Any:
            dumps(raw, ensure_ascii=False, allow_nan=False).encode()   # ValueError where no database could keep it
            return raw
        return json

    def written(self, row: Row) -> str:
        return ""


def _line(number: int, line: Any, slots: Mapping[str, tuple[Field, Convert]], refs: Set[str]) -> Line:
    if not isinstance(line, Mapping):
        raise ValueError(f"Line {number} is not a line. Give its fields by name.")
    values: dict[str, Any] = {}
    late, by_id, errors = [], [], []
    for name, raw in line.items():
        if name in refs:
            values[name] = text_of(raw, 1000)
            continue
        if name not in slots:
            errors.append(f"Line {number} has no field {name}. Leave it out or correct its name.")
            continue
        field, convert = slots[name]
        try:
            value = convert(raw)
        except (ValueError, TypeError) as error:
            errors.append(f"Line {number}, {field.title.lower()}: {error}")
            values[field.column] = UNREAD
            continue
        if name == field.name and field.late and value is not None:
            late.append((field, value))
        else:
            values[field.column] = value
            if isinstance(field, Reference) and value is not None:
                by_id.append((field, value))
    return Line(values, late, by_id, errors)
