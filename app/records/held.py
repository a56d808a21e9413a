"""What the database holds about the records of a batch, kept in step with what has been decided so far."""
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from app.records.parse import IDENTITY
from app.records.registry import resources
from app.records.relations import Lines, Reference, Wanted
from app.records.resource import Resource


class Row:
    """One record. `seen` is the revision that was read, None if it is new; `clocks` is `said`, read when it is needed."""

    __slots__ = ("clocks", "counted", "dirty", "resource", "seen", "values")

    def __init__(self, resource: Resource, values: dict[str, Any], seen: int | None) -> None:
        self.resource, self.values, self.seen = resource, values, seen
        self.dirty: set[str] = set()                      # columns to write
        self.counted = False                              # its version moved
        self.clocks: dict[str, list[Any]] | None = None


@dataclass(frozen=True, eq=False)
class Place:
    """A field through which records of one resource wait for records of another that are not here yet."""

    resource: Resource
    field: Reference
    lines: Lines | None        # not None: the field is one of its lines

    @cached_property
    def key(self) -> str:
        return f"{self.resource.name}.{self.lines.name if self.lines else ''}.{self.field.name}"


@cache
def places(target: Resource) -> tuple[Place, ...]:
    """Where others wait for records of `target`."""
    own = [Place(r, f, None) for r in resources() for f in r.references]
    inner = [Place(r, f, r.lines) for r in resources() if r.lines for f in r.lines.fields if isinstance(f, Reference)]
    return tuple(place for place in (*own, *inner) if place.field.loose and place.field.to == target.name)


@cache
def waits(resource: Resource) -> tuple[Place, ...]:
    """Through what records of `resource` wait for others."""
    return tuple(place for target in resources() for place in places(target) if place.resource is resource)


@cache
def looked_up(resource: Resource) -> frozenset[str]:
    """The columns a change of which moves a record in our indexes."""
    loose = (place.lines.name if place.lines else place.field.ref_column for place in waits(resource))
    return frozenset((*resource.unique, IDENTITY, "account", *loose))


def awaited(column: str, value: object, account: str = "") -> str:
    """How a record that is not here yet is kept in mind: "number=ORD-1", "external_id@stripe=cus_1"."""
    return f"{column}@{account}={value}" if column == IDENTITY else f"{column}={value}"


def names_of(resource: Resource, values: dict[str, Any], account: str) -> list[str]:
    """Every way others may have named a record with these values while it was not here."""
    found = [awaited(column, values[column]) for column in resource.unique if values.get(column) is not None]
    if resource.outside and values.get(IDENTITY) is not None:
        found.append(awaited(IDENTITY, values[IDENTITY], account))
    return found


class Held:
    """Records by id, and the indexes decisions look into."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, Row]] = defaultdict(dict)
        self.keys: dict[str, dict[str, dict[Any, int]]] = defaultdict(lambda: defaultdict(dict))
        self.outside: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
        self.waiting: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self.trashed: set[tuple[str, int]] = set()        # of records that are only referred to
        self.out_of_sight: set[tuple[str, int]] = set()   # what the actor may not see

    def all_rows(self) -> Iterator[Row]:
        return (row for rows in self.rows.values() for row in rows.values())

    def put(self, row: Row) -> bool:
        """Make a record findable by the keys it has now. Returns whether it waits for another."""
        resource, values = row.resource, row.values
        id = values["id"]
        keys = self.keys[resource.name]
        keys["id"][id] = id
        for column in resource.unique:
            if values[column] is not None:
                keys[column][values[column]] = id
        if resource.outside and values[IDENTITY] is not None:
            self.outside[resource.name][values[IDENTITY]][values["account"]] = id
        found = False
        for place in waits(resource):
            for ref in waiting_for(place, values):
                self.waiting[place.key][ref].add(id)
                found = True
        return found

    def take(self, row: Row) -> None:
        """The opposite of `put`, before its keys change."""
        resource, values = row.resource, row.values
        keys = self.keys[resource.name]
        for column in ("id", *resource.unique):
            if keys[column].get(values[column]) == values["id"]:
                del keys[column][values[column]]
        if resource.outside and values[IDENTITY] is not None:
            self.outside[resource.name][values[IDENTITY]].pop(values["account"], None)
        for place in waits(resource):
            for ref in waiting_for(place, values):
                self.waiting[place.key][ref].discard(values["id"])

    def is_trashed(self, name: str, id: int) -> bool:
        row = self.rows[name].get(id)
        return (name, id) in self.trashed if row is None else row.values["trashed_at"] is not None

    def identities(self, name: str, external_id: str, account: str | None) -> list[int]:
        """The records with this outside id: of one account, or of any."""
        found = self.outside[name].get(external_id)
        if not found:
            return []
        if account is not None:
            return [found[account]] if account in found else []
        return list(found.values())

    def find(self, name: str, wanted: Wanted, account: str | None) -> int | None:
        """The record somebody named, None if there is none. Raises ValueError when there are several."""
        if wanted.column != IDENTITY:
            return self.keys[name][wanted.column].get(wanted.value)
        found = self.identities(name, wanted.value, wanted.account if wanted.account is not None else account)
        if len(found) > 1:
            raise ValueError("Several accounts have a record with this id. Name the account as well.")
        return found[0] if found else None


def waiting_for(place: Place, values: dict[str, Any]) -> tuple[str, ...]:
    """Whom a record with these values waits for, through this place."""
    if place.lines is None:
        ref = values.get(place.field.ref_column)
        return (ref,) if ref else ()
    return tuple(line[place.field.ref_column] for line in values.get(place.lines.name) or () if line[place.field.ref_column])
