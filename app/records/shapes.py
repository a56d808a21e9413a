"""What a program wants of a record: its members by fields=, and by expand= the records that its references lead to."""
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from app.access import check
from app.audit import Actor
from app.errors import BadRequest
from app.records import policy
from app.records.fields import DateTime, Field, Lines, Reference
from app.records.registry import named, resources
from app.records.resource import Resource

ALWAYS = ("id", "version", "updated_at")
MOMENTS = tuple(DateTime(name) for name in ("created_at", "updated_at", "trashed_at"))
DEEPEST = 2
"""Steps from the record that is asked for to another; only the first may lead to many."""


@dataclass
class Shape:
    """What is answered of a record or a line: these members (None = all), and `within` those that are records themselves."""

    names: set[str] | None = None
    within: dict[str, "Shape"] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        return self.names is None or name in self.names or name in self.within

    @property
    def expands(self) -> bool:
        return any(name != "lines" or inner.expands for name, inner in self.within.items())


@dataclass(frozen=True)
class Place:
    """Where a path of names has come to: a record, or its `lines`, `depth` steps from the first, by the reference `by`.

    `many`: they refer to the record before them, else it refers to this one.
    """

    resource: Resource
    depth: int = 0
    by: Reference | None = None
    many: bool = False
    lines: Lines | None = None

    def members(self, actor: Actor) -> list[str]:
        if self.lines is not None:
            return [part.name for part in self.lines.fields]
        return members(self.resource, policy.readable(actor, self.resource))

    def ways(self, actor: Actor) -> dict[str, "Place"]:
        """What lies beyond, by name: the records referred to, the lines, and from the first record those that refer to it."""
        if self.lines is not None:
            return self._referred(self.lines.fields)
        seen = policy.readable(actor, self.resource)
        lines = {part.name: replace(self, lines=part) for part in seen if isinstance(part, Lines)}
        return {**(_referring(self.resource, actor) if self.depth == 0 else {}), **lines, **self._referred(seen)}

    def _referred(self, fields: tuple[Field, ...]) -> dict[str, "Place"]:
        """To where these fields lead, but not back to where they came from."""
        return {one.name: Place(named(one.to), self.depth + 1, one) for one in fields
                if isinstance(one, Reference) and self.depth < DEEPEST and not (self.many and one is self.by)}


def wanted(resource: Resource, actor: Actor, fields: str | None, expand: str | None) -> Shape:
    """The shape that fields= and expand= ask for; expand= adds to what fields= names, `customer.email` in fields= expands too.

    Raises BadRequest for a name there is none of, or that the actor may not see: the two are told alike. Raises Forbidden where
    the actor may see no record of the type that is to be expanded.
    """
    shape, errors = Shape(), {}
    for param, raw, add in (("expand", expand, _expand), ("fields", fields, _choose)):
        try:
            for path in [] if raw is None else [path.strip() for path in raw.split(",")]:
                add(shape, Place(resource), path, actor)
        except ValueError as error:
            errors[param] = str(error)
    if errors:
        raise BadRequest("Some parameters cannot be read.", errors=errors)
    return shape


def members(resource: Resource, fields: tuple[Field, ...]) -> list[str]:
    """The names of all members a record has in the API, in order."""
    return ["id", "version", *(one.name for one in fields), *(["account"] if resource.outside else []),
            *(moment.name for moment in MOMENTS)]


def expandable(place: Place, actor: Actor) -> list[str]:
    """Every path expand= takes."""
    return [path for path, beyond in _paths(place, actor) if beyond.lines is None]


def choosable(place: Place, actor: Actor) -> list[str]:
    """Every path fields= takes."""
    return [*place.members(actor), *(f"{path}.{name}" for path, beyond in _paths(place, actor) for name in beyond.members(actor))]


def _paths(place: Place, actor: Actor) -> Iterator[tuple[str, Place]]:
    for name, beyond in place.ways(actor).items():
        if actor.may(f"{beyond.resource.name}.read"):
            yield name, beyond
            yield from ((f"{name}.{path}", further) for path, further in _paths(beyond, actor))


def _referring(resource: Resource, actor: Actor) -> dict[str, Place]:
    """The records that refer to this one, by their plural; with the field where they can do so in several."""
    found: dict[str, Place] = {}
    for other in resources():
        ways = [one for one in other.references if one.to == resource.name]
        for by in ways:
            if by in policy.readable(actor, other) or not actor.may(f"{other.name}.read"):
                found[other.name if len(ways) == 1 else f"{other.name}_by_{by.name}"] = Place(other, 1, by, many=True)
    return found


def _expand(shape: Shape, start: Place, path: str, actor: Actor) -> None:
    place: Place | None = start
    for name in path.split("."):
        place = place and _beyond(place, name, actor)
        shape = shape.within.setdefault(name, Shape())
    if place is None or place.lines is not None:
        known = expandable(start, actor)
        raise ValueError(f"There is no {path!r} to expand. {'Choose from ' + ', '.join(known) if known else 'Leave it out'}.")


def _choose(shape: Shape, place: Place, path: str, actor: Actor) -> None:
    *steps, last = path.split(".")
    known = place.members(actor)
    for number, name in enumerate(steps, 1):
        beyond = _beyond(place, name, actor)
        if beyond is None:
            break
        shape.names = set() if shape.names is None else shape.names
        place, shape = beyond, shape.within.setdefault(name, Shape())
        known = [".".join((*steps[:number], member)) for member in place.members(actor)]
    if path not in known:
        raise ValueError(f"There is no field {path!r}. Choose from {', '.join(known)}.")
    shape.names = {*(shape.names or ()), last}


def _beyond(place: Place, name: str, actor: Actor) -> Place | None:
    """One step further. Raises Forbidden where the actor may see no record there."""
    found = place.ways(actor).get(name)
    if found is not None:
        check(actor, f"{found.resource.name}.read")
    return found
