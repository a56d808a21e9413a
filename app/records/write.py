"""Writing what was decided: a few statements a table. Nothing else writes a business row."""
from collections.abc import Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from app.audit import COLUMNS as AUDIT
from app.audit import to_json
from app.extensions import Base
from app.records import bulk, news, search
from app.records.batch import Batch
from app.records.change import ACCEPTED, Outcome
from app.records.held import Row
from app.records.ledger import Accepted, Ledger
from app.records.registry import named, rank
from app.records.resource import Resource

AUDIT_TABLE = Base.metadata.tables["audit"]
Real = dict[int, int]      # the id a new record had while it was decided: the one it gets


class Raced(Exception):
    """Somebody wrote a record between our reading and our writing it."""


class Writer:
    """Writes the rows of one batch: referenced before referring, changed rows in id order, then new ones in key order."""

    def __init__(self, batch: Batch, ledger: Ledger) -> None:
        self.batch, self.ledger, self.connection = batch, ledger, batch.connection
        self.real: Real = {}
        self.made: set[str] = set()      # resources that have new records

    def write(self, outcomes: list[Outcome]) -> None:
        """Write everything and give the outcomes their real ids. Raises Raced when a record is not what was read."""
        for name in sorted(self.batch.held.rows, key=lambda name: (rank(name), name)):
            self.write_records(named(name), self.batch.held.rows[name])
        self.write_audit(self.ledger.accepted)
        if self.real:
            self.make_real(outcomes)

    def write_records(self, resource: Resource, rows: dict[int, Row]) -> None:
        changed = sorted((row for row in rows.values() if row.seen is not None and row.dirty), key=lambda row: row.values["id"])
        new = [row for row in rows.values() if row.seen is None]
        if new:
            new.sort(key=lambda row: str(row.values[resource.require(resource.key).column]))
            ids = bulk.new_ids(self.connection, resource.table, len(new))
            self.real.update(zip((row.values["id"] for row in new), ids, strict=True))
            for row, id in zip(new, ids, strict=True):
                row.values["id"] = id
            self.made.add(resource.name)
        if not self.made.isdisjoint(resource.targets):
            for row in (*new, *changed):
                refer(resource, row.values, self.real)
        if changed:
            self.update(resource, changed)
        if new:
            self.insert(resource, new)

    def update(self, resource: Resource, rows: list[Row]) -> None:
        lines = resource.lines.name if resource.lines else ""
        columns = set().union(*(row.dirty for row in rows)) - {lines}
        if any(row.counted for row in rows):
            columns.add("version")
        keys = [(column, key) for column, key in _keyed(resource) if column in columns]
        for row in rows:
            _derive(row, keys)
        order = sorted(columns | {key for _, key in keys})
        values = _getter(tuple(order))
        now = self.batch.now
        written = bulk.update(self.connection, resource.table, order, [
            (*values(row.values), now if row.counted else None, row.values["id"], row.seen) for row in rows])
        if written < len(rows):
            raise Raced
        self.write_lines(resource, [row for row in rows if lines in row.dirty], replace=True)
        searched = set(search.columns(resource))
        search.replace(self.connection, resource, [(row.values["id"], search.text(resource, row.values))
                                                   for row in rows if not searched.isdisjoint(row.dirty)])

    def insert(self, resource: Resource, rows: list[Row]) -> None:
        columns = _stored(resource)
        keys = _keyed(resource)
        for row in rows:
            _derive(row, keys)
        values = _getter(columns)
        bulk.insert(self.connection, resource.table, columns, [values(row.values) for row in rows])
        if resource.lines is not None:
            name = resource.lines.name
            self.write_lines(resource, [row for row in rows if row.values[name]], replace=False)
        if resource.searched:
            search.add(self.connection, resource, [(row.values["id"], search.text(resource, row.values)) for row in rows])

    def write_lines(self, resource: Resource, rows: list[Row], replace: bool) -> None:
        if not rows or resource.lines is None:
            return
        lines, table = resource.lines, resource.lines.table
        if replace:
            bulk.delete(self.connection, table, "parent_id", [row.values["id"] for row in rows])
        bulk.insert(self.connection, table, ("parent_id", "position", *lines.columns), [
            (row.values["id"], position, *(line[column] for column in lines.columns))
            for row in rows for position, line in enumerate(row.values[lines.name], 1)])

    def write_audit(self, accepted: list[Accepted]) -> None:
        source, now = self.batch.source, self.batch.now
        actor, door = source.actor, str(source.door)
        head = (now, actor.kind, actor.id, actor.name, door)
        bulk.insert(self.connection, AUDIT_TABLE, AUDIT, [
            (*head, *((cause, None) if source.door_id is None else (source.door_id, cause)), source.request_id,
             row.resource.name, row.values["id"], version, action, "{}" if diff is None else self.told(row.resource, diff))
            for row, version, action, diff, cause in accepted])

    def told(self, resource: Resource, diff: dict[str, list[Any]]) -> str:
        if not self.made.isdisjoint(resource.targets):
            refer_diff(resource, diff, self.real)
        return to_json(diff)

    def make_real(self, outcomes: list[Outcome]) -> None:
        for outcome, change in zip(outcomes, self.batch.changes, strict=True):
            if outcome.id is not None and outcome.id < 0:
                outcome.id = self.real[outcome.id]
            resource = named(change.resource)
            if outcome.kind in ACCEPTED and not self.made.isdisjoint(resource.targets):
                if outcome.given is not None:
                    refer(resource, outcome.given, self.real)
                else:
                    refer_diff(resource, outcome.diff, self.real)


