"""What an actor may see and write: fields by right, rows by scope. Pages, API, exports, search and pickers all ask here."""
from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, and_, false

from app.audit import Actor
from app.errors import BadRequest, Forbidden
from app.records import filters
from app.records.fields import Field
from app.records.resource import Resource


def readable(actor: Actor, resource: Resource) -> tuple[Field, ...]:
    """The fields `actor` may see, in declared order; none without `<resource>.read`."""
    if not actor.may(f"{resource.name}.read"):
        return ()
    if actor.may(f"{resource.name}.sensitive"):
        return resource.fields
    return tuple(field for field in resource.fields if not field.sensitive)


def writable(actor: Actor, resource: Resource) -> tuple[Field, ...]:
    """The fields `actor` may write on some record; whether on this one (owned, transitions) the gate says."""
    if not (actor.may(f"{resource.name}.edit") or actor.may(f"{resource.name}.create")):
        return ()
    return tuple(field for field in readable(actor, resource) if field.kind != "json")


def scope(actor: Actor, resource: Resource, table: FromClause | None = None) -> ColumnElement[bool] | None:
    """Which rows `actor` may touch, as a condition on `table` (default: the resource's own); None = all of them, false()
    without `<resource>.read`.

    A scope is a filter in the query grammar. One that cannot be read lets nobody see anything: it raises Forbidden.
    """
    if not actor.may(f"{resource.name}.read"):
        return false()
    text = actor.scopes.get(resource.name)
    if not text:
        return None
    try:
        found = filters.parse(resource, filters.arguments(text), filters.EVERYTHING, table)
    except BadRequest as error:
        said = " ".join(f"{name}: {sentence}" for name, sentence in error.errors.items())
        raise Forbidden(f"What {actor.name} may see of the {resource.plural.lower()} cannot be read. {said or error.detail} "
                        "A person with the role admin can mend it.") from None
    return and_(*filters.conditions(found))


@dataclass(frozen=True)
class Sight:
    """What one actor sees, as `filters` asks for it."""

    actor: Actor

    def fields(self, resource: Resource) -> tuple[Field, ...]:
        return readable(self.actor, resource)

    def rows(self, resource: Resource, table: FromClause | None = None) -> ColumnElement[bool] | None:
        return scope(self.actor, resource, table)
