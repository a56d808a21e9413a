"""The parameters of a list as OpenAPI describes them: every filter there is, made from the declarations."""
from typing import Any

from app.records import schemas, shapes, summary
from app.records.asking import DEFAULT_LIMIT, LONGEST_SEARCH, MOST_ROWS, TRASHED
from app.records.fields import Choice, Field, Integer, Lines, Reference
from app.records.filters import BUILT_IN
from app.records.operators import LISTED, OPERATORS
from app.records.policy import Sight
from app.records.registry import named
from app.records.resource import Resource
from app.records.schemas import Schema

SAID = {"eq": "", "ne": " is not", "gt": " above", "gte": " at least", "lt": " below", "lte": " at most",
        "contains": " contains", "starts": " starts with", "empty": " is empty"}
PARTS = ("contains", "starts")
SEVERAL = ("eq", "ne", "contains", "starts")


def of(resource: Resource, sight: Sight) -> list[Schema]:
    """All a list understands."""
    return [*shaping(resource, sight), *_choosing(), *_paging(resource, sight), *filtering(resource, sight)]


def of_summary(resource: Resource, sight: Sight) -> list[Schema]:
    """The filters of a list, and what its records are grouped and summed by."""
    seen = sight.fields(resource)
    named = [("group", summary.grouping(seen), "Groups by these"), ("sum", summary.summing(seen), "Adds these up")]
    words = [_query(name, {"type": "array", "items": {"enum": [field.name for field in fields]}, "minItems": 1}, about,
                    style="form", explode=False) for name, fields, about in named if fields]
    return [*words, *_choosing(), *filtering(resource, sight)]


def filtering(resource: Resource, sight: Sight) -> list[Schema]:
    """One parameter for each field and operator, one step through references and lines."""
    found = []
    for field in (*BUILT_IN, *sight.fields(resource)):
        found += _asked(field, field.name, field.title)
        if isinstance(field, Reference):
            for inner in (*BUILT_IN, *sight.fields(named(field.to))):
                found += _asked(inner, f"{field.name}.{inner.name}", f"{field.title}: {inner.title}")
        if isinstance(field, Lines):
            for part in field.fields:
                found += _asked(part, f"{field.name}.{part.name}", f"{field.title}: {part.title}")
    return found


def _asked(field: Field, path: str, title: str) -> list[Schema]:
    return [_filter(field, op, path if op == "eq" else f"{path}.{op}", title + SAID[op] + _meant(field, op))
            for op in OPERATORS[field.kind]]


def _meant(field: Field, op: str) -> str:
    if field.kind != "money" or op == "empty":
        return ""
    return "; in the currency that currency= asks for, else in the installation's. Other currencies do not match"


def _filter(field: Field, op: str, name: str, about: str) -> Schema:
    """Several values stand in one parameter with commas between, or, if they are text, in one parameter each."""
    if op not in SEVERAL:
        return _query(name, {"enum": ["true", "false"]} if op == "empty" else _one(field), about)
    one = {"type": "string", "minLength": 1, "pattern": schemas.WORDS} if op in PARTS else _one(field)
    several = {"type": "array", "items": one, "minItems": 1}
    return _query(name, several, about, style="form", explode=op in PARTS or field.kind not in LISTED)


def _one(field: Field) -> Schema:
    if isinstance(field, Choice):
        return {"enum": [*field.names]}
    if isinstance(field, Integer):
        return {"type": "integer", "minimum": field.least, "maximum": field.most}
    said = schemas.text(field)
    return ONE.get(field.kind) or {"type": "string", "minLength": 1, **said,
                                   "pattern": schemas.WORDS if said.get("pattern") == schemas.TEXT else said["pattern"]}


ONE: dict[str, Schema] = {
    "money": {"type": "string", "pattern": schemas.AMOUNT, "maxLength": 16},
    "boolean": {"enum": ["true", "false"]},
    "date": {"type": "string", "format": "date"},
    "datetime": {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]},
    "reference": schemas.ID}


def _choosing() -> list[Schema]:
    return [_query("q", {"type": "string", "minLength": 1, "maxLength": LONGEST_SEARCH, "pattern": schemas.WORDS}, "Free text"),
            _query("trashed", {"enum": [*TRASHED]}, "Records in the trash, else left out: with the others, or only them")]


def _paging(resource: Resource, sight: Sight) -> list[Schema]:
    names = [field.name for field in (*sight.fields(resource), *BUILT_IN) if field.sortable]
    usual = resource.order if resource.order.removeprefix("-") in names else "-id"
    return [
        _query("sort", {"enum": [*names, *(f"-{name}" for name in names)]}, f"The order; {usual} if left out."),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ROWS, "default": DEFAULT_LIMIT}, "Rows a page"),
        _query("after", {"type": "string", "minLength": 1}, "Where the page begins: as it stands in `next`"),
        _query("before", {"type": "string", "minLength": 1}, "Where the page ends: as it stands in `previous`; not beside after")]


def shaping(resource: Resource, sight: Sight) -> list[Schema]:
    """What is answered of a record: its members, and the records its references lead to."""
    place = shapes.Place(resource)
    words = [("fields", shapes.choosable(place, sight.actor), "Members to answer; id, version and updated_at always come"),
             ("expand", shapes.expandable(place, sight.actor), "Answers these records whole, in the place of references to them")]
    return [_query(name, {"type": "array", "items": {"enum": paths}, "minItems": 1}, about, style="form", explode=False)
            for name, paths, about in words if paths]


def _query(name: str, schema: Schema, about: str, **more: Any) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": about, **more}
