"""Why what is about to change may not: taken keys, emptied fields and, for people, ownership, transitions and the trash."""
from collections.abc import Mapping
from functools import cache
from typing import Any

from app.access import lacking
from app.audit import Door
from app.records import owners
from app.records.batch import Batch
from app.records.field import Field
from app.records.fields import Choice
from app.records.parse import IDENTITY, Parsed
from app.records.placeholders import is_placeholder
from app.records.resource import Resource
from app.records.words import an, lower

Diff = dict[str, list[Any]]


class Rules:
    """The rules of one batch. Sentences are by the name the caller used."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.held, self.source = batch, batch.held, batch.source
        self.reports = batch.source.reports
        self.live: dict[str, bool] = {}

    def forbidden(self, parsed: Parsed, new: bool) -> str | None:
        """The right that is missing for what the change names, as a sentence."""
        name, may = parsed.shape.resource.name, self.batch.may
        needed = []
        if new:
            needed.append(f"{name}.create")
        elif parsed.shape.writes:
            needed.append(f"{name}.edit")
        if "trashed_at" in parsed.values:
            needed.append(f"{name}.restore" if parsed.values["trashed_at"] is None else f"{name}.trash")
        if "account" in parsed.shape.given:
            needed.append(f"{name}.detach")
        missing = next((permission for permission in needed if not may(permission)), None)
        return None if missing is None else lacking(missing)

    def of_new(self, resource: Resource, values: Mapping[str, Any]) -> dict[str, str]:
        """What is wrong with a new record like this, by name: keys others have, fields people may not leave out."""
        errors = {} if self.reports else {field.name: MISSING for field in resource.required if values[field.column] is None}
        if not self.reports:
            errors |= {field.name: why for field in _choosy(resource) if (why := field.objection(values[field.column]))}
        for column in resource.unique:
            other = self.held.keys[resource.name][column].get(values[column])
            if other is not None:
                errors[resource.require(column).name] = self.taken(resource, column, other)
        if resource.outside and values[IDENTITY] is not None:
            self.check_identity(resource, None, values[IDENTITY], values["account"], errors)
        return errors

    def of_changed(self, resource: Resource, diff: Diff, old: Mapping[str, Any], parsed: Parsed) -> dict[str, str]:
        """What is wrong with changing a record like this, by name."""
        errors = self.of_restored(resource, diff, old)
        guarded = _guarded(resource)
        for column, (before, after) in diff.items():
            field = guarded.get(column)
            if field is not None and (why := self.why_not(resource, field, column, before, after, old)):
                errors[parsed.shape.names.get(column, column)] = why
        if IDENTITY in diff or "account" in diff:
            external_id, account = (diff[c][1] if c in diff else old[c] for c in (IDENTITY, "account"))
            self.check_identity(resource, old["id"], external_id, account, errors)
        return errors

    def of_restored(self, resource: Resource, diff: Diff, old: Mapping[str, Any]) -> dict[str, str]:
        """Why people cannot take it out of the trash: nothing of it was ever here."""
        if self.reports or "trashed_at" not in diff or diff["trashed_at"][1] is not None:
            return {}
        then = {column: after for column, (_, after) in diff.items()}
        if not (resource.outside and is_placeholder(resource, old, then)):
            return {}
        return {"": f"This {lower(resource.label)} was deleted before it was ever here. There is nothing to restore."}

    def why_not(self, resource: Resource, field: Field, column: str, before: Any, after: Any,
                old: Mapping[str, Any]) -> str | None:
        if field.unique and after is not None:
            other = self.held.keys[resource.name][field.column].get(after)
            if other is not None and other != old["id"]:
                return self.taken(resource, field.column, other)
        if self.reports:
            return None
        if field.required and after is None and column == field.column:
            return MISSING
        if field.owned and not self.source.gives_back and self.is_live(old.get("account")):
            return "This is kept by the provider. Change it there, or detach the record first."
        if column == field.column and self.source.door != Door.UNDO and (why := field.objection(after)):
            return why
        if isinstance(field, Choice) and field.transitions is not None and self.source.door != Door.UNDO:
            return _transition(resource, field, before, after)
        return None

    def check_identity(self, resource: Resource, id: int | None, external_id: Any, account: str, errors: dict[str, str]) -> None:
        """Whether another record has this outside id in this account."""
        other = self.held.outside[resource.name].get(external_id, {}).get(account)
        if other is not None and other != id:
            errors[IDENTITY] = self.taken(resource, IDENTITY, other)

    def taken(self, resource: Resource, column: str, other: int) -> str:
        label, field = lower(resource.label), resource.field(column)
        title = lower(field.title) if field is not None else "outside id"
        if self.held.is_trashed(resource.name, other):
            return f"{an(label)} in the trash has this {title}. Restore it or change the key."
        return f"Another {label} has this {title}. Change one of them."

    def in_trash(self, resource: Resource, parsed: Parsed) -> dict[str, str]:
        """That it is there; who addresses a record by its id has no other key to choose."""
        name = parsed.shape.key[0] if parsed.shape.key else ""
        other = "" if name == "id" else " or change the key"
        return {name: f"This {lower(resource.label)} is in the trash. Restore it first{other}."}

    def is_live(self, account: str | None) -> bool:
        if not account:
            return False
        if account not in self.live:
            self.live[account] = owners.is_live(self.batch.session, account)
        return self.live[account]


MISSING = "This is missing. Fill it in."


@cache
def _choosy(resource: Resource) -> tuple[Field, ...]:
    """The fields that object to some values they can read."""
    return tuple(f for f in resource.fields if type(f).objection is not Field.objection)


@cache
def _guarded(resource: Resource) -> dict[str, Field]:
    """The columns a change of which can be refused; the rest are free."""
    waits = {f.ref_column: f for f in resource.references if f.loose and f.owned}
    return waits | {f.column: f for f in resource.fields
                    if f.unique or f.required or f.owned or f in _choosy(resource)
                    or isinstance(f, Choice) and f.transitions is not None}


def _transition(resource: Resource, field: Choice, before: Any, after: Any) -> str | None:
    allowed = (field.transitions or {}).get(before, ())
    if before is None or after is None or after in allowed:
        return None
    steps = " or ".join(field.state(name).title for name in allowed)
    return (f"{an(resource.label)} cannot go from {field.state(before).title} to {field.state(after).title}. "
            + (f"Choose {steps}." if steps else "It stays as it is."))