def refer(resource: Resource, values: dict[str, Any], real: Real) -> None:
    """Put the real ids where a record refers to new ones."""
    for reference in resource.references:
        id = values.get(reference.column)
        if id is not None and id < 0:
            values[reference.column] = real[id]
    if resource.lines is not None and values.get(resource.lines.name):
        values[resource.lines.name] = _real_lines(resource, values[resource.lines.name], real)


def refer_diff(resource: Resource, diff: dict[str, list[Any]], real: Real) -> None:
    """The same in what is told of a change."""
    for reference in resource.references:
        if reference.column in diff:
            diff[reference.column] = [real.get(id, id) for id in diff[reference.column]]
    if resource.lines is not None and resource.lines.name in diff:
        diff[resource.lines.name] = [_real_lines(resource, lines, real) for lines in diff[resource.lines.name]]


def _real_lines(resource: Resource, lines: Any, real: Real) -> Any:
    references = [f.column for f in resource.lines.fields if f.kind == "reference"] if resource.lines else []
    return lines and [line | {c: real.get(line[c], line[c]) for c in references} for line in lines]


def derived(resource: Resource, values: dict[str, Any]) -> dict[str, Any]:
    """The values with the sort keys that follow from them."""
    return values | {key: (values[column] or "").casefold() or None for column, key in _keyed(resource)}


def _derive(row: Row, keys: Sequence[tuple[str, str]]) -> None:
    """What follows from the values: sort keys and clocks."""
    values = row.values
    for column, key in keys:
        value = values[column]
        values[key] = value.casefold() if value else None
    if row.clocks:
        values["said"] = news.kept(row.clocks)


@cache
def _keyed(resource: Resource) -> tuple[tuple[str, str], ...]:
    """(column, column of its sort key)."""
    return tuple((field.column, field.sort_column) for field in resource.fields if field.sortable and field.folded)


@cache
def _stored(resource: Resource) -> tuple[str, ...]:
    return tuple(resource.table.c.keys())


@cache
def _getter(columns: tuple[str, ...]) -> Any:
    """(row.values) -> a tuple of these columns, whatever their number."""
    if len(columns) == 1:
        [column] = columns
        return lambda values: (values[column],)
    return itemgetter(*columns) if columns else lambda values: ()
