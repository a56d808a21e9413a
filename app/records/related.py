"""What stands around a record: its fields in groups, and the records of other resources that refer to it."""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.records import listing, policy, query
from app.records.fields import Choice, Field, Money, Reference
from app.records.query import Count
from app.records.registry import resources
from app.records.resource import Resource

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
    """Records that refer to this one, for each resource and reference the actor may read."""
    return [_related(session, other, by, row, actor) for other, by in _referring(resource, actor)]


def counts(session: Session, resource: Resource, id: int, actor: Actor) -> list[tuple[Resource, Count]]:
    """How many records of each resource refer to this one, where there are any."""
    found = [(other, query.count(session, query.parse(other, MultiDict({by.name: str(id)}), actor), CAP))
             for other, by in _referring(resource, actor)]
    return [(other, count) for other, count in found if count.number]


def _referring(resource: Resource, actor: Actor) -> list[tuple[Resource, Reference]]:
    """The references to this resource that the actor may read."""
    return [(other, by) for other in resources() for by in other.references
            if by.to == resource.name and by in policy.readable(actor, other)]


def _related(session: Session, other: Resource, by: Reference, row: Mapping[str, Any], actor: Actor) -> Related:
    args = MultiDict({by.name: str(row["id"])})
    page = query.page(session, query.parse(other, MultiDict({**args, "limit": str(SHOWN)}), actor))
    asked = query.parse(other, args, actor)
    count = listing.whole(page) or query.count(session, asked, CAP)
    return Related(other, by, columns(other, actor, but=by.name), page.rows, count, listing.address(other, asked.args))


def columns(resource: Resource, actor: Actor, but: str = "") -> list[Field]:
    """The first columns of its list, for a table with less room."""
    readable = {field.name: field for field in policy.readable(actor, resource)}
    return [readable[name] for name in resource.listed if name in readable and name != but][:SHOWN_COLUMNS]
