"""What the API answers about exports, in OpenAPI's words."""
from typing import Any

from app.exports.run import FORMATS
from app.exports.style import CHOICES
from app.records.registry import resources

Schema = dict[str, Any]
STATUSES = ("waiting", "running", "ready", "failed", "cancelled", "deleted")
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
ID: Schema = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
READ, WRITE = (400, 401, 403, 404, 429, 503), (409, 413, 415, 422)


def paths() -> Schema:
    """The addresses under /exports."""
    asked: Schema = {"description": "It is written by a job; ask again", "headers": {"Location": {"schema": TEXT}},
                     "content": _json(_export())}
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    return {
        "/exports": {"post": {
            **_operation("ask_export", "A list as a file", {"201": {**asked, "description": "The file is there"}, "202": asked},
                         (*READ, *WRITE)),
            "parameters": [key], "requestBody": {"required": True, "content": _json(_wish())}}},
        "/exports/{id}": {"parameters": [ID], "get": _operation("one_export", "How an export stands", {
            "200": {"description": "The export", "content": _json(_export())}}, READ)},
        "/exports/{id}/file": {"parameters": [ID], "get": _operation("export_file", "The file; its download is noted", {
            "200": {"description": "The file", "content": {"text/csv": {"schema": TEXT}, "application/jsonl": {"schema": TEXT},
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"schema": TEXT}}}}, READ)}}


def _wish() -> Schema:
    names = {"type": ["array", "null"], "items": TEXT, "description": "Columns in order, by name; of a record "
             "referred to by two names, like `parent.name`. Left out: all that an import can read back."}
    styled = {name: {"enum": [*choices, None]} for name, choices in CHOICES.items()}
    return {"type": "object", "required": ["resource"], "additionalProperties": False, "properties": {
        "resource": {"enum": [one.name for one in resources()]},
        "query": {"type": ["string", "null"], "description": "As in the address of a list: `status=new&sort=-id`"},
        "columns": names, "format": {"enum": [*FORMATS, None]}, **styled,
        "zone": {"type": ["string", "null"], "description": "A time zone, like Europe/Berlin. Left out: UTC"}}}


def _export() -> Schema:
    members: Schema = {
        "id": {"type": "integer", "minimum": 1}, "resource": TEXT, "query": TEXT, "columns": {"type": "array", "items": TEXT},
        "format": {"enum": [*FORMATS]}, "style": {"type": "object"}, "status": {"enum": [*STATUSES]},
        "rows": COUNT, "size": COUNT,
        "done": COUNT, "total": COUNT, "created_at": {"type": "string", "format": "date-time"},
        "expires_at": {"type": ["string", "null"], "format": "date-time"},
        "file": {"type": ["string", "null"], "format": "uri", "description": "Where the file is, once it is ready"}}
    return {"type": "object", "required": list(members), "additionalProperties": False, "properties": members}


def _operation(id: str, summary: str, answers: Schema, problems: tuple[int, ...]) -> Schema:
    refused = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in problems}
    return {"operationId": id, "tags": ["Exports"], "summary": summary, "responses": {**answers, **refused}}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}
