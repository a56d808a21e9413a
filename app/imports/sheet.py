"""The rows of an import as a page shows them: what the file said, what is wrong with it, what would change."""
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import Actor
from app.files import cells
from app.imports.meant import options
from app.imports.models import Import
from app.imports.refused import said, title
from app.imports.rules import Rules, folded
from app.imports.standing import Standing
from app.jobs.words import Mark
from app.records import batches, labels, policy
from app.records.batches import REFUSED, SKIPPED, BatchRow
from app.records.fields import Field
from app.records.registry import named
from app.records.resource import Resource

Values = dict[str, Any]
WIDEST = 12
PAGE = 50
LOOKED_AT = 2_000
TABS = {"": ("All", None), "new": ("New", ("created",)), "changed": ("Changed", ("updated",)),
        "unchanged": ("Unchanged", ("unchanged",)), "skipped": ("Skipped", SKIPPED), "refused": ("Refused", REFUSED),
        "undone": ("Undone", ("trashed", "restored")), "kept": ("Kept", ("kept",))}
"""Word and outcomes of each tab. Those without rows are left out, but for the first four and the refused."""
MARKS = {"created": Mark("ok", "full", "New"), "updated": Mark("busy", "full", "Changed"),
         "unchanged": Mark("mute", "full", "Unchanged"),
         "repeated": Mark("mute", "open", "Skipped"), "skipped": Mark("mute", "open", "Skipped"),
         "conflict": Mark("bad", "call", "Refused"), "trashed": Mark("back", "full", "In the trash"),
         "restored": Mark("back", "full", "Undone"), "kept": Mark("wait", "call", "Kept")}
REFUSAL = Mark("bad", "call", "Refused")


@dataclass
class CellView:
    """A cell: what the file says, the value it replaces or would replace, what is wrong with it."""

    text: str
    right: bool = False
    old: str | None = None
    new: str = ""
    why: str = ""
    position: int = 0
    means: str = ""          # what was said beside the columns that it means


@dataclass
class RowView:
    number: int
    mark: Mark
    cells: list[CellView]
    record_id: int | None
    notes: list[str] = field(default_factory=list)     # what concerns the row, or fields without a column
    edition: int = 0
    mended_by: str = ""
    beside: list[tuple[str, str, str]] = field(default_factory=list)   # (title, old, new) of changed fields no column here shows


@dataclass(frozen=True)
class Trouble:
    """Rows refused for the same reason."""

    count: int
    sentence: str
    column: str
    values: list[str]
    position: int | None = None


def tabs(standing: Standing, counts: dict[str, int]) -> list[tuple[str, str, int]]:
    """(name, word, rows) of each tab."""
    found = []
    for name, (word, outcomes) in TABS.items():
        number = standing.rows if outcomes is None else sum(counts.get(outcome, 0) for outcome in outcomes)
        if number or name in ("", "new", "changed", "unchanged", "refused") and standing.imported.stage != "undone":
            found.append((name, word, number))
    return found


def skipped(counts: dict[str, int], now: bool) -> str:
    """How many rows are skipped, and why; without a full stop."""
    repeats, left = counts.get("repeated", 0), counts.get("skipped", 0)
    one, more = ("is", "are") if now else ("was", "were")
    repeat = f"row repeats one before it and {one}" if repeats == 1 else f"rows repeat one before them and {more}"
    said = [f"{repeats:,} {repeat} skipped"] if repeats else []
    return ". ".join(said + ([f"{left:,} {f'row {one}' if left == 1 else f'rows {more}'} left out"] if left else []))


def shown(imported: Import) -> list[tuple[int, str]]:
    """The columns a page shows, by position: those that are matched, as many as fit."""
    used = [(position, column) for position, column in enumerate(imported.columns) if column["field"]]
    return [(position, column["header"]) for position, column in used[:WIDEST]]


def rows(session: Session, standing: Standing, tab: str, after: int, actor: Actor) -> tuple[list[RowView], bool]:
    """One page of rows of a tab, and whether there are more."""
    if standing.batch is None:
        return [], False
    outcomes = TABS[tab][1]
    found = batches.page(session, standing.batch, outcomes, after, PAGE + 1)
    part = found[:PAGE]
    before = _before(session, standing.imported, part, actor)
    rules = Rules.of(standing.imported.rules)
    return [_row(standing.imported, row, before.get(row.number), rules) for row in part], len(found) > PAGE


