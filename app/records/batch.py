"""Reading for a batch: every change parsed, then the database asked once a resource."""
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, select
from sqlalchemy.orm import Session

from app.records import ask, bulk, policy
from app.records.change import Change, Source
from app.records.held import Held, Place, Row, names_of, places
from app.records.parse import IDENTITY, Parsed, Shape, parse, shape_of
from app.records.registry import named
from app.records.relations import Line, Reference, Wanted
from app.records.resource import Resource
from app.transaction import is_sqlite

Asked = dict[str, dict[str, set[Any]]]     # resource: column: values


class Batch:
    """Changes that are decided together, and everything the decisions ask about."""

    def __init__(self, session: Session, changes: Sequence[Change], source: Source) -> None:
        self.session, self.changes, self.source = session, changes, source
        self.connection: Connection = session.connection()
        self.now = datetime.now(UTC)
        self.held = Held()
        self.allowed: dict[str, bool] = {}
        self.shapes: dict[tuple[str | None, ...], Shape] = {}
        self.parsed = [parse(change, self.shape(change)) for change in changes]
        self.by_shape: dict[Shape, list[Parsed]] = defaultdict(list)
        for parsed in self.parsed:
            self.by_shape[parsed.shape].append(parsed)

    def shape(self, change: Change) -> Shape:
        signature = (change.resource, *change.values, None, *(change.key or ()))
        found = self.shapes.get(signature)
        if found is None:
            resource = named(change.resource)
            hidden = not self.source.reports and not self.may(f"{resource.name}.sensitive")
            reading = self.source.reading._replace(ids=self.source.door == "api")
            found = shape_of(change, resource, reading, hidden, self.source.reports)
            self.shapes[signature] = found
        return found

    def may(self, permission: str) -> bool:
        """Whether the actor holds this now; asked once a batch. What providers report is not a matter of rights."""
        if permission not in self.allowed:
            self.allowed[permission] = self.source.reports or self.source.actor.may(permission)
        return self.allowed[permission]

    def account(self, parsed: Parsed) -> str | None:
        """Whose outside ids a change speaks of; None: nobody's in particular."""
        return parsed.account if parsed.account is not None else self.source.account

    def lanes(self) -> set[str]:
        """The tables this batch may write or has to be alone with: its own, those that wait for them, those they wait for."""
        own = {shape.resource for shape in self.by_shape}
        waiting = {place.resource.name for resource in own for place in places(resource)}
        return {resource.name for resource in own} | waiting | {name for resource in own for name in resource.targets}

    # -- what to ask for

    def read(self) -> "Batch":
        """Records addressed, records in the way, records referred to, records that wait for one of ours."""
        own: Asked = defaultdict(lambda: defaultdict(set))
        other: Asked = defaultdict(lambda: defaultdict(set))
        for shape, alike in self.by_shape.items():
            _ask_own(shape, alike, own[shape.resource.name])
            _ask_other(shape, alike, other)
        waited = self.ask_waiting(own)
        for name in [name for name in other if name in own]:   # ask once: what two statements see can differ
            for column, values in other.pop(name).items():
                own[name][column] |= values
        for name in sorted(own):
            self.load_rows(named(name), own[name], with_lines=name in waited or self.names_lines(name))
        for name in sorted(other):
            self.load_keys(named(name), other[name])
        return self

    def names_lines(self, name: str) -> bool:
        return any(field.kind == "lines" for shape in self.by_shape if shape.resource.name == name for _, field, _ in shape.late)

    def ask_waiting(self, own: Asked) -> set[str]:
        """Records that may find whom they wait for in this batch. Usually nobody waits, and one statement says so.

        Returns the resources whose lines wait.
        """
        lined = set()
        for place in self.anybody_at({place for shape in self.by_shape for place in places(shape.resource)}):
            names = {name for shape, alike in self.by_shape.items() if shape.resource.name == place.field.to
                     for parsed in alike for name in names_of(shape.resource, parsed.values, self.account(parsed) or "")}
            if place.lines is None:
                own[place.resource.name][place.field.ref_column] |= names
            else:
                lines = place.lines.table
                found = select(lines.c.parent_id).where(bulk.among(self.connection, lines.c[place.field.ref_column], names))
                own[place.resource.name]["id"].update(self.connection.execute(found).scalars())
                lined.add(place.resource.name)
        return lined

    def waited_for(self, rows: list[Row]) -> bool:
        """Whether somebody we do not hold waits for one of these."""
        for place in self.anybody_at({place for row in rows for place in places(row.resource)}):
            names = {name for row in rows if row.resource.name == place.field.to
                     for name in names_of(row.resource, row.values, row.values.get("account") or "")}
            table, id = (place.lines.table, "parent_id") if place.lines else (place.resource.table, "id")
            waiting = select(table.c[id]).where(bulk.among(self.connection, table.c[place.field.ref_column], names))
            if any(found not in self.held.rows[place.resource.name] for found in self.connection.execute(waiting).scalars()):
                return True
        return False

    def anybody_at(self, asked: Collection[Place]) -> list[Place]:
        """The places where anybody waits for anybody."""
        if not asked:
            return []
        ordered = tuple(sorted(asked, key=lambda place: place.key))
        found = self.connection.execute(ask.anybody(ordered)).one()
        return [place for place, waits in zip(ordered, found, strict=True) if waits]

    # -- asking

    def load_rows(self, resource: Resource, asked: dict[str, set[Any]], with_lines: bool) -> None:
        """Records that may be changed, or are in the way, or are referred to: whole."""
        by = _some(asked)
        if not by:
            return
        rows, columns = self.held.rows[resource.name], ask.read_columns(resource)
        for record in self.find(ask.whole, resource, by, asked):
            values = dict(zip(columns, record, strict=False))
            rows[values["id"]] = Row(resource, values, values["revision"])
            if record[-1]:
                self.held.out_of_sight.add((resource.name, values["id"]))
        if with_lines:
            self.load_lines(resource, rows)
        for row in rows.values():
            self.held.put(row)

    def load_lines(self, resource: Resource, rows: dict[int, Row]) -> None:
        lines = resource.lines
        if lines is None or not rows:
            return
        for row in rows.values():
            row.values[lines.name] = []
        table = lines.table
        query = (select(table.c.parent_id, *(table.c[c] for c in lines.columns))
                 .where(bulk.among(self.connection, table.c.parent_id, rows)).order_by(table.c.parent_id, table.c.position))
        for parent, *values in self.connection.execute(query):
            rows[parent].values[lines.name].append(dict(zip(lines.columns, values, strict=True)))

    def load_keys(self, resource: Resource, asked: dict[str, set[Any]]) -> None:
        """Of records that are only referred to: what finds them, whether they are in the trash, whether the actor sees them."""
        held, name, by = self.held, resource.name, _some(asked)
        if not by:
            return
        columns, outside = ask.key_columns(by), IDENTITY in by
        for id, is_trashed, is_hidden, *keys in self.find(ask.keys, resource, by, asked):
            held.keys[name]["id"][id] = id
            for column, value in zip(columns, keys, strict=True):
                held.keys[name][column][value] = id
            if outside and keys[-2] is not None:
                held.outside[name][keys[-2]][keys[-1]] = id
            if is_trashed:
                held.trashed.add((name, id))
            if is_hidden:
                held.out_of_sight.add((name, id))

    def find(self, statement: Callable[..., Select[Any]], resource: Resource, by: tuple[str, ...],
             asked: dict[str, set[Any]]) -> Iterable[Any]:
        """The records that have any of the values asked for in the columns `by`."""
        sqlite = is_sqlite(self.connection)
        return self.connection.execute(statement(resource, by, sqlite, self.scope(resource)),
                                       {column: bulk.many(sqlite, asked[column]) for column in by})

    def scope(self, resource: Resource) -> ColumnElement[bool] | None:
        """The rows the actor may see, None = all of them. Providers speak of what is theirs."""
        return None if self.source.reports else policy.scope(self.source.actor, resource)


