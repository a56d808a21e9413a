"""The filters of the query grammar: from `total.gte=100` to a condition, or to a sentence saying why not.

    status=paid                    equal; status=paid,refunded: one of them (choices, ids, numbers, references)
    name=Ada&name=Bob              text may hold a comma, so its parameter is repeated
    total.gte=100  total.lt=200    gt gte lt lte of numbers, amounts, days and moments
    total.gte=100&currency=USD     amounts compare with those of their currency alone: the one asked for, or the installation's
    placed_at=2026-05-31           a day is all of its moments, in UTC or with an offset: 2026-05-31+02:00
    name.contains=ada              without regard to case; also .starts
    note.empty=true                also .empty=false; status.ne=draft is true of an empty one too
    customer=7                     the id, or what it is shown by: customer=ada@example.com
    customer.contains=ada lund     whom the search finds by these words, as the picker of a form does
    customer.email.contains=@acme. a field of the record referred to, one step far; lines.quantity.gte=10 of any line
    any.1.status=paid&any.1.total.gte=100      what shares a number are alternatives; groups all have to hold
"""
import re
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from difflib import get_close_matches
from typing import Any, NamedTuple, Protocol, cast
from urllib.parse import parse_qsl

from sqlalchemy import ColumnElement, FromClause, Table, and_, false, or_, select
from werkzeug.datastructures import MultiDict

from app.config import config
from app.errors import BadRequest
from app.records import money, operators, search
from app.records.fields import Field, Integer, Lines, Money, Reference
from app.records.operators import Asked
from app.records.registry import named
from app.records.resource import BUILT_IN as MOMENTS
from app.records.resource import Resource
from app.records.words import lower

MOST = 100
GROUP = re.compile(r"any\.([0-9]{1,3})\.(.+)\Z", re.S)
BUILT_IN: tuple[Field, ...] = (Integer("id", "ID", least=1, sortable=True), *MOMENTS)
"""What every record has and every list filters and sorts by, besides the declared fields."""


class Sight(Protocol):
    """Who asks: the fields and rows of a resource that may be seen."""

    def fields(self, resource: Resource) -> tuple[Field, ...]: ...

    def rows(self, resource: Resource, table: FromClause | None = None) -> ColumnElement[bool] | None: ...


class Everything:
    """Sees all fields and rows: for conditions the installation itself wrote."""

    def fields(self, resource: Resource) -> tuple[Field, ...]:
        return resource.fields

    def rows(self, resource: Resource, table: FromClause | None = None) -> ColumnElement[bool] | None:
        return None


EVERYTHING = Everything()


@dataclass(frozen=True)
class Filter:
    """One condition somebody asked for: `param` as it stands in the URL, `title` and `shown` as a person reads it."""

    param: str
    field: Field
    op: str                       # eq ne gt gte lt lte contains starts empty
    values: tuple[str, ...]       # as written, one a parameter
    title: str                    # "Total", "Customer e-mail"
    shown: str                    # "at least 100.00 EUR"
    condition: ColumnElement[bool] = attribute(compare=False, repr=False)
    group: str | None = None      # filters of one group are alternatives: any.1.status


class Place(NamedTuple):
    """What a parameter's name points at: the field, the steps to it, the operator."""

    field: Field
    through: Field | None         # the reference or the lines it is reached by
    op: str


def arguments(text: str) -> MultiDict[str, str]:
    """A query string ("status=paid&total.gte=100") as parameters."""
    return MultiDict(parse_qsl(text.lstrip("?"), keep_blank_values=True))


def parse(resource: Resource, args: MultiDict[str, str], sight: Sight, table: FromClause | None = None) -> tuple[Filter, ...]:
    """Read every parameter as a filter of `table` (default: the resource's own, not an alias of it).

    Raises BadRequest with a sentence for each one that cannot be read.
    """
    table = resource.table if table is None else table
    found: list[Filter] = []
    errors: dict[str, str] = {}
    if len(args) > MOST:
        raise BadRequest(f"There are {len(args)} filters; at most {MOST} fit.")
    for param, raws in args.lists():
        try:
            found.append(_filter(resource, table, param, raws, args, sight))
        except ValueError as error:
            errors[param] = str(error)
    if errors:
        raise BadRequest("Some filters cannot be read.", errors=errors)
    return tuple(found)


