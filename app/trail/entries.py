"""The rows of the trail as a person reads them; a change shows no field the reader may not see."""
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy.orm import Session

from app.audit import Actor, Audit
from app.records import policy, rows, timeline
from app.records.labels import Difference
from app.records.registry import resources
from app.records.resource import Resource
from app.trail import words

Row = dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """Who did what to what. `face`: a person, by the form; others have an icon."""

    audit: Audit
    deed: str
    target: str
    url: str | None
    icon: str
    face: bool
    changes: list[Difference]
    facts: list[tuple[str, str]]
    door: str = ""
    door_url: str | None = None


def entries(session: Session, found: list[Audit], actor: Actor) -> list[Entry]:
    """In the same order; a few statements for each resource among them, however many rows."""
    known = {one.name: one for one in resources()}
    by_resource: dict[str, list[Audit]] = defaultdict(list)
    for one in found:
        if one.resource in known and one.version is not None:
            by_resource[one.resource].append(one)
    made = {entry.audit.id: entry for name, group in by_resource.items()
            for entry in _changes(session, known[name], group, actor)}
    return [made.get(one.id) or _deed(one, known.get(one.resource), actor) for one in found]


def _changes(session: Session, resource: Resource, found: list[Audit], actor: Actor) -> list[Entry]:
    records = _records(session, resource, {one.record_id for one in found if one.record_id}, actor)
    told = timeline.read(session, resource, records, found, actor)
    return [Entry(one, happening.deed.removesuffix(" it"), _title(resource, one, records),
                  url_for("records.show", resource=resource.name, id=one.record_id), happening.icon, happening.face,
                  happening.changes, [], happening.door, happening.url)
            for one, happening in zip(found, told, strict=True)]


def _records(session: Session, resource: Resource, ids: set[int], actor: Actor) -> dict[int, Row]:
    """The records as they are now, with the fields `actor` may see."""
    sight = policy.Sight(actor)
    fields = [field for field in sight.fields(resource) if field is not resource.lines]
    chosen = rows.selection(resource, fields, sight)
    statement = rows.reading(chosen).where(resource.table.c.id.in_(ids))
    return {row["id"]: row for row in chosen.rows(session.execute(statement).mappings())}


def _title(resource: Resource, one: Audit, records: dict[int, Row]) -> str:
    row = records.get(one.record_id or 0)
    return f"{resource.singular} {resource.text(row) if row else one.record_id}"


def _deed(one: Audit, resource: Resource | None, actor: Actor) -> Entry:
    facts = json.loads(one.diff)
    if resource is not None:
        seen = policy.readable(actor, resource)
        facts = {name: value for name, value in facts.items() if resource.field(name) is None or resource.field(name) in seen}
        url = url_for("records.show", resource=resource.name, id=one.record_id) if one.record_id else None
        return Entry(one, words.deed(one), f"{resource.singular} {one.record_id}", url, "gear", one.actor_kind == "staff", [],
                     words.facts(facts))
    text, address = words.target(one)
    return Entry(one, words.deed(one), text, address, words.ICONS.get(one.resource, "gear"), one.actor_kind == "staff", [],
                 words.facts(facts))