def _some(asked: dict[str, set[Any]]) -> tuple[str, ...]:
    """The columns of which values were asked for."""
    for values in asked.values():
        values.discard(None)
    return tuple(sorted(column for column, values in asked.items() if values))


def _ask_own(shape: Shape, alike: list[Parsed], asked: dict[str, set[Any]]) -> None:
    if shape.key is not None:
        asked[shape.key[1]].update(parsed.key for parsed in alike)
    for column in shape.uniques:
        asked[column].update(parsed.values.get(column) for parsed in alike)
    if shape.resource.outside:
        asked[IDENTITY].update(parsed.values.get(IDENTITY) for parsed in alike)


def _ask_other(shape: Shape, alike: list[Parsed], asked: Asked) -> None:
    for reference in shape.by_id:
        asked[reference.to]["id"].update(parsed.values.get(reference.column) for parsed in alike)
    if any(field.kind in ("reference", "lines") for _, field, _ in shape.late):
        for parsed in alike:
            for _, field, value in parsed.late:
                if isinstance(value, Wanted) and isinstance(field, Reference):
                    asked[field.to][value.column].add(value.value)
                elif field.kind == "lines":
                    _ask_lines(value, asked)


def _ask_lines(lines: list[Line], asked: Asked) -> None:
    for line in lines:
        for field, value in line.late:
            if isinstance(value, Wanted) and isinstance(field, Reference):
                asked[field.to][value.column].add(value.value)
        for field, id in line.by_id:
            asked[field.to]["id"].add(id)
