"""JSON Schema (2020-12, as OpenAPI 3.1 uses it) of what the API answers and takes, made from the declarations."""
from typing import Any

from app.records.expanding import MOST as MOST_BESIDE
from app.records.fields import Choice, Currency, Email, Field, Integer, Lines, LongText, Reference, Text
from app.records.policy import Sight
from app.records.registry import named
from app.records.resource import Action, Resource
from app.records.shapes import ALWAYS, Place
from app.records.summary import grouping, summing
from app.records.upserts import MOST
from app.records.values import ADDRESS

Schema = dict[str, Any]
LARGEST = 2**63 - 1
AMOUNT = r"^-?[0-9]+(\.[0-9]+)?$"
_NEVER = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f"
TEXT = f"^[^{_NEVER}]*$"                                          # what may be kept
WORDS = rf"^[^{_NEVER}]*[^\s\u0085{_NEVER}][^{_NEVER}]*$"         # what may be looked for: not blank
MOMENT: Schema = {"type": "string", "format": "date-time"}
ID: Schema = {"type": "integer", "minimum": 1, "maximum": LARGEST}
REF: Schema = {
    "type": "object", "required": ["id", "key", "label"], "additionalProperties": False,
    "description": "Another record: `key` finds it again, `label` is its title. Without an id it is not here yet.",
    "properties": {"id": {"type": ["integer", "null"]}, "key": {"type": "string"}, "label": {"type": "string"}}}
PROBLEM: Schema = {
    "type": "object", "required": ["type", "title", "status", "request_id"],
    "description": "What went wrong and what to do (RFC 9457).",
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
        "request_id": {"type": ["string", "null"]},
        "errors": {"type": "array", "items": {
            "type": "object", "required": ["detail"], "additionalProperties": False,
            "properties": {"pointer": {"type": "string"}, "parameter": {"type": "string"}, "detail": {"type": "string"}}}}}}
