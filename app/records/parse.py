"""From the names and words of a change to values by column, with converters compiled once for each shape of change."""
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as attribute
from functools import lru_cache
from typing import Any

from app.records.change import Change
from app.records.field import Convert, Field
from app.records.fields import DateTime, Text
from app.records.relations import Json, Reference
from app.records.resource import Resource
from app.records.values import Reading, id_of, text_of

IDENTITY = "external_id"


class Account(Text):
    """Whose outside ids a record has; nobody's is '', never NULL: NULLs do not collide."""

    def converter(self, reading: Reading) -> Convert:
        text = Text.converter(self, reading)
        return lambda raw: text(raw) or ""


BUILT_IN: Mapping[str, Field] = {"trashed_at": DateTime("trashed_at"), "account": Account("account"), IDENTITY: Text(IDENTITY)}


@dataclass(frozen=True, eq=False)
class Shape:
    """How to read changes that name the same things. Names are as the caller writes them, columns ours."""

    resource: Resource
    early: tuple[tuple[str, str, Convert], ...] = ()           # name, column, converter
    late: tuple[tuple[str, Field, Convert], ...] = ()          # settled beside the record
    key: tuple[str, str, Convert] | None = None
    key_error: str = ""
    unknown: Mapping[str, str] = attribute(default_factory=dict)
    names: Mapping[str, str] = attribute(default_factory=dict)  # column -> name
    uniques: tuple[str, ...] = ()                              # unique columns that are given
    by_id: tuple[Reference, ...] = ()                          # references given as ids
    given: frozenset[str] = frozenset()                        # columns that are written
    writes: bool = False                                       # anything besides trashed_at


class Parsed:
    """One change, read: what it wants to set, what waits for the record, and what could not be read."""

    __slots__ = ("account", "errors", "key", "late", "shape", "unseen", "values")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.key: Any = None                                   # the value; None without one, or when it cannot be read
        self.account: str | None = None                        # named beside the key
        self.values: dict[str, Any] = {}
        self.late: list[tuple[str, Field, Any]] = []
        self.errors: dict[str, str] = {}
        self.unseen = False                                    # it would move the record out of the actor's sight


def parse(change: Change, shape: Shape) -> Parsed:
    """Read what the change says. Nothing raises: what cannot be read is in `errors`, by the caller's name."""
    parsed = Parsed(shape)
    values, given = parsed.values, change.values
    for name, column, convert in shape.early:
        try:
            values[column] = convert(given[name])
        except (ValueError, TypeError, ArithmeticError) as error:
            parsed.errors[name] = sentence(error)
    for name, field, convert in shape.late:
        try:
            value = convert(given[name])
        except (ValueError, TypeError, ArithmeticError) as error:
            parsed.errors[name] = sentence(error)
        else:
            if value is None:
                values[field.column] = None
                if isinstance(field, Reference) and field.loose:   # nor does it wait for anybody
                    values[field.ref_column] = None
            else:
                parsed.late.append((name, field, value))
    if shape.unknown:
        parsed.errors.update(shape.unknown)
    if change.key:
        _read_key(change.key, shape, parsed)
    return parsed


def sentence(error: BaseException) -> str:
    """What a person is told: ours are sentences already."""
    said = str(error)
    return said if said.endswith(".") else "This cannot be read. Write it in another way."


def _read_key(key: Mapping[str, Any], shape: Shape, parsed: Parsed) -> None:
    if shape.key is None:
        parsed.errors[next((name for name in key if name != "account"), "")] = shape.key_error
        return
    name, column, convert = shape.key
    try:
        parsed.account = None if key.get("account") is None else text_of(key["account"], 200) or ""
        parsed.key = convert(key[name])
        if parsed.key is None:
            raise ValueError("This is missing. Fill it in.")
        if column != "id":
            parsed.values.setdefault(column, parsed.key)
    except (ValueError, TypeError, ArithmeticError) as error:
        parsed.errors[name] = sentence(error)


def shape_of(change: Change, resource: Resource, reading: Reading, hidden: bool, reports: bool) -> Shape:
    """How to read a change. `hidden`: sensitive fields are not there for this actor; `reports`: a provider speaks."""
    names, key = tuple(change.values), tuple(change.key or ())
    ours = len(names) < 200 and all(resource.field(name) or name in BUILT_IN for name in names)   # strange names are not kept
    return (compiled if ours else compiled.__wrapped__)(resource, names, key, reading, hidden, reports)


@lru_cache(maxsize=2000)
def compiled(resource: Resource, names: tuple[str, ...], key: tuple[str, ...], reading: Reading, hidden: bool,
             reports: bool) -> Shape:
    """The same, for these names and this key; kept."""
    early, late, unknown, columns, by_id = [], [], {}, {}, []
    for name in names:
        field = _field(resource, name, hidden)
        if field is None:
            unknown[name] = f"{resource.plural} have no field “{name[:80]}”. Leave it out or correct its name."
            continue
        if isinstance(field, Reference) and name == field.ref_column:
            early.append((name, name, Text(name, limit=1000).stored()))
            columns[name] = name
            continue
        by_name = name == field.name
        convert = field.converter(reading) if by_name and not (reports and isinstance(field, Json)) else field.stored()
        if by_name and field.late:
            late.append((name, field, convert))
        else:
            early.append((name, field.column, convert))
            if isinstance(field, Reference):
                by_id.append(field)
        columns[field.column] = name
    found, error = _key(resource, key, reading, hidden)
    given = frozenset(columns)
    return Shape(resource, tuple(early), tuple(late), found, error, unknown, {c: n for c, n in columns.items() if c != n},
                 tuple(c for c in resource.unique if c in given or found is not None and c == found[1]), tuple(by_id),
                 given, bool(given - {"trashed_at"} or unknown))


def _field(resource: Resource, name: str, hidden: bool) -> Field | None:
    field = resource.field(name)
    if field is None and (name == "trashed_at" or resource.outside):
        field = BUILT_IN.get(name)
    return None if field is None or field.sensitive and hidden else field


def _key(resource: Resource, key: tuple[str, ...], reading: Reading, hidden: bool) -> tuple[tuple[str, str, Convert] | None, str]:
    names = [name for name in key if name != "account"]
    if not names:
        return None, f"{resource.plural} are not found by their account alone. Use their {resource.key} or id."
    name = names[0]
    if name == "id" and len(names) == 1:
        return (name, "id", id_of), ""
    field = _field(resource, name, hidden)
    if field is None or len(names) > 1 or not (field.unique or field.column == IDENTITY):
        return None, f"{resource.plural} are not found by “{name[:80]}”. Use their {resource.key} or id."
    return (name, field.column, field.converter(reading)), ""
