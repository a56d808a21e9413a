"""The rows of a bulk change as a page shows them: which record, what would change or did, what stands against it."""
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.jobs.words import Mark
from app.records import batches, labels, policy, query
from app.records.batches import REFUSED, BatchRow
from app.records.bulk_changes import BulkChange
from app.records.bulk_standing import Standing
from app.records.query import Row
from app.records.registry import named
from app.records.resource import Resource

PAGE = 50
TABS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    "": ("All", None), "changed": ("Changed", ("updated",)), "unchanged": ("Unchanged", ("unchanged",)),
    "refused": ("Refused", REFUSED), "undone": ("Undone", ("trashed", "restored")), "kept": ("Kept", ("kept", "refused"))}
"""Word and outcomes of each tab. Those without rows are left out, but for the first four of a preview."""
MARKS = {"updated": Mark("busy", "full", "Changed"), "unchanged": Mark("mute", "full", "Unchanged"),
         "restored": Mark("back", "full", "Undone"), "trashed": Mark("back", "full", "Undone"),
         "kept": Mark("wait", "call", "Kept"), "refused": Mark("wait", "call", "Kept")}
REFUSAL, NOT_RUN = Mark("bad", "call", "Refused"), Mark("mute", "open", "Not run")
MOVES = {"trash": ("in use", "in the trash"), "restore": ("in the trash", "in use")}


@dataclass(frozen=True)
class RowView:
    """A record of it. `title` is "" for one that is not there, or not to be seen."""

    id: int
    title: str
    mark: Mark
    changes: Sequence[labels.Difference]
    notes: Sequence[str]


def tabs(standing: Standing, counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """(name, word, rows) of each tab."""
    found = []
    for name, (word, outcomes) in TABS.items():
        number = standing.batch.rows if outcomes is None else sum(counts.get(outcome, 0) for outcome in outcomes)
        if number or name == "" or standing.bulk.stage == "review" and name in ("changed", "unchanged", "refused"):
            found.append((name, word, number))
    return found


def rows(session: Session, standing: Standing, tab: str, after: int, actor: Actor) -> tuple[list[RowView], int | None]:
    """One page of rows of a tab, and what to pass as `after` for the next; None if this is the last."""
    found = batches.page(session, standing.batch, TABS[tab][1], after, PAGE + 1)
    part = found[:PAGE]
    records = _records(session, standing.resource, [_id(row) for row in part], actor)
    changes = _changes(session, standing.resource, part, records, actor)
    views = [_view(standing, row, records.get(_id(row)), changes.get(row.number, [])) for row in part]
    return views, part[-1].number if len(found) > PAGE else None


def _id(row: BatchRow) -> int:
    return int((row.cells or [0])[0])


def _records(session: Session, resource: Resource, ids: list[int], actor: Actor) -> dict[int, Row]:
    """The records `actor` may see, by id."""
    if not ids or not actor.may(f"{resource.name}.read"):
        return {}
    args = MultiDict({"id": ",".join(map(str, ids)), "trashed": "with", "limit": str(PAGE)})
    return {row["id"]: row for row in query.page(session, query.parse(resource, args, actor)).rows}


def _changes(session: Session, resource: Resource, part: Sequence[BatchRow], records: dict[int, Row],
             actor: Actor) -> dict[int, list[labels.Difference]]:
    """{row number: (field, old, new)} as `actor` may read them."""
    found = [(row.number, records[_id(row)], row.diff) for row in part if row.diff and _id(row) in records]
    sides = [[labels.turned(resource, record, diff, side) for side in (0, 1)] for _, record, diff in found]
    labels.label(session, resource, [side for pair in sides for side in pair], actor)
    fields = [field for field in policy.readable(actor, resource) if field.kind != "json"]
    return {number: [one for field in fields if field.column in diff for one in labels.differences(field, *pair)]
            for (number, _, diff), pair in zip(found, sides, strict=True)}


def _view(standing: Standing, row: BatchRow, record: Row | None, changes: list[labels.Difference]) -> RowView:
    bulk, resource = standing.bulk, standing.resource
    if bulk.deed in MOVES and row.outcome == "updated":
        changes = [("", *MOVES[bulk.deed])]
    return RowView(_id(row), resource.text(record) if record else "", _mark(standing, row), changes, _notes(bulk, row))


def _mark(standing: Standing, row: BatchRow) -> Mark:
    """An undone one may have rows left that were never run."""
    if standing.bulk.stage == "undone" and row.outcome == "updated" and row.number > standing.batch.applied_to:
        return NOT_RUN
    return REFUSAL if row.outcome in REFUSED else MARKS.get(row.outcome or "", Mark("mute", "open", "Waiting"))


def _notes(bulk: BulkChange, row: BatchRow) -> list[str]:
    """What stands against it, beside the field it concerns."""
    fields = {name: named(bulk.resource).field(name) for name in row.errors or {}}
    return [sentence if (field := fields[name]) is None else f"{field.title}: {sentence}"
            for name, sentence in (row.errors or {}).items()]