def troubles(session: Session, standing: Standing, but: Collection[str] = ()) -> list[Trouble]:
    """What stands in the way, the commonest first, `but` these sentences; counted among the first refused rows."""
    if standing.batch is None:
        return []
    counted: Counter[tuple[str, str]] = Counter()
    values: dict[tuple[str, str], list[str]] = {}
    places = _places(standing.imported)
    for row in batches.page(session, standing.batch, REFUSED, 0, LOOKED_AT):
        for (column, sentence), name in zip(said(standing.imported, row), row.errors or {}, strict=True):
            if sentence in but:
                continue
            counted[column, sentence] += 1
            value = _text(row, places.get(name))
            if value and value not in values.setdefault((column, sentence), []):
                values[column, sentence].append(value)
    at = {column["header"]: place for place, column in enumerate(standing.imported.columns) if column["field"]}
    return [Trouble(count, sentence, column, values.get((column, sentence), [])[:3], at.get(column))
            for (column, sentence), count in counted.most_common(4)]


def _places(imported: Import) -> dict[str, int]:
    return {column["field"]: position for position, column in enumerate(imported.columns) if column["field"]}


def _text(row: BatchRow, position: int | None) -> str:
    found = row.cells or []
    return cells.text(found[position]) if position is not None and position < len(found) else ""


def _row(imported: Import, row: BatchRow, changes: dict[str, tuple[str, str]] | None, rules: Rules) -> RowView:
    places = _places(imported)
    made = []
    for position, _ in shown(imported):
        name = imported.columns[position]["field"]
        view = CellView(_text(row, position), _is_number(imported.resource, name), why=(row.errors or {}).get(name, ""),
                        position=position, means=_means(imported.resource, name, _text(row, position), rules))
        if changes and name in changes and row.outcome in ("updated", "conflict"):
            view.old, view.new = changes[name]
        made.append(view)
    visible = {imported.columns[position]["field"] for position, _ in shown(imported)}
    notes = [sentence if not name else f"{title(imported.resource, name)}: {sentence}"
             for name, sentence in (row.errors or {}).items() if name not in visible or name not in places]
    beside = [(title(imported.resource, name), old, new) for name, (old, new) in (changes or {}).items()
              if name not in visible and row.outcome in ("updated", "conflict")]
    return RowView(row.number, mark_of(row.outcome), made, row.record_id, notes or _why(row), row.edition, row.mended_by or "",
                   beside)


def _means(resource: str, name: str, text: str, rules: Rules) -> str:
    words = rules.words.get(name, {})
    if name in rules.splits or folded(text) not in words:
        return ""
    meant, found = words[folded(text)], named(resource).field(name)
    return "blank" if meant is None else dict(options(found)).get(meant, meant) if found is not None else meant


def mark_of(outcome: str | None) -> Mark:
    """How an outcome is shown."""
    return REFUSAL if outcome in REFUSED else MARKS.get(outcome or "", Mark("mute", "open", "Waiting"))


def _why(row: BatchRow) -> list[str]:
    if row.errors:
        return []
    sentences = {"missing": "There is no such record to change.", "forbidden": "You may not do this to this record."}
    return [sentences[row.outcome]] if row.outcome in sentences else []


def _is_number(resource: str, name: str) -> bool:
    found = named(resource).field(name)
    return found is not None and found.kind in ("money", "integer")


def _before(session: Session, imported: Import, part: Sequence[BatchRow], actor: Actor) -> dict[int, dict[str, tuple[str, str]]]:
    """{row number: {field: (old, new)}} as `actor` may read them, for rows that change a record they may see."""
    resource = named(imported.resource)
    changed = [row for row in part if row.diff and row.record_id]
    if not changed:
        return {}
    table, scope = resource.table, policy.scope(actor, resource)
    visible = [table.c.id.in_([row.record_id for row in changed]), *([] if scope is None else [scope])]
    found = {row["id"]: dict(row) for row in session.execute(select(table).where(*visible)).mappings()}
    pairs = [(row, *_sides(resource, found[row.record_id], row.diff or {})) for row in changed if row.record_id in found]
    labels.label(session, resource, [side for _, old, new in pairs for side in (old, new)], actor)
    seen = policy.readable(actor, resource)
    return {row.number: _differences(resource, seen, row.diff or {}, old, new) for row, old, new in pairs}


def _sides(resource: Resource, now: Values, diff: Values) -> tuple[Values, Values]:
    return labels.turned(resource, now, diff, 0), labels.turned(resource, now, diff, 1)


def _differences(resource: Resource, seen: Sequence[Field], diff: Values, old: Values, new: Values) -> dict[str, tuple[str, str]]:
    fields = [field for column in diff if (field := resource.field(column)) in seen and field is not None]
    return {field.name: (labels.said(field, old), labels.said(field, new)) for field in fields}
