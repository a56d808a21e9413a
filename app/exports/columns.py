"""Which columns an export can have, and how the values of a record go into a file."""
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from app.audit import Actor
from app.errors import BadRequest
from app.files.writing import Value
from app.records import policy
from app.records.fields import DateTime, Field, Integer, Text
from app.records.query import Row
from app.records.resource import Resource

ID, ACCOUNT = Integer("id", "ID"), Text("account", "Account")
CREATED, CHANGED = DateTime("created_at", "Created"), DateTime("updated_at", "Changed")
EXTRA = ("id", "created_at", "updated_at")
"""Columns that are offered, but not chosen until somebody wants them; lines neither."""


def offered(actor: Actor, resource: Resource) -> tuple[Field, ...]:
    """Every column `actor` may take away, in order."""
    fields = [field for field in policy.readable(actor, resource) if field.kind != "json"]
    if not fields:
        return ()
    return (ID, *fields, *((ACCOUNT,) if resource.outside else ()), CREATED, CHANGED)


def usual(actor: Actor, resource: Resource) -> tuple[Field, ...]:
    """What is chosen to begin with: all that an import can read back."""
    return tuple(field for field in offered(actor, resource) if field.name not in EXTRA and field.kind != "lines"
                 and (field is not ACCOUNT or resource.key == "external_id"))


def chosen(actor: Actor, resource: Resource, names: Sequence[str]) -> tuple[Field, ...]:
    """The columns of these names, in the order they are given. Raises BadRequest for one `actor` may not have."""
    known = {field.name: field for field in offered(actor, resource)}
    missing = [name for name in names if name not in known]
    if missing:
        raise BadRequest(f"You cannot export {', '.join(missing)}. There are {', '.join(known)}.",
                         errors={"columns": f"There is no column {missing[0]} for you."}, title="This cannot be exported")
    if not names:
        raise BadRequest("Choose at least one column.", errors={"columns": "Choose at least one column."},
                         title="There is nothing to export")
    return tuple(known[name] for name in dict.fromkeys(names))


def values(fields: Sequence[Field], sheet: bool) -> Callable[[Row], list[Value]]:
    """How a record becomes a row of a file; in a `sheet` numbers, days and moments are cells of their kind."""
    ways = [_way(field, sheet) for field in fields]
    return lambda row: [way(row) for way in ways]


def _way(field: Field, sheet: bool) -> Callable[[Row], Value]:
    if field.kind == "money":
        return lambda row: Decimal(written) if (written := field.written(row)) else None
    if field.kind == "integer" or field.kind == "date" and sheet:
        return lambda row: row.get(field.column)
    if field.kind == "datetime" and sheet:
        return lambda row: _moment(row.get(field.column), field.name in EXTRA)
    return field.written


def _moment(value: datetime | None, cut: bool) -> Value:
    """In UTC, which a sheet cannot say; `cut` to the second what no import reads back. Finer than that it is text."""
    if value is None:
        return None
    at = value.astimezone(UTC).replace(tzinfo=None)
    at = at.replace(microsecond=0) if cut else at
    return at.isoformat(" ") if at.microsecond else at


def objects(fields: Sequence[Field]) -> Callable[[Row], dict[str, Any]]:
    """How a record becomes a line of JSON: as the API shows it."""
    return lambda row: {field.name: field.json(row) for field in fields}