def conditions(found: Sequence[Filter]) -> list[ColumnElement[bool]]:
    """What has to hold for a row to match: every filter, and of each group at least one."""
    groups: dict[str, list[ColumnElement[bool]]] = {}
    for number, one in enumerate(found):
        groups.setdefault(one.group or f"alone {number}", []).append(one.condition)
    return [or_(*alternatives) for alternatives in groups.values()]


def key_column(table: FromClause, field: Field) -> ColumnElement[Any]:
    """The column a list is sorted by for this field: text by its casefolded copy, the rest by itself."""
    found = table.c.get(f"{field.column}_key")
    return table.c[field.column] if found is None else found


def _filter(resource: Resource, table: FromClause, param: str, raws: list[str], args: MultiDict[str, str],
            sight: Sight) -> Filter:
    grouped = GROUP.match(param)
    place = _place(resource, grouped[2] if grouped else param, sight)
    prefix = f"any.{grouped[1]}." if grouped else ""
    try:
        asked = _asked(table, place, raws, _currencies(place, prefix, args), sight)
    except ValueError as error:
        raise ValueError(_explained(str(error), place, param, raws)) from None
    title = place.field.title if place.through is None else f"{place.through.title} {lower(place.field.title)}"
    return Filter(param, place.field, place.op, tuple(raws), title, asked.shown, asked.condition,
                  grouped[1] if grouped else None)


def _place(resource: Resource, path: str, sight: Sight) -> Place:
    first, *rest = path.split(".")
    field = _named(first, sight.fields(resource), resource)
    through = None
    if rest and rest[0] not in operators.OPERATORS[field.kind] and isinstance(field, Reference | Lines):
        through, inner = field, rest.pop(0)
        field = _named(inner, _beyond(field, sight), named(field.to) if isinstance(field, Reference) else resource)
    op = rest.pop(0) if rest else "eq"
    if rest or op not in operators.OPERATORS[field.kind]:
        raise ValueError(_no_operator(field, ".".join((op, *rest))))
    return Place(field, through, op)


def _named(name: str, fields: Sequence[Field], resource: Resource) -> Field:
    known = {field.name: field for field in (*fields, *BUILT_IN)}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]}?" if near else f"Choose from {', '.join(known)}."
    raise ValueError(f"{resource.plural} have no field {name} to filter by. {hint}")


def _beyond(field: Reference | Lines, sight: Sight) -> tuple[Field, ...]:
    return sight.fields(named(field.to)) if isinstance(field, Reference) else field.fields


def _no_operator(field: Field, op: str) -> str:
    known = operators.OPERATORS[field.kind]
    if not known:
        return f"{field.title} cannot be filtered by. Leave it out."
    return f"{field.title} knows no .{op}. Choose from {', '.join(f'.{name}' for name in known if name != 'eq')}."


def _explained(why: str, place: Place, param: str, raws: list[str]) -> str:
    """Somebody may have meant a list with commas: text has none."""
    if place.field.kind in operators.LISTED or not any("," in raw for raw in raws):
        return why
    return f"{why} A comma is part of the value here: for several, repeat {param}=."


def currencies(field: Money, args: MultiDict[str, str], *steps: str) -> tuple[str, ...]:
    """The currencies an amount is written in: those the filters on the currency beside it ask for, or the installation's.

    Raises ValueError where their amounts do not compare.
    """
    codes = [code.strip().upper() for step in steps or ("",) for code in args.getlist(f"{step}{field.currency}")]
    if len({money.places(code) for code in codes}) > 1:
        raise ValueError(f"{' and '.join(codes)} have different decimals. Ask for one currency.")
    return tuple(dict.fromkeys(codes)) or (config().currency,)


def _currencies(place: Place, prefix: str, args: MultiDict[str, str]) -> tuple[str, ...]:
    if not isinstance(place.field, Money) or place.op == "empty":
        return ()
    step = f"{place.through.name}." if isinstance(place.through, Reference) else ""   # lines have the currency of their record
    return currencies(place.field, args, *dict.fromkeys((f"{prefix}{step}", step)))


