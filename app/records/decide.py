"""Deciding: one change after the other, in memory, against what was read and what was decided before."""
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any

from app.records import news
from app.records.batch import Batch
from app.records.change import ACCEPTED, REFUSED, Change, Outcome
from app.records.held import Row, looked_up
from app.records.ledger import Diff, Ledger
from app.records.parse import IDENTITY, Parsed
from app.records.resource import Resource
from app.records.rules import Rules
from app.records.settle import Settle, blank
from app.records.sight import unseen
from app.records.words import lower

FELL = "This belongs together with a change that was refused. Mend that one first."
TIE = "The provider said two things of the same moment. Ask it how things stand."
UNSEEN = "would not be among those you may see. Keep it there."
CONFLICT = "Somebody changed this since you read it. Look at both and save again."


def decided(read: Callable[[], Batch]) -> "Decisions":
    """Read and decide; again without the changes that would move a record out of the actor's sight."""
    hidden: set[int] = set()
    while True:
        decisions = Decisions(read(), hidden)
        decisions.decide()
        more = decisions.out_of_sight()
        if not more:
            return decisions
        hidden |= more


class Decisions:
    """What becomes of the changes of a batch that was read."""

    def __init__(self, batch: Batch, unseen: Collection[int] = ()) -> None:
        """`unseen`: the places of changes that would move a record out of the actor's sight."""
        self.unseen = unseen
        self.batch, self.held = batch, batch.held
        self.settling, self.rules = Settle(batch), Rules(batch)
        self.ledger = Ledger(batch.held, batch.now)
        self.reports = batch.source.reports
        self.outcomes: list[Outcome] = []
        self.blanks: dict[str, dict[str, Any]] = {}

    def decide(self) -> list[Outcome]:
        """One outcome a change, in their order."""
        changes, parsed = self.batch.changes, self.batch.parsed
        for place in self.unseen:
            parsed[place].unseen = True
        decided: dict[int, Outcome] = {}
        for group in together(changes):
            if len(group) == 1:
                decided[group[0]] = self.one(changes[group[0]], parsed[group[0]])
            else:
                decided.update(zip(group, self.all_or_none([(changes[n], parsed[n]) for n in group]), strict=True))
        self.outcomes = [decided[n] for n in range(len(changes))]
        return self.outcomes

    def out_of_sight(self) -> set[int]:
        """The places of accepted changes that leave a record where the actor may not see it."""
        if self.reports:
            return set()
        hidden = unseen(self.batch, [entry.row for entry in self.ledger.accepted])
        return {n for n, outcome in enumerate(self.outcomes) if outcome.kind in ACCEPTED and outcome.id in hidden}

    def somebody_waits(self) -> bool:
        """Whether anybody waits by now for a record of this batch who did not when it was read."""
        new = [row for row in self.held.all_rows() if row.seen is None or not looked_up(row.resource).isdisjoint(row.dirty)]
        return bool(new) and self.batch.waited_for(new)

    def all_or_none(self, group: list[tuple[Change, Parsed]]) -> list[Outcome]:
        """The changes of one cause: all of them, or none."""
        self.ledger.begin()
        outcomes = [self.one(change, parsed) for change, parsed in group]
        refused = next((outcome for outcome in outcomes if outcome.kind in REFUSED), None)
        if refused is not None:
            self.ledger.undo()
            outcomes = [Outcome(o.kind, None, None, o.diff, o.errors) if o.kind in REFUSED else
                        Outcome(refused.kind, errors={"": FELL}) for o in outcomes]
        self.ledger.end()
        return outcomes

    def one(self, change: Change, parsed: Parsed) -> Outcome:
        if change.key and parsed.key is None:
            return Outcome("invalid", errors=parsed.errors)
        if parsed.unseen:
            return Outcome("forbidden", errors={"": f"This {lower(parsed.shape.resource.label)} {UNSEEN}"})
        try:
            id = self.locate(parsed)
        except ValueError as error:
            return Outcome("invalid", errors={_key_name(parsed): str(error)})
        if id is None:
            return self.create(change, parsed)
        return self.change(change, parsed, self.held.rows[parsed.shape.resource.name][id])

    def locate(self, parsed: Parsed) -> int | None:
        """The record the change means. Raises ValueError when it could be several."""
        shape = parsed.shape
        if shape.key is None:
            return None
        name, column = shape.resource.name, shape.key[1]
        if column != IDENTITY:
            return self.held.keys[name][column].get(parsed.key)
        found = self.held.identities(name, parsed.key, self.batch.account(parsed))
        if len(found) > 1:
            raise ValueError("Several accounts have a record with this id. Name the account as well.")
        return found[0] if found else self.adopted(shape.resource, parsed) if self.reports else None

    def adopted(self, resource: Resource, parsed: Parsed) -> int | None:
        """A record people made before its provider spoke of it: it has the same outside id, or the same key and none.

        One that was detached from its provider is not taken back.
        """
        rows = self.held.rows[resource.name]
        for id in self.held.identities(resource.name, parsed.key, ""):
            if rows[id].values["said"] is None and not rows[id].clocks:
                return id
        key = resource.require(resource.key)
        same = self.held.keys[resource.name][key.column].get(parsed.values.get(key.column)) if key.unique else None
        return same if same is not None and rows[same].values[IDENTITY] is None else None

    # -- a new record

    def create(self, change: Change, parsed: Parsed) -> Outcome:
        resource, key = parsed.shape.resource, parsed.shape.key
        if change.only == "update" or key is not None and key[1] == "id":
            return Outcome("missing", errors={_key_name(parsed): _not_here(resource)})
        if why := self.rules.forbidden(parsed, new=True):
            return Outcome("forbidden", errors={"": why})
        empty = self.blank(resource)
        given, errors = self.settling.settle(parsed, empty)
        clocks: dict[str, news.Clock] = {}
        if change.as_of is not None and resource.outside:
            clocks = news.first(resource, given, change, _found_by(parsed))
            given |= news.added(change, {})[0]
            given |= news.begun(resource, {**empty, **given}, clocks)
        values = {**empty, **given}
        if not self.reports:
            self.fill(resource, values, given)
        wrong = self.rules.of_new(resource, values)
        if wrong or errors:
            return Outcome("invalid", errors={**wrong, **errors})
        row = self.ledger.add(resource, values, change.cause)
        if clocks:
            row.clocks = clocks
        return Outcome("created", row.values["id"], 1, given=given)

    def fill(self, resource: Resource, values: dict[str, Any], given: dict[str, Any]) -> None:
        """An empty cell of a new record is what was not given: the default."""
        for column in _with_default(resource):
            if values[column] is None:
                values[column] = self.blank(resource)[column]
                given.pop(column, None)

    def blank(self, resource: Resource) -> dict[str, Any]:
        if resource.name not in self.blanks:
            self.blanks[resource.name] = blank(resource)
        return self.blanks[resource.name]

    # -- a record that is there

    def change(self, change: Change, parsed: Parsed, row: Row) -> Outcome:
        resource, old = row.resource, row.values
        id = old["id"]
        if refusal := self.shut(change, parsed, row):
            return refusal
        values, errors = self.settling.settle(parsed, old)
        if errors:
            diff = _difference(old, values)
            return Outcome("invalid", id, old["version"], errors={**self.rules.of_changed(resource, diff, old, parsed), **errors})
        clocks: dict[str, news.Clock] = {}
        older = False
        if change.as_of is not None and resource.outside:
            values, clocks, older, tie = news.weigh(row, values, change, _found_by(parsed))
            if tie:
                return Outcome("tie", id, old["version"], errors={"": TIE})
        diff = _difference(old, values)
        if "trashed_at" in diff and not self.reports and all(diff["trashed_at"]):
            del diff["trashed_at"]
        if diff:
            if change.version is not None and change.version != old["version"]:
                return Outcome("conflict", id, old["version"], diff, errors={"": CONFLICT})
            if old["trashed_at"] is not None and "trashed_at" not in diff and not self.reports:
                return Outcome("invalid", id, old["version"], errors=self.rules.in_trash(resource, parsed))
            if errors := self.rules.of_changed(resource, diff, old, parsed):
                return Outcome("invalid", id, old["version"], errors=errors)
        if clocks:
            self.ledger.hear(row, clocks)
        if not diff:
            return Outcome("stale" if older else "unchanged", id, old["version"])
        self.ledger.change(row, diff, change.cause, _action(diff))
        return Outcome("updated", id, old["version"], diff)

    def shut(self, change: Change, parsed: Parsed, row: Row) -> Outcome | None:
        """Why this actor may not come near this record, or this change not at any record that is there."""
        resource, id = row.resource, row.values["id"]
        if (resource.name, id) in self.held.out_of_sight:
            if _key_name(parsed) == "id":
                return Outcome("missing", errors={"id": _not_here(resource)})
            return Outcome("forbidden", errors={"": f"This {lower(resource.label)} is not among those you may see."})
        if change.only == "create":
            said = f"This {lower(resource.label)} is here already. Leave it out or change the key."
            return Outcome("invalid", id, row.values["version"], errors={_key_name(parsed): said})
        if why := self.rules.forbidden(parsed, new=False):
            return Outcome("forbidden", id, row.values["version"], errors={"": why})
        return None


