"""What a column of a file can be matched with: the fields somebody may write, and how rows find their record."""
from collections.abc import Sequence
from dataclasses import dataclass

from app.audit import Actor
from app.records import policy
from app.records.fields import Field, Integer, Reference, Text
from app.records.registry import named
from app.records.resource import Resource

NEVER = ("lines", "json")
ID = Integer("id", "ID", least=1, aliases=("record id",))
ACCOUNT = Text("account", "Account", aliases=("provider", "source account"))


@dataclass(frozen=True)
class Target:
    """A field as the matching page offers it."""

    field: Field
    title: str
    words: tuple[str, ...]      # headings it is known by

    @property
    def name(self) -> str:
        return self.field.name


def targets(actor: Actor, resource: Resource) -> tuple[Target, ...]:
    """What `actor` may fill from a file, in declared order; then what only finds records: the account and our own id."""
    fields: list[Field] = [field for field in policy.writable(actor, resource) if field.kind not in NEVER]
    if not fields:
        return ()
    return tuple(_target(resource, field) for field in (*fields, *((ACCOUNT,) if resource.outside else ()), ID))


def _target(resource: Resource, field: Field) -> Target:
    title, extra = field.title, list[str]()
    if isinstance(field, Reference):
        by = named(field.to).require(field.shown_by).title
        title, extra = f"{field.title}, by {_inside(by)}", [f"{field.title} {by}", f"{field.title} {field.shown_by}"]
    elif field.group:
        title, extra = f"{field.group}: {_inside(field.title)}", [f"{field.group} {field.title}"]
    words = (field.name, field.column, field.title, title, *extra, *field.aliases)
    return Target(field, title, tuple(dict.fromkeys((*words, f"{resource.singular} {field.title}"))))


def keys(resource: Resource) -> tuple[Field, ...]:
    """The fields that say which record a row means; the resource's own first."""
    own = resource.require(resource.key)
    others = [field for field in resource.fields if field.unique or field.name == "external_id" and resource.outside]
    return tuple(dict.fromkeys((own, *others, ID)))


def named_target(found: Sequence[Target], name: str | None) -> Target | None:
    return next((target for target in found if target.name == name), None)


def _inside(title: str) -> str:
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
