"""What the form of a record asks, by the names of its inputs."""
from collections.abc import Iterable

from app.records.fields import Choice, Field, Lines
from app.records.registry import named
from app.typed import NONE, TICKED, Asked, Questions


def asked(resource: str, **_: object) -> Questions:
    """The labels of all fields of this resource, those of its lines with the number of the line."""
    return asked_by(named(resource).fields)


def asked_by(fields: Iterable[Field]) -> Questions:
    """The same for these fields."""
    found: dict[str, Asked] = {}
    for field in fields:
        if isinstance(field, Lines):
            found |= {f"{field.name}-*-{part.name}": _asked(part, f"{field.title} {{}}: {part.title}") for part in field.fields}
        else:
            found[field.name] = _asked(field, field.title)
    return found


def _asked(field: Field, label: str) -> Asked:
    if isinstance(field, Choice):
        return Asked(label, {state.name: state.title for state in field.choices})
    return Asked(label, TICKED if field.kind == "boolean" else NONE)
