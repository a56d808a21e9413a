"""What a batch has accepted so far: rows changed in memory, audit rows to be, and the way back for a cause that falls."""
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

from app.records import news
from app.records.held import Held, Place, Row, looked_up, names_of, places
from app.records.resource import Resource

Diff = dict[str, list[Any]]


class Accepted(NamedTuple):
    """One row of the audit to be."""

    row: Row
    version: int
    action: str
    diff: Diff | None          # None: created, the record itself is the copy
    cause: int | None


@dataclass(slots=True)
class Before:
    """A record as it was before the changes of one cause."""

    row: Row
    values: dict[str, Any] | None     # None: it was not there
    dirty: set[str]
    counted: bool
    clocks: dict[str, list[Any]] | None


class Ledger:
    """Carries out decisions in memory."""

    def __init__(self, held: Held, now: datetime) -> None:
        self.held, self.now = held, now
        self.accepted: list[Accepted] = []
        self.waits = False                       # a record waits now for one that is not here yet
        self.pending = count(-1, -1)             # ids of new records until they are written
        self.before: dict[int, Before] | None = None
        self.so_far = 0

    def add(self, resource: Resource, values: dict[str, Any], cause: int | None) -> Row:
        """A new record, under a negative id."""
        id = next(self.pending)
        values.update(id=id, version=1, revision=1, created_at=self.now, updated_at=self.now)
        row = Row(resource, values, None)
        if self.before is not None:
            self.before[id] = Before(row, None, set(), False, None)
        self.held.rows[resource.name][id] = row
        self.waits = self.held.put(row) or self.waits
        self.accepted.append(Accepted(row, 1, "created", None, cause))
        self.link(row, cause)
        return row

    def change(self, row: Row, diff: Diff, cause: int | None, action: str = "updated") -> None:
        """A record takes on new values, and its version counts."""
        self.remember(row)
        moves = not looked_up(row.resource).isdisjoint(diff)
        if moves:
            self.held.take(row)
        values = row.values
        for column, (_, new) in diff.items():
            values[column] = new
        values["version"] += 1
        row.counted = True
        row.dirty.update(diff)
        self.accepted.append(Accepted(row, values["version"], action, diff, cause))
        if moves:
            self.waits = self.held.put(row) or self.waits
            self.link(row, cause)

    def hear(self, row: Row, clocks: dict[str, news.Clock]) -> None:
        """Newer words about a record, whether or not they change it: without this an older, different report would win later."""
        self.remember(row)
        row.clocks = {**news.heard(row), **clocks}
        row.dirty.add("said")

    def link(self, row: Row, cause: int | None) -> None:
        """Whoever waited for this record has it now."""
        if not self.held.waiting:
            return
        for place in places(row.resource):
            waiting = self.held.waiting.get(place.key)
            if not waiting:
                continue
            for name in names_of(row.resource, row.values, row.values.get("account") or ""):
                for id in sorted(waiting.get(name, ()), key=lambda id: (id < 0, abs(id))):
                    other = self.held.rows[place.resource.name][id]
                    self.change(other, _linked(place, other.values, row.values["id"], name), cause)

    # -- all or nothing

    def begin(self) -> None:
        """From here on, `undo` leads back."""
        self.before, self.so_far = {}, len(self.accepted)

    def end(self) -> None:
        self.before = None

    def undo(self) -> None:
        """Back to `begin`."""
        for id, before in (self.before or {}).items():
            row = before.row
            self.held.take(row)
            if before.values is None:
                del self.held.rows[row.resource.name][id]
        for before in (self.before or {}).values():
            if before.values is not None:
                row = before.row
                row.values, row.dirty, row.counted, row.clocks = before.values, before.dirty, before.counted, before.clocks
                self.held.put(row)
        del self.accepted[self.so_far:]

    def remember(self, row: Row) -> None:
        id = row.values["id"]
        if self.before is not None and id not in self.before:
            self.before[id] = Before(row, dict(row.values), set(row.dirty), row.counted, row.clocks)


def _linked(place: Place, values: dict[str, Any], id: int, name: str) -> Diff:
    column, ref = place.field.column, place.field.ref_column
    if place.lines is None:
        return {column: [values[column], id], ref: [name, None]}
    lines = values[place.lines.name]
    return {place.lines.name: [lines, [{**line, column: id, ref: None} if line[ref] == name else line for line in lines]]}