def _asked(table: FromClause, place: Place, raws: list[str], codes: tuple[str, ...], sight: Sight) -> Asked:
    """The condition on a row of `table`, wherever the field itself stands."""
    if place.through is None:
        asked = _here(table, place.field, place.op, raws, codes, sight)
        return asked._replace(condition=_of_currency(table, place.field, codes, asked.condition))
    if isinstance(place.through, Reference):
        target = named(place.through.to)
        asked = _here(target.table, place.field, place.op, raws, codes, sight)
        there = _of_currency(target.table, place.field, codes, asked.condition)
        return Asked(table.c[place.through.column].in_(_ids(target, there, sight)), asked.shown)
    lines = cast(Table, cast(Lines, place.through).model.__table__)
    asked = _here(lines, place.field, place.op, raws, codes, sight)
    any_line = table.c.id.in_(select(lines.c.parent_id).where(asked.condition).correlate(None))
    return Asked(_of_currency(table, place.field, codes, any_line), asked.shown)


def _of_currency(table: FromClause, field: Field, codes: tuple[str, ...], condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Amounts compare with those of their currency alone: 1,250 JPY is not more than 12 EUR."""
    return and_(condition, table.c[field.currency].in_(codes)) if codes and isinstance(field, Money) else condition


def _here(table: FromClause, field: Field, op: str, raws: list[str], codes: tuple[str, ...], sight: Sight) -> Asked:
    if isinstance(field, Reference) and op == "contains":
        return _found(table, field, raws, sight)
    if isinstance(field, Reference) and op != "empty":
        return _referred(table, field, op, raws, sight)
    if isinstance(field, Lines):
        child = cast(Table, field.model.__table__)
        return operators.ask(field, op, raws, select(child.c.parent_id).where(child.c.parent_id == table.c.id)
                             .limit(1).correlate(table).scalar_subquery())
    return operators.ask(field, op, raws, table.c[field.column], codes, table.c.get(f"{field.column}_key"))


def _referred(table: FromClause, field: Reference, op: str, raws: list[str], sight: Sight) -> Asked:
    """Ids are compared as they are; anything else is looked up by what the record referred to is shown by."""
    parts = operators.split(field, raws)
    shown = " or ".join(f"#{part}" if part.isdecimal() else part for part in parts)
    column = table.c[field.column]
    either = [column.in_([_id(part) for part in parts if part.isdecimal()])] if any(map(str.isdecimal, parts)) else []
    words = [part for part in parts if not part.isdecimal()]
    if words:
        target = named(field.to)
        by = _named(field.shown_by, sight.fields(target), target)
        either.append(column.in_(_ids(target, operators.ask(by, "eq", words, target.table.c[by.column]).condition, sight)))
    return Asked(or_(*either), shown) if op == "eq" else Asked(or_(~or_(*either), column.is_(None)), f"not {shown}")


def _found(table: FromClause, field: Reference, raws: list[str], sight: Sight) -> Asked:
    """Whom the search finds by these words, as a picker does: all the words of a parameter, any of several parameters."""
    if not all(raw.strip() for raw in raws):
        raise ValueError(operators.NOTHING)
    target, shown = named(field.to), " or ".join(f"“{raw}”" for raw in raws)
    either = or_(*(_holding(target, operators.checked(raw), sight) for raw in raws))
    return Asked(table.c[field.column].in_(_ids(target, either, sight)), f"contains {shown}")


def _holding(target: Resource, raw: str, sight: Sight) -> ColumnElement[bool]:
    """Where a resource has no search index, the words are looked for in the fields themselves."""
    words = search.folded(raw).split()
    if target.searched and words:
        return search.holding(target, words)
    fields = [field for field in target.found_by or (target.require(target.key),) if field in sight.fields(target)]
    return and_(*(or_(false(), *(_in(target, field, word) for field in fields)) for word in raw.split()))


def _in(target: Resource, field: Field, word: str) -> ColumnElement[bool]:
    key = target.table.c.get(f"{field.column}_key")
    return operators.ask(field, "contains", [word], target.table.c[field.column], key=key).condition


def _ids(target: Resource, condition: ColumnElement[bool], sight: Sight) -> Any:
    visible = sight.rows(target)
    chosen = select(target.table.c.id).where(condition).correlate(None)
    return chosen if visible is None else chosen.where(visible)


def _id(part: str) -> int:
    number = int(part) if part.isascii() and len(part) < 20 else 0
    if not 0 < number < 2**63:
        raise ValueError("This is not the id of a record. Write a whole number.")
    return number
