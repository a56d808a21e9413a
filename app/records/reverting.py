"""Going back to an earlier version of a record: the opposite of all that happened since, as one change of its own."""
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.audit import Actor, Audit, Door
from app.errors import NotFound
from app.records import labels, policy, timeline
from app.records.changes import ACCEPTED, Change, Outcome, Source, apply, plan
from app.records.fields import Field, Reference
from app.records.labels import Difference
from app.records.resource import Resource
from app.transaction import repeated, transaction

Row = dict[str, Any]
Values = dict[str, Any]
HIDDEN = "Fields your role does not show stay as they are."


@dataclass
class Plan:
    """What going back would do now: `values` by column, for the gate; in `left` sentences on what stays as it is, and why."""

    to: int
    made: Audit                                    # what made the version it goes back to
    values: Values = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)    # as it is now, as it was then
    left: list[str] = field(default_factory=list)
    problem: str = ""                              # why nothing of it can be done
    since: str = ""                                # where somebody else's change is shown, if that is why


def planned(session: Session, resource: Resource, row: Row, to: int, actor: Actor, keeper: str) -> Plan:
    """Version `to` against `row`, the record as it stands; `keeper` is who keeps its owned fields, "" for nobody.

    Raises NotFound where there is no such earlier version.
    """
    later = timeline.since(session, resource, row, to - 1) if 0 < to < row["version"] else []
    if not later or later[-1].version != to:
        raise NotFound(f"There is no version {to} of this {resource.label.lower()} to go back to.")
    found = Plan(to, later[-1])
    old = _before(later[:-1])
    attached = "account" in old and actor.may(f"{resource.name}.detach")
    for column, value in old.items():
        if why := _why_left(resource, column, actor, "" if attached else keeper):
            found.left += [why] if why not in found.left else []
        else:
            found.values[column] = _revived(resource, column, value)
    _weigh(session, resource, row, actor, found)
    return found


@repeated
def revert(resource: Resource, id: int, values: Mapping[str, Any], to: int, version: int, *, by: Actor,
           request_id: str | None) -> Outcome:
    """Write what was planned, of a record seen at `version`: exempt from transitions, not from ownership, rights and versions."""
    with transaction() as session:
        return apply(session, [_change(resource, id, values, to, version)], Source(Door.UNDO, by, request_id=request_id))[0]


def _before(later: Sequence[Audit]) -> Values:
    """By column, what was before all these changes, newest first."""
    return {column: before for one in later for column, (before, _) in json.loads(one.diff).items() if column != "trashed_at"}


def _why_left(resource: Resource, column: str, actor: Actor, keeper: str) -> str:
    """Why this actor cannot bring back this column, "" if they can try."""
    if column == "account":
        right = f"{resource.name}.detach"
        return "" if actor.may(right) else f"Who keeps it stays: that needs the permission {right}."
    found = resource.field(column)
    if found is None:
        return "Its id at the provider stays as it is."
    if found not in policy.writable(actor, resource):
        return f"{found.title} stays: nobody writes it by hand." if found in policy.readable(actor, resource) else HIDDEN
    return f"{found.title} stays: {keeper} keeps it." if found.owned and keeper else ""


def _revived(resource: Resource, column: str, value: Any) -> Any:
    found = resource.field(column)
    return value if found is None else labels.revived(found, value)


def _weigh(session: Session, resource: Resource, row: Row, actor: Actor, found: Plan) -> None:
    """Ask the gate, again without what it refuses, until the rest would go through."""
    source = Source(Door.UNDO, actor)
    while found.values:
        [outcome] = plan(session, [_change(resource, row["id"], found.values, found.to, row["version"])], source)
        refused = {column: outcome.errors[column] for column in found.values if column in outcome.errors}
        if outcome.kind in (*ACCEPTED, "unchanged"):
            found.differences = _differences(session, resource, row, outcome.diff, actor)
            return
        if not refused:
            found.problem = " ".join(outcome.errors.values())
            return
        for column, why in refused.items():
            name = resource.field(column)
            _leave(found, column, name)
            found.left.append(f"{name.title if name else 'Who keeps it'} stays. {why}")


def _leave(found: Plan, column: str, name: Field | None) -> None:
    """Take the field out of the plan, with all of its columns."""
    both = {column, *((name.column, name.ref_column) if isinstance(name, Reference) else ())}
    found.values = {column: value for column, value in found.values.items() if column not in both}


def _change(resource: Resource, id: int, values: Mapping[str, Any], to: int, version: int) -> Change:
    return Change(resource.name, values, key={"id": id}, version=version, only="update", cause=to)


def _differences(session: Session, resource: Resource, row: Row, diff: labels.Diff, actor: Actor) -> list[Difference]:
    then = labels.turned(resource, row, diff, 1)
    labels.label(session, resource, [then], actor)
    found = [difference for one in policy.readable(actor, resource)
             if not {one.column, getattr(one, "ref_column", "")}.isdisjoint(diff)
             for difference in labels.differences(one, row, then)]
    return found + [("Kept by", str(before), str(after)) for column, (before, after) in diff.items() if column == "account"]
