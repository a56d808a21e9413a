"""Counts and sums of the records a list would have, by group: `group=status&sum=total` with the filters of the list."""
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from app.audit import Actor
from app.errors import BadRequest
from app.records import answers, bounds, money, policy, query
from app.records.asking import Query
from app.records.field import Field
from app.records.fields import Currency, Money
from app.records.resource import Resource

WORDS = ("group", "sum")
GROUPED = ("choice", "boolean", "text", "date")
"""Kinds of fields that make groups; text only where an index keeps it."""
SUMMED = ("money", "integer")
MOST_GROUPS = 100
PART = 1_000_000           # added up in two parts, so that no sum is too large for the database


def of(session: Session, asked: Query, args: Mapping[str, str]) -> dict[str, Any]:
    """{"data": [{the groups…, "count", "sum": {…}}], "capped"}: the largest groups first, at most 100 of them.

    A sum of money has its currency among the groups, for amounts of several add up to nothing. 1 statement, up to 2 more with
    q=. Raises BadRequest for a field that cannot be grouped or summed by, or that the actor may not see; and where it takes
    the database too long.
    """
    groups, sums = check(asked.resource, asked.actor, args)
    beside = {field.currency for field in sums if isinstance(field, Money)}
    groups += [one for one in _groups(asked.resource, asked.actor) if one.name in beside and one not in groups]
    try:
        with bounds.within(session.connection(), bounds.CAREFUL):
            question = ("summary", tuple(field.name for field in groups), tuple(field.name for field in sums))
            found = answers.asked(session, asked, question, lambda: _read(session, asked, groups, sums))
    except bounds.TooLong:
        raise bounds.refusal(asked) from None
    return {"data": [_line(row, groups, sums) for row in found[:MOST_GROUPS]], "capped": len(found) > MOST_GROUPS}


def check(resource: Resource, actor: Actor, args: Mapping[str, str]) -> tuple[list[Field], list[Field]]:
    """The fields to group and to sum by. Raises BadRequest with all that is wrong with either."""
    offered = {"group": _groups(resource, actor), "sum": _sums(resource, actor)}
    errors = {word: sentence for word, fields in offered.items() if (sentence := _wrong(args, word, fields))}
    if errors:
        raise BadRequest("Some parameters cannot be read.", errors=errors)
    groups, sums = ([field for name in _names(args, word) for field in fields if field.name == name]
                    for word, fields in offered.items())
    return groups, sums


def grouping(fields: Sequence[Field]) -> list[Field]:
    """Those of these fields a summary can have groups by."""
    return [field for field in fields if field.kind in GROUPED
            and (field.kind != "text" or field.sortable or isinstance(field, Currency))]


def summing(fields: Sequence[Field]) -> list[Field]:
    """Those whose values it can add up. Money is summed by currency, so who may not see the one cannot have the other."""
    names = {field.name for field in fields}
    return [field for field in fields if field.kind in SUMMED and (not isinstance(field, Money) or field.currency in names)]


def _groups(resource: Resource, actor: Actor) -> list[Field]:
    return grouping(policy.readable(actor, resource))


def _sums(resource: Resource, actor: Actor) -> list[Field]:
    return summing(policy.readable(actor, resource))


def _names(args: Mapping[str, str], word: str) -> list[str]:
    return list(dict.fromkeys(filter(None, (name.strip() for name in args.get(word, "").split(",")))))


def _wrong(args: Mapping[str, str], word: str, offered: Sequence[Field]) -> str:
    known = [field.name for field in offered]
    unknown = next((name for name in _names(args, word) if name not in known), None)
    if unknown is None:
        return ""
    return f"There is no {unknown!r} to {word} by. " + (f"Choose from {', '.join(known)}." if known else "Leave it out.")


def _read(session: Session, asked: Query, groups: Sequence[Field], sums: Sequence[Field]) -> list[Any]:
    table = asked.resource.table
    columns: list[ColumnElement[Any]] = [table.c[field.column].label(f"by_{field.name}") for field in groups]
    added = [func.sum(part).label(f"{name}_{field.name}") for field in sums
             for name, part in (("high", table.c[field.column] // literal(PART)), ("low", table.c[field.column] % literal(PART)))]
    counted = func.count().label("number")
    statement = select(*columns, counted, *added).select_from(table).where(*query.matching(session, asked))
    if columns:
        statement = statement.group_by(*columns).order_by(counted.desc(), *columns)
    return list(session.execute(statement.limit(MOST_GROUPS + 1)).mappings())


def _line(row: Mapping[str, Any], groups: Sequence[Field], sums: Sequence[Field]) -> dict[str, Any]:
    values = {field.name: row[f"by_{field.name}"] for field in groups}
    return {**{name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values.items()},
            "count": row["number"], "sum": {field.name: _sum(field, row, values) for field in sums}}


def _sum(field: Field, row: Mapping[str, Any], groups: Mapping[str, Any]) -> Any:
    """A whole number, or an amount in major units; nothing adds up to 0."""
    number = int(row[f"high_{field.name}"] or 0) * PART + int(row[f"low_{field.name}"] or 0)
    return money.from_minor(number, groups.get(field.currency)) if isinstance(field, Money) else number
