"""Actions: what can be done to a record beyond writing its fields.

Its resource declares them, the room that does one registers how; buttons on pages and the API both come here.
"""
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import check
from app.audit import Actor
from app.errors import Conflict, Invalid, NotFound
from app.extensions import db
from app.records import conflict, policy, query
from app.records.field import Field
from app.records.fields import Money, Reading, Reference, Wanted
from app.records.parse import sentence
from app.records.registry import named
from app.records.resource import Action, Resource
from app.records.rules import MISSING
from app.records.words import lower

Row = dict[str, Any]
Values = dict[str, Any]
Do = Callable[[Actor, Resource, Row, Values], str]
When = Callable[[Row], bool | str]
UNKNOWN = "There is no such field here. Leave it out or correct its name."


class Doer(NamedTuple):
    """How an action is done: `do` answers a sentence on what happened and raises Problems.

    `when` says to which records: True, or a sentence why not to this one.
    """

    do: Do
    when: When | None = None


_doers: dict[tuple[str, str], Doer] = {}


def action(resource_name: str, name: str, *, when: When | None = None) -> Callable[[Do], Do]:
    """Register how the declared action `name` is done, for one resource or "*": for all that declare it.

    The function is given the record as its actor sees it, and the values by column, read and checked: an amount in minor
    units, a reference as an id. It opens its own transaction, and is safe to press twice only if it locks and looks again.
    """
    def register(do: Do) -> Do:
        _doers[resource_name, name] = Doer(do, when)
        return do
    return register


def registered(resource: Resource) -> list[Action]:
    """The declared actions that somebody does, in their order."""
    return [one for one in resource.actions if _doer(resource, one.name)]


def offered(actor: Actor, resource: Resource, row: Row) -> list[Action]:
    """Those `actor` may do to this record as it stands."""
    return [one for one in registered(resource) if actor.may(needed(resource, one)) and not _why_not(resource, one, row)]


def allowed(actor: Actor, resource: Resource, name: str) -> Action:
    """The action of this name. Raises NotFound where nobody does it, Forbidden without its permission."""
    found = next((one for one in registered(resource) if one.name == name), None)
    if found is None:
        raise NotFound(f"{resource.plural} have no action {name}.")
    check(actor, needed(resource, found))
    return found


def needed(resource: Resource, action: Action) -> str:
    """The permission it takes."""
    return action.needs or f"{resource.name}.{action.name}"


def check_possible(resource: Resource, action: Action, row: Row) -> None:
    """Raise Conflict where it cannot be done to this record as it stands."""
    if why := _why_not(resource, action, row):
        raise Conflict(why, title="This cannot be done now")


def run(actor: Actor, resource: Resource, id: int, name: str, body: Mapping[str, Any], reading: Reading,
        version: int | None = None) -> str:
    """Do it, and answer what happened. `body` is by field name, as people or JSON write; `version` is the one that was seen.

    Raises NotFound, Forbidden, Conflict (in the trash, not possible now, changed since), Invalid with the errors by field
    name, and whatever Problem the function that does it raises.
    """
    action, session = allowed(actor, resource, name), db.session()
    row = query.one(session, resource, id, actor)
    check_possible(resource, action, row)
    if version is not None and version != row["version"]:
        raise Conflict(f"{conflict.meanwhile(session, resource, row, version, actor)} Look at the record and do it again.",
                       title="The record has changed since you read it")
    values = read(session, actor, action, row, body, reading)
    doer = _doer(resource, name)
    assert doer is not None
    return doer.do(actor, resource, row, values)


def read(session: Session, actor: Actor, action: Action, row: Row, body: Mapping[str, Any], reading: Reading) -> Values:
    """The values by column, with the converters of the fields. Raises Invalid with what is wrong by field name."""
    values: Values = {}
    errors = dict.fromkeys(body.keys() - {field.name for field in action.fields}, UNKNOWN)
    for field in sorted(action.fields, key=lambda field: field.late):     # an amount needs its currency first
        try:
            found = field.converter(reading)(body.get(field.name))
            values[field.column] = _default(field) if found is None else _settled(session, actor, field, found, {**row, **values})
            if field.required and values[field.column] is None:
                raise ValueError(MISSING)
        except (ValueError, TypeError, ArithmeticError) as error:
            errors[field.name] = sentence(error)
    if errors:
        raise Invalid("Nothing was done. Correct what is named under errors and send it again.", errors=errors)
    return values


def _doer(resource: Resource, name: str) -> Doer | None:
    return _doers.get((resource.name, name)) or _doers.get(("*", name))


def _why_not(resource: Resource, action: Action, row: Row) -> str:
    if row["trashed_at"] is not None:
        return f"This {lower(resource.label)} is in the trash. Restore it first."
    doer = _doer(resource, action.name)
    allows = doer is None or doer.when is None or doer.when(row)
    if isinstance(allows, str):
        return allows
    if not allows:
        return f"As it stands, this {lower(resource.label)} does not allow it: {lower(action.title)}. Look at its state."
    return ""


def _default(field: Field) -> Any:
    return field.default() if callable(field.default) else field.default


def _settled(session: Session, actor: Actor, field: Field, found: Any, row: Row) -> Any:
    """What is stored for what was read. Raises ValueError."""
    if isinstance(field, Money):
        return field.settle(found, row.get(field.currency))
    return _referred(session, actor, field, found) if isinstance(field, Reference) else found


def _referred(session: Session, actor: Actor, field: Reference, wanted: Wanted) -> int:
    """The id of the one record somebody named, among those they may see and outside the trash. Raises ValueError."""
    other = named(field.to)
    conditions = [other.table.c[wanted.column] == wanted.value, other.table.c.trashed_at.is_(None)]
    if wanted.account is not None:
        conditions.append(other.table.c.account == wanted.account)
    if (scope := policy.scope(actor, other)) is not None:
        conditions.append(scope)
    ids = list(session.scalars(select(other.table.c.id).where(*conditions).limit(2)))
    if len(ids) != 1:
        what = "Several have" if ids else f"No {lower(other.label)} has"
        raise ValueError(f"{what} the {lower(_title(other, wanted.column))} {wanted.value}. Correct it or choose another.")
    return int(ids[0])


def _title(resource: Resource, column: str) -> str:
    field = resource.field(column)
    return field.title if field is not None else "id"
