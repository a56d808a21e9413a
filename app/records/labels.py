"""How the values of a record read to a person: amounts with their currency, choices by their word, others by their title."""
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app import ui
from app.audit import Actor
from app.records import policy, rows
from app.records.fields import Choice, Field, Integer, Lines, Money, Ref, Reference
from app.records.registry import named
from app.records.resource import Resource

Row = dict[str, Any]
Difference = tuple[str, str | None, str | None]
Diff = Mapping[str, Sequence[Any]]


def said(field: Field, row: Mapping[str, Any]) -> str:
    """The value of `field` as a sentence would have it; "" when it is empty."""
    if isinstance(field, Reference):
        found = field.ref(row)
        return "" if found is None else found.label or found.key or f"{field.title} {found.id}"
    if isinstance(field, Lines):
        return "; ".join(_line(field, {**row, **line}) for line in row.get(field.name) or ())
    value = row.get(field.column)
    return "" if value is None else _said(field, value, row)


def differences(field: Field, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """(label, old, new) of what a change did to `field`; of lines one for each added or removed: None is nothing."""
    if not isinstance(field, Lines):
        return [(field.title, said(field, old), said(field, new))]
    before, after = ([_line(field, {**row, **line}) for line in row.get(field.name) or ()] for row in (old, new))
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    return ([("Line removed", text, None) for text in gone.elements()] + [("Line added", None, text) for text in come.elements()]
            or [(field.title, "in another order", "in this order")])


def _said(field: Field, value: Any, row: Mapping[str, Any]) -> str:
    if isinstance(field, Choice):
        return field.state(value).title if value in field.names else str(value)
    if isinstance(field, Money):
        return " ".join(filter(None, amount(field, row)))
    if isinstance(value, datetime):
        return ui.moment(value)
    if isinstance(value, date):
        return ui.day(value)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(field, Integer):
        return f"{value:,}{' ' + field.unit if field.unit else ''}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def amount(field: Money, row: Mapping[str, Any]) -> tuple[str, str]:
    """("1,284.50", "EUR"), or ("", "") when there is none."""
    written = field.written(row)
    if not written:
        return "", ""
    whole, point, cents = written.removeprefix("-").partition(".")
    return f"{'−' if written.startswith('-') else ''}{int(whole):,}{point}{cents}", row.get(field.currency) or ""


def key_of(resource: Resource, by: Reference, row: Mapping[str, Any]) -> str:
    """What somebody would write into `by`, a field of another resource, to mean this record."""
    return resource.require(by.shown_by).written(row)


def _line(field: Lines, line: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (said(part, line) for part in field.fields)))


def revived(field: Field, value: Any) -> Any:
    """A value as the audit keeps it (JSON), as the record has it."""
    if isinstance(value, str) and field.kind == "datetime":
        return datetime.fromisoformat(value)
    if isinstance(value, str) and field.kind == "date":
        return date.fromisoformat(value)
    return value


def turned(resource: Resource, row: Mapping[str, Any], diff: Diff, side: int) -> Row:
    """`row` with the old (0) or new (1) values of a diff, references to be labelled anew."""
    result = dict(row)
    for column, values in diff.items():
        field = resource.field(column)
        result[column] = values[side] if field is None else revived(field, values[side])
        if isinstance(field, Reference) and result[column] != row.get(column):
            result.pop(field.name, None)
    return result


def label(session: Session, resource: Resource, records: Sequence[Row], actor: Actor) -> None:
    """Give the references in `records` their labels, in place: one statement for each resource referred to."""
    places = [(field, row) for row in records for field in resource.references]
    for found in (field for field in resource.fields if isinstance(field, Lines)):
        places += [(part, line) for row in records for line in row.get(found.name) or () for part in found.fields
                   if isinstance(part, Reference)]
    missing = [(field, row) for field, row in places if row.get(field.column) is not None and row.get(field.name) is None]
    for to in {field.to for field, _ in missing}:
        _label(session, named(to), [(field, row) for field, row in missing if field.to == to], actor)


def _label(session: Session, other: Resource, places: Sequence[tuple[Reference, Row]], actor: Actor) -> None:
    sight = policy.Sight(actor)
    names = {other.key, *other.titled, *(field.shown_by for field, _ in places)}
    chosen = rows.selection(other, [field for field in sight.fields(other) if field.name in names], sight)
    statement = rows.reading(chosen).where(other.table.c.id.in_({row[field.column] for field, row in places}))
    seen = sight.rows(other)
    found = chosen.rows(session.execute(statement if seen is None else statement.where(seen)).mappings())
    by_id = {row["id"]: row for row in found}
    for field, row in places:
        one = by_id.get(row[field.column])
        if one is not None:
            row[field.name] = Ref(one["id"], other.require(field.shown_by).written(one), other.text(one))
