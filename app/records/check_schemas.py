"""What the API answers about checks, in OpenAPI's words."""
from typing import Any

Schema = dict[str, Any]
STOPPED: Schema = {"type": ["string", "null"], "description": "A sentence, where not everything could be looked at in time."}
URL: Schema = {"type": ["string", "null"], "format": "uri"}
CHECK: Schema = {
    "name": {"type": "string"}, "title": {"type": "string"}, "resource": {"type": "string"},
    "severity": {"enum": ["bad", "wait", "mute"], "description": "bad: wrong now; wait: to be looked at; mute: good to know."},
    "cure": {"type": "string", "description": "What to do about it."},
    "count": {"type": ["integer", "null"], "minimum": 0,
              "description": "How many were found; null where it was stopped before it had looked at any."},
    "capped": {"type": "boolean", "description": "There are more than that."},
    "stopped": STOPPED}
FINDING: Schema = {
    "id": {"type": "integer", "minimum": 1}, "key": {"type": "string"}, "label": {"type": "string"},
    "reason": {"type": "string", "description": "Why this record cannot be right."}}


def paths() -> Schema:
    """The addresses under /checks."""
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
    places = [{"name": name, "in": "query", "schema": {"type": "integer", "minimum": 1}, "description": text} for name, text in (
        ("after", "Where the page begins: as it stands in `next`"), ("before", "Where it ends: as it stands in `previous`"))]
    return {
        "/checks": {"get": _operation("checks", "What cannot be right, and how often", _envelope(CHECK))},
        "/checks/{name}": {"parameters": [name], "get": {
            **_operation("check", "The records a check finds, the newest first", _envelope(FINDING, stopped=STOPPED)),
            "parameters": places}}}


def _operation(id: str, summary: str, schema: Schema) -> Schema:
    problems = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in (400, 401, 403, 404, 429, 503)}
    done = {"description": "A page", "content": {"application/json": {"schema": schema}}}
    return {"operationId": id, "tags": ["Checks"], "summary": summary, "responses": {"200": done, **problems}}


def _envelope(one: Schema, **more: Schema) -> Schema:
    members = {"data": {"type": "array", "items": _object(one)}, "next": URL, "previous": URL, **more}
    return _object(members)


def _object(properties: Schema) -> Schema:
    return {"type": "object", "required": list(properties), "additionalProperties": False, "properties": properties}
