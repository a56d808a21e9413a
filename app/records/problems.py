"""What can be wrong with a request to the API, each error at its place: a JSON pointer (RFC 6901) into the body."""
from collections.abc import Mapping

from app.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound, PreconditionFailed, Problem
from app.records.changes import Outcome
from app.records.resource import Resource


class NotJson(BadRequest):
    title = "This body is not JSON"


class WrongType(Problem):
    status, title = 415, "This kind of content is not understood"


REFUSALS: dict[str, tuple[type[Problem], str]] = {
    "invalid": (Invalid, "Nothing was saved. Correct what is named under errors and send it again."),
    "conflict": (PreconditionFailed, "Nothing was saved. Read the record again and send your change with its new ETag."),
    "missing": (NotFound, "There is no such record."),
    "forbidden": (Forbidden, "Nothing was saved. What is missing is named under errors."),
}


def refuse(resource: Resource, outcome: Outcome) -> None:
    """Raise what an outcome means to a program, unless the change was accepted or nothing was to be done."""
    if outcome.kind in REFUSALS:
        kind, detail = REFUSALS[outcome.kind]
        raise kind(detail, errors=pointers(resource, outcome.errors))
    if outcome.kind in ("tie", "stale"):
        raise Conflict("Nothing was saved: what a provider reported meanwhile is newer. Read the record again.")


def pointers(resource: Resource, errors: Mapping[str, str]) -> dict[str, str]:
    """What the gate says by field name or column, by pointer; "" is the whole body."""
    return {pointer(resource, name): sentence for name, sentence in errors.items()}


def pointer(resource: Resource, name: str) -> str:
    field = resource.field(name)
    return f"/{escaped(field.name if field else name)}" if name else ""


def escaped(name: str) -> str:
    """One step of a JSON pointer (RFC 6901 section 3)."""
    return name.replace("~", "~0").replace("/", "~1")
