"""The rows of a sync as a page shows them: what the provider calls it, which record it is, and what differs, field by field."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.integrations import sync_rows
from app.integrations.sync_standing import Standing
from app.jobs.words import Mark
from app.records import labels, policy, query
from app.records.batches import REFUSED, BatchRow
from app.records.field import Field
from app.records.query import Row
from app.records.resource import Resource

PAGE = 50
WRONG = tuple(outcome for outcome in REFUSED if outcome != "stale")
TABS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "": ("All", None), "here": ("Missing here", ("created",)), "differs": ("Differs", ("updated",)),
    "there": ("Missing there", ("absent",)), "refused": ("Refused", WRONG),
    "same": ("Same", ("unchanged", "stale", "repeated")), "left": ("Left out", ("skipped",)),
    "undone": ("Undone", ("trashed", "restored")), "kept": ("Kept", ("kept", "refused"))}
"""Word and outcomes of each tab. Those without rows are left out, but for the first four of a comparison."""
ALWAYS = ("", "here", "differs", "there", "same")
PLANNED = {"created": Mark("wait", "call", "Missing here"), "updated": Mark("busy", "full", "Differs")}
APPLIED = {"created": Mark("ok", "full", "Added"), "updated": Mark("busy", "full", "Changed")}
MARKS = {"unchanged": Mark("mute", "full", "Same"), "stale": Mark("mute", "full", "Newer here"),
         "repeated": Mark("mute", "full", "Listed twice"), "absent": Mark("wait", "call", "Missing there"),
         "skipped": Mark("mute", "open", "Left out"),
         "trashed": Mark("back", "full", "Undone"), "restored": Mark("back", "full", "Undone"),
         "kept": Mark("wait", "call", "Kept"), "refused": Mark("wait", "call", "Kept")}


@dataclass(frozen=True)
class RowView:
    """One thing of the provider. `id`: of the record, `title` "" for one that is not there, or not to be seen."""

    number: int
    outside: str
    id: int | None
    title: str
    mark: Mark
    outcome: str
    changes: Sequence[labels.Difference]
    notes: Sequence[str]


def tabs(found: Standing, counts: Mapping[str, int]) -> list[tuple[str, str, int]]:
    """(name, word, rows) of each tab."""
    offered = []
    for name, (word, outcomes) in TABS.items():
        number = found.batch.rows if outcomes is None else sum(counts.get(outcome, 0) for outcome in outcomes)
        if number or name in ALWAYS and found.sync.stage in ("review", "same"):
            offered.append((name, word, number))
    return offered


def rows(session: Session, found: Standing, tab: str, outside: str, after: int, actor: Actor) -> tuple[list[RowView], int | None]:
    """One page of rows of a tab, of one outside id if it is given, and what to pass as `after` for the next; None: the last."""
    asked = select(BatchRow).where(BatchRow.batch_id == found.batch.id, BatchRow.number > after)
    if (outcomes := TABS[tab][1]) is not None:
        asked = asked.where(BatchRow.outcome.in_(outcomes))
    if outside:
        asked = asked.where(BatchRow.key == outside)
    some = session.scalars(asked.order_by(BatchRow.number).limit(PAGE + 1)).all()
    part = some[:PAGE]
    records = _records(session, found.resource, [row.record_id for row in part if row.record_id], actor)
    told = _changes(session, found.resource, part, records, actor)
    views = [_view(found, row, records.get(row.record_id or 0), told.get(row.number, [])) for row in part]
    return views, part[-1].number if len(some) > PAGE else None


def _records(session: Session, resource: Resource, ids: list[int], actor: Actor) -> dict[int, Row]:
    """The records `actor` may see, by id."""
    if not ids or not actor.may(f"{resource.name}.read"):
        return {}
    args = MultiDict({"id": ",".join(map(str, ids)), "trashed": "with", "limit": str(PAGE)})
    return {row["id"]: row for row in query.page(session, query.parse(resource, args, actor)).rows}


def _changes(session: Session, resource: Resource, part: Sequence[BatchRow], records: Mapping[int, Row],
             actor: Actor) -> dict[int, list[labels.Difference]]:
    """{row number: (field, old, new)} as `actor` may read them; of what is missing here, what it would be given."""
    pairs: list[tuple[int, Any, labels.Row, labels.Row]] = []
    for row in part:
        if row.diff and (record := records.get(row.record_id or 0)):
            old, new = (labels.turned(resource, record, row.diff, side) for side in (0, 1))
            pairs.append((row.number, row.diff, old, new))
    labels.label(session, resource, [side for _, _, old, new in pairs for side in (old, new)], actor)
    fields = [field for field in policy.readable(actor, resource) if field.kind != "json"]
    told = {number: [one for field in fields if field.column in diff for one in labels.differences(field, old, new)]
            for number, diff, old, new in pairs}
    return told | {row.number: _given(fields, row) for row in part if row.outcome == "created"}


def _given(fields: Sequence[Field], row: BatchRow) -> list[labels.Difference]:
    """What a record that is missing here would begin with."""
    values = dict(sync_rows.shape(row.cells or []).values)
    return [(field.title, None, said) for field in fields if (said := _said(field, values))]


def _said(field: Field, values: Mapping[str, Any]) -> str:
    given = values.get(field.name)
    if isinstance(given, Mapping):
        return str(given.get("external_id", ""))
    if field.column in values:
        return labels.said(field, values)
    return f"{given} {values.get('currency', '')}".strip() if isinstance(given, str) else ""


def _view(found: Standing, row: BatchRow, record: Row | None, changes: list[labels.Difference]) -> RowView:
    marks = PLANNED if found.sync.stage in ("review", "outdated") or row.number > found.batch.applied_to else APPLIED
    refusal = Mark("bad", "call", "Refused")
    mark = refusal if row.outcome in WRONG else {**MARKS, **marks}.get(row.outcome or "", Mark("mute", "open", "Waiting"))
    return RowView(row.number, sync_rows.outside(row.cells or [{}]), row.record_id, found.resource.text(record) if record else "",
                   mark, row.outcome or "", changes, _notes(found.resource, row))


def _notes(resource: Resource, row: BatchRow) -> list[str]:
    """What stands against it, beside the field it concerns."""
    fields = {name: resource.field(name) for name in row.errors or {}}
    return [sentence if (field := fields[name]) is None else f"{field.title}: {sentence}"
            for name, sentence in (row.errors or {}).items()]
