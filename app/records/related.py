"""What stands around a record: its fields in groups, and the records of other resources that refer to it."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.records import listing, policy, query
from app.records.fields import Choice, Field, Lines, Money, Reference
from app.records.query import Count, Query
from app.records.registry import resources
from app.records.resource import Resource
from app.records.words import lower

SHOWN = 5
SHOWN_COLUMNS = 6
CAP = 100
APART = ("lines", "json")
"""Kinds that have a section of their own."""


@dataclass(frozen=True)
class Related:
    """Some records of another resource, the newest first, and where to see all of them."""

    resource: Resource
    by: Reference
    columns: list[Field]
    rows: list[dict[str, Any]]
    count: Count
    url: str


@dataclass(frozen=True)
class Hanging:
    """How many records of another resource refer to one, in what role ("as customer", "in lines"), and where to see them."""

    resource: Resource
    role: str
    count: Count
    url: str


def groups(resource: Resource, fields: Sequence[Field], row: Mapping[str, Any]) -> list[tuple[str, list[Field]]]:
    """The fields by group, in declared order; what the head, an amount or a section of its own says already is left out."""
    said = set(resource.titled or (resource.key,)) | {field.name for field in statuses(fields, row)}
    said |= {field.currency for field in fields if isinstance(field, Money) and row.get(field.column) is not None}
    found: dict[str, list[Field]] = {}
    for field in fields:
        if field.kind not in APART and field.name not in said:
            found.setdefault(field.group, []).append(field)
    return list(found.items())


def statuses(fields: Iterable[Field], row: Mapping[str, Any]) -> list[Choice]:
    """The choices that stand beside the title."""
    return [field for field in fields if isinstance(field, Choice) and row.get(field.column)]


def related(session: Session, resource: Resource, row: Mapping[str, Any], actor: Actor) -> list[Related]:
    """Records that refer to this one, for each resource and reference the actor may read: 1 statement each, 1 to count all."""
    places = [(other, by, _asked(other, by.name, row["id"], actor)) for other, by in _referring(resource, actor)]
    pages = [query.page(session, replace(asked, limit=SHOWN)) for _, _, asked in places]
    known = [listing.whole(page) for page in pages]
    long = [asked for (_, _, asked), count in zip(places, known, strict=True) if count is None]
    counted = iter(query.counts(session, long, CAP))
    return [Related(other, by, columns(other, actor, but=by.name), page.rows, count or _at_least(next(counted), len(page.rows)),
                    listing.address(other, asked.args))
            for (other, by, asked), page, count in zip(places, pages, known, strict=True)]


def hanging(session: Session, resource: Resource, id: int, actor: Actor) -> list[Hanging]:
    """What refers to this record, itself or in its lines, where anything does. 1 statement."""
    places = [(other, f"as {lower(by.title)}", _asked(other, by.name, id, actor)) for other, by in _referring(resource, actor)]
    places += [(other, f"in {lower(lines.title)}", _asked(other, f"{lines.name}.{by.name}", id, actor))
               for other, lines, by in _referring_lines(resource, actor)]
    found = query.counts(session, [asked for _, _, asked in places], CAP)
    return [Hanging(other, role, count, listing.address(other, asked.args))
            for (other, role, asked), count in zip(places, found, strict=True) if count.number or count.capped]


def _at_least(count: Count, number: int) -> Count:
    """The count, which may have been given up before it came to what is shown."""
    return count if count.number >= number else Count(number, True)


def _asked(other: Resource, param: str, id: int, actor: Actor) -> Query:
    """The records of `other` that refer to record `id` through `param`."""
    return query.parse(other, MultiDict({param: str(id)}), actor)


def _referring(resource: Resource, actor: Actor) -> list[tuple[Resource, Reference]]:
    """The references to this resource that the actor may read."""
    return [(other, by) for other in resources() for by in other.references
            if by.to == resource.name and by in policy.readable(actor, other)]


def _referring_lines(resource: Resource, actor: Actor) -> list[tuple[Resource, Lines, Reference]]:
    """The same for the lines of others."""
    return [(other, other.lines, by) for other in resources() if other.lines in policy.readable(actor, other) and other.lines
            for by in other.lines.fields if isinstance(by, Reference) and by.to == resource.name]


def columns(resource: Resource, actor: Actor, but: str = "") -> list[Field]:
    """The first columns of its list, for a table with less room."""
    readable = {field.name: field for field in policy.readable(actor, resource)}
    return [readable[name] for name in resource.listed if name in readable and name != but][:SHOWN_COLUMNS]
