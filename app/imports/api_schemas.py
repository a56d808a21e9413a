"""What the API takes and answers about imports, in OpenAPI's words."""
from typing import Any

from app.imports.match import MODES
from app.records.registry import resources

Schema = dict[str, Any]
STATUSES = ("waiting", "running", "stopped", "failed", "needs_mapping", "ready", "done", "unreadable", "cancelled", "undone")
STEPS = ("read", "match", "preview", "apply", "undo", "over")
OUTCOMES = ("created", "updated", "unchanged", "skipped", "refused", "undone", "kept")
TEXT: Schema = {"type": "string"}
ANY_TEXT: Schema = {"type": ["string", "null"]}
COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
ID: Schema = {"name": "id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
KEY: Schema = {"$ref": "#/components/parameters/IdempotencyKey"}
READ, WRITE = (400, 401, 403, 404, 429, 503), (409, 413, 415, 422)


def paths() -> Schema:
    """The addresses under /imports."""
    one: Schema = {"description": "The import", "content": _json(_import())}
    queued: Schema = {**one, "description": "A job does it; ask again", "headers": {"Location": {"schema": TEXT}}}
    verbs = {"run": "Write the rows of a preview", "cancel": "Give it up, or stop it: what is written stays",
             "undo": "Take back what it wrote, where nobody has changed it since"}
    found: Schema = {
        "/imports": {"post": {**_operation("ask_import", "Import a file", {"202": queued}, (*READ, *WRITE)), "parameters": [KEY],
                              "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _wish()}}}}},
        "/imports/{id}": {"parameters": [ID], "get": _operation("one_import", "How an import stands", {"200": one}, READ)},
        "/imports/{id}/rows": {"parameters": [ID], "get": {
            **_operation("import_rows", "Its rows, and what is wrong with them",
                         {"200": {"description": "The next rows", "content": _json(_rows())}}, READ), "parameters": _paging()}}}
    for verb, summary in verbs.items():
        found[f"/imports/{{id}}/{verb}"] = {"parameters": [ID], "post": {
            **_operation(f"{verb}_import", summary, {"202": queued}, (*READ, *WRITE)), "parameters": [KEY]}}
    found["/imports/{id}/run"]["post"]["requestBody"] = {"required": False, "content": _json({
        "type": "object", "additionalProperties": False, "properties": {"apply": {"enum": ["good", "all", None]}}})}
    return found


def _wish() -> Schema:
    """The parts of the form. Every one but the file is text."""
    return {"type": "object", "required": ["file", "resource"], "additionalProperties": False, "properties": {
        "file": {"type": "string", "format": "binary"}, "resource": {"enum": [one.name for one in resources()]},
        "mapping": {**TEXT, "description": 'A JSON object {"Column": "field"}, with null to leave a column out. Columns it does '
                    "not name are as in saved_mapping, else matched as the pages suggest."},
        "saved_mapping": {**TEXT, "description": "The name or id of a mapping that was kept beside the columns of an import: its "
                          " fields, words, units, constants, mode and match. The other parts go before it."},
        "mode": {"enum": [*MODES]}, "match": {**TEXT, "description": "The field that says which record a row means"},
        "apply": {"enum": ["good", "all"], "description": "The good rows, or all rows or none"},
        "dry_run": {"enum": ["true", "false"], "description": "Stop at the preview"},
        "blank": {"enum": ["leave", "clear"]}, "decimal": {"enum": [".", ","]},
        "day_first": {"enum": ["true", "false"], "description": "How days like 05/06/2026 are written"},
        "sheet": TEXT, "header_row": {**TEXT, "pattern": "^[1-9][0-9]{0,3}$"}, "encoding": TEXT,
        "delimiter": {"enum": [",", ";", "tab", "|"]}}}


def _import() -> Schema:
    counts: Schema = {"type": ["object", "null"], "additionalProperties": {"type": "integer", "minimum": 0}, "description":
                      "rows = created + updated + unchanged + skipped + refused: of the preview until it runs; null before"}
    members: Schema = {
        "id": {"type": "integer", "minimum": 1}, "resource": TEXT, "file_name": TEXT, "size": {"type": "integer", "minimum": 0},
        "sha256": TEXT, "status": {"enum": [*STATUSES]}, "step": {"enum": [*STEPS]}, "problem": ANY_TEXT,
        "mapping": {"type": "object", "additionalProperties": ANY_TEXT, "description": "Column: field, null if it is left out"},
        "mode": ANY_TEXT, "match": ANY_TEXT, "counts": counts,
        "undone": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
        "same_as": {**COUNT, "description": "The import of the very same file before this one"},
        "done": COUNT, "total": COUNT, "created_by": TEXT, "created_at": MOMENT, "finished_at": MOMENT,
        "rows": {"type": "string", "format": "uri"}}
    return {"type": "object", "required": list(members), "additionalProperties": False, "properties": members}


def _rows() -> Schema:
    error: Schema = {"column": TEXT, "field": TEXT, "value": TEXT, "message": TEXT}
    row: Schema = {
        "row": {"type": "integer", "minimum": 1, "description": "As a spreadsheet program shows it"},
        "outcome": {"enum": [*OUTCOMES, None]}, "record_id": COUNT, "values": {"type": "object", "additionalProperties": TEXT},
        "errors": {"type": "array", "items": {"type": "object", "required": list(error), "properties": error}}}
    link: Schema = {"type": ["string", "null"], "format": "uri"}
    return {"type": "object", "required": ["data", "next"], "additionalProperties": False, "properties": {
        "data": {"type": "array", "items": {"type": "object", "required": list(row), "properties": row}}, "next": link}}


def _paging() -> list[Schema]:
    return [{"name": "outcome", "in": "query", "schema": {"enum": [*OUTCOMES]}},
            {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0}, "description": "The last row seen"},
            {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 500}}]


def _operation(id: str, summary: str, answers: Schema, problems: tuple[int, ...]) -> Schema:
    refused = {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in problems}
    return {"operationId": id, "tags": ["Imports"], "summary": summary, "responses": {**answers, **refused}}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}