PLAN: Schema = {
    "type": "object", "required": ["outcome", "id", "version", "changes", "errors"], "additionalProperties": False,
    "description": "What a write would do now: the answer to Prefer: handling=preview.",
    "properties": {
        "outcome": {"enum": ["created", "updated", "unchanged", "stale", "tie", "conflict", "invalid", "missing", "forbidden"]},
        "id": {"type": ["integer", "null"]}, "version": {"type": ["integer", "null"]},
        "changes": {"type": "array", "items": {
            "type": "object", "required": ["field", "old", "new"], "additionalProperties": False,
            "properties": {"field": {"type": "string"}, "old": {}, "new": {}}}},
        "errors": {"type": "array", "items": {
            "type": "object", "required": ["pointer", "detail"], "additionalProperties": False,
            "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}}}}}}

RESULTS: Schema = {
    "type": "object", "required": ["data"], "additionalProperties": False, "description": "What became of each row.",
    "properties": {"data": {"type": "array", "items": {"$ref": "#/components/schemas/Plan"}}}}


def read(field: Field) -> Schema:
    """What the API answers for a field."""
    if isinstance(field, Choice):
        return {"enum": [*field.names, None]}
    if isinstance(field, Reference):
        return {"oneOf": [{"$ref": "#/components/schemas/Ref"}, {"$ref": f"#/components/schemas/{named(field.to).singular}"},
                          {"type": "null"}]}
    if isinstance(field, Lines):
        return {"type": "array", "items": _object({part.name: read(part) for part in field.fields})}
    return READ.get(field.kind, {"type": ["string", "null"]})


READ: dict[str, Schema] = {
    "integer": {"type": ["integer", "null"]}, "boolean": {"type": ["boolean", "null"]}, "json": {},
    "money": {"type": ["string", "null"], "pattern": AMOUNT}, "date": {"type": ["string", "null"], "format": "date"},
    "datetime": {"type": ["string", "null"], "format": "date-time"}}


def write(field: Field, filled: bool = False) -> Schema:
    """What the API takes for a field; null empties it, unless it has to be `filled`."""
    return _filled(_write(field)) if filled else _write(field)


def _write(field: Field) -> Schema:
    if isinstance(field, Choice):
        return {"enum": [*field.names, None]}
    if isinstance(field, Integer):
        return {"type": ["integer", "null"], "minimum": field.least, "maximum": field.most}
    if isinstance(field, Reference):
        key = {"type": "string", "minLength": 1, **text(named(field.to).require(field.shown_by))}
        return {"oneOf": [ID, key, _naming(field), {"type": "null"}]}
    if isinstance(field, Lines):
        parts = {part.name: write(part) for part in field.fields}
        return {"type": ["array", "null"], "items": _object(parts)}
    if field.kind == "money":
        return {"oneOf": [{"type": "string", "pattern": AMOUNT, "maxLength": 20}, {"type": "number"}, {"type": "null"}]}
    if field.kind in READ:
        return READ[field.kind]
    return {"type": ["string", "null"], **text(field)}


def text(field: Field) -> Schema:
    """What text may be, wherever it is sent."""
    found: Schema = {"maxLength": field.limit, "pattern": TEXT} if isinstance(field, Text | LongText) else {}
    if isinstance(field, Currency):
        found["pattern"] = "^[A-Za-z]{3}$"
    if isinstance(field, Email):
        found["pattern"] = ADDRESS
    return found


def record(resource: Resource, sight: Sight) -> Schema:
    """A record as it is answered. What one may not see is left out, and fields= leaves out more; expand= puts in records."""
    properties: Schema = {"id": ID, "version": {"type": "integer", "minimum": 1},
                          **{field.name: _told(field, read(field)) for field in sight.fields(resource)}}
    if resource.outside:
        properties["account"] = {"type": "string", "description": "The connection or endpoint that keeps the record, or empty."}
    properties |= {"created_at": MOMENT, "updated_at": MOMENT, "trashed_at": READ["datetime"]}
    properties |= {name: {"$ref": f"#/components/schemas/Some{place.resource.plural}"}
                   for name, place in referring(resource, sight).items()}
    return {"type": "object", "required": [*ALWAYS], "additionalProperties": False, "properties": properties}


def referring(resource: Resource, sight: Sight) -> dict[str, Place]:
    """The records of other types that expand= answers with one of these, by the name they have there."""
    return {name: place for name, place in Place(resource).ways(sight.actor).items() if place.many}


def some(resource: Resource) -> Schema:
    """Records of this type that refer to another."""
    return {"type": "object", "required": ["data", "all"], "additionalProperties": False,
            "description": f"The newest {MOST_BESIDE} that refer to this record; `all` is where all are, null if these are all.",
            "properties": {"data": {"type": "array", "items": {"$ref": f"#/components/schemas/{resource.singular}"}},
                           "all": {"type": ["string", "null"], "format": "uri"}}}


def body(resource: Resource, sight: Sight, new: bool) -> Schema:
    """A record as it is sent whole or in part. `new`: whole. What it cannot be without is required, unless it has a default."""
    fields = [field for field in sight.fields(resource) if field.kind != "json"]
    needed = [field.name for field in fields if new and field.required and field.default is None]
    return {"type": "object", "additionalProperties": False, **({"required": needed} if needed else {}),
            "properties": {field.name: _told(field, write(field, field.name in needed)) | (_default(field) if new else {})
                           for field in fields}}


def _default(field: Field) -> Schema:
    """What a field is filled with that is left out; one that depends on the installation is not named."""
    known = field.default is not None and field.kind in ("choice", "boolean", "integer")
    return {"default": field.default} if known and not callable(field.default) else {}


def many(resource: Resource, sight: Sight) -> Schema:
    """Records to create or change, each found by its id, its key or what a provider calls it."""
    one = body(resource, sight, new=False)
    naming: Schema = {"id": ID, "version": {"type": ["integer", "null"], "description": "Refuses to overwrite another version."}}
    if resource.outside:
        naming["account"] = {"type": "string", "description": "Whose external_id it is."}
    row = {**one, "properties": {**naming, **one["properties"]}}
    return {"type": "object", "required": ["data"], "additionalProperties": False,
            "properties": {"data": {"type": "array", "items": row, "maxItems": MOST}}}


def action(action: Action) -> Schema:
    """What an action asks for."""
    return _object({field.name: _told(field, write(field, field.required)) for field in action.fields})


def summary(resource: Resource, sight: Sight) -> Schema:
    """Counts and sums by group."""
    groups = {field.name: read(field) for field in grouping(sight.fields(resource))}
    sums = {field.name: {"type": "string", "pattern": AMOUNT} if field.kind == "money" else {"type": "integer"}
            for field in summing(sight.fields(resource))}
    line = {"type": "object", "required": ["count", "sum"], "additionalProperties": False,
            "properties": {**groups, "count": {"type": "integer", "minimum": 0}, "sum": _object(sums)}}
    return {"type": "object", "required": ["data", "capped"], "additionalProperties": False, "properties": {
        "data": {"type": "array", "items": line}, "capped": {"type": "boolean", "description": "There are more groups."}}}


def page(resource: Resource) -> Schema:
    """The envelope of a list."""
    url = {"type": ["string", "null"], "format": "uri"}
    return {"type": "object", "required": ["data", "next", "previous"], "additionalProperties": False,
            "properties": {"data": {"type": "array", "items": {"$ref": f"#/components/schemas/{resource.singular}"}},
                           "next": url, "previous": url}}


def _naming(field: Reference) -> Schema:
    other = named(field.to)
    keys = {"id": ID, **{one.name: {"type": "string", "minLength": 1, **text(one)} for one in other.fields
                         if one.unique or one.column == "external_id"}}
    return {"type": "object", "minProperties": 1, "additionalProperties": False,
            "properties": {**keys, "account": {"type": "string"}, "key": {"type": "string"}, "label": {"type": "string"}},
            "anyOf": [{"required": [name]} for name in keys]}


def _filled(schema: Schema) -> Schema:
    """Without null."""
    if "oneOf" in schema:
        return {**schema, "oneOf": [one for one in schema["oneOf"] if one != {"type": "null"}]}
    if "enum" in schema:
        return {**schema, "enum": [one for one in schema["enum"] if one is not None]}
    kind = next(one for one in schema["type"] if one != "null")
    return {**schema, "type": kind, **({"minLength": 1} if kind == "string" else {})}


def _told(field: Field, schema: Schema) -> Schema:
    """With what a person should know of the field."""
    owned = "Kept by the provider while the record has one." if field.owned else ""
    return {**schema, "description": " ".join(filter(None, (f"{field.title}.", field.hint, owned)))}


def _object(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}