def _difference(old: Mapping[str, Any], values: Mapping[str, Any]) -> Diff:
    return {column: [old.get(column), value] for column, value in values.items() if old.get(column) != value}


def together(changes: Sequence[Change]) -> list[list[int]]:
    """The places of the changes, those of one cause in one group, in the order of the first of each."""
    groups: dict[object, list[int]] = {}
    for place, change in enumerate(changes):
        groups.setdefault((place,) if change.cause is None else change.cause, []).append(place)
    return list(groups.values())


def _key_name(parsed: Parsed) -> str:
    """The name of the key as the caller wrote it; "" without one."""
    return parsed.shape.key[0] if parsed.shape.key else ""


def _found_by(parsed: Parsed) -> str:
    """The column of its key; "" without one."""
    return parsed.shape.key[1] if parsed.shape.key else ""


def _not_here(resource: Resource) -> str:
    return f"There is no such {lower(resource.label)}. Correct it, or create it first."


def _action(diff: Diff) -> str:
    """The word of the audit for a change."""
    if "trashed_at" not in diff:
        return "updated"
    return "restored" if diff["trashed_at"][1] is None else "trashed"


@cache
def _with_default(resource: Resource) -> tuple[str, ...]:
    return tuple(f.column for f in resource.fields if f.default is not None and f.kind != "lines")
