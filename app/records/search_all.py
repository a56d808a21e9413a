"""The search over all records: what is typed exactly as somewhere is found at once, the rest by the index of each resource."""
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.records import listing, policy, query, related
from app.records.fields import Field, Ref
from app.records.registry import resources
from app.records.resource import Resource
from app.records.values import Reading

SHOWN = 5


@dataclass(frozen=True)
class Found:
    """The best hits in one resource, and the list with all of them."""

    resource: Resource
    columns: list[Field]
    rows: list[dict[str, Any]]
    more: bool
    url: str


def exact(session: Session, text: str, actor: Actor) -> list[tuple[Resource, Ref]]:
    """Records of which a key (any unique field) is what was typed: one indexed statement for each such field."""
    found: dict[tuple[str, int], tuple[Resource, Ref]] = {}
    for resource in _open(actor):
        for column in dict.fromkeys((resource.require(resource.key).column, *resource.unique)):
            for ref in _by(session, resource, column, text, actor):
                found[resource.name, ref.id or 0] = (resource, ref)
    return list(found.values())


def everywhere(session: Session, text: str, actor: Actor) -> list[Found]:
    """The newest hits in each resource that has any."""
    found = []
    for resource in _open(actor):
        if not resource.searched:
            continue
        args = MultiDict({"q": text})
        page = query.page(session, query.parse(resource, MultiDict({**args, "limit": str(SHOWN)}), actor))
        if page.rows:
            url = listing.address(resource, args)
            found.append(Found(resource, related.columns(resource, actor), page.rows, page.next is not None, url))
    return found


def _open(actor: Actor) -> list[Resource]:
    return [resource for resource in resources() if actor.may(f"{resource.name}.read")]


def _by(session: Session, resource: Resource, column: str, text: str, actor: Actor) -> list[Ref]:
    field = resource.require(column)
    if field not in policy.readable(actor, resource):
        return []
    try:
        value = field.converter(Reading())(text.lstrip("#"))
    except ValueError:
        return []
    table, seen = resource.table, policy.scope(actor, resource)
    statement = select(table).where(table.c[column] == value, table.c.trashed_at.is_(None)).limit(2)
    found = session.execute(statement if seen is None else statement.where(seen)).mappings()
    return [Ref(row["id"], str(row[column]), resource.text(dict(row))) for row in found]
