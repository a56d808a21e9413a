"""The description of the API (OpenAPI 3.1), made from the declarations: what it says is what the code does."""
from collections.abc import Callable
from functools import cache
from typing import Any

from app.audit import Actor
from app.records import actions, check_schemas, parameters, schemas
from app.records.policy import Sight
from app.records.registry import resources
from app.records.resource import Action, Resource
from app.records.schemas import Schema

ABOUT = """Records are read by one grammar and written through one gate, the same as in the pages.

A change says what it has seen: read the record, send its ETag back as If-Match. Amounts are decimal strings in major units,
times are UTC. Filters that share the number in `any.1.` are alternatives: `any.1.status=paid&any.1.total.gte=100`. A hundred
filters fit in one request. Unknown parameters, fields and values are refused, never ignored. `Prefer: handling=preview` on a
write answers what it would do."""
KEYED = """Names this request: sent again within a day it is answered the same and does nothing. Refusals are not kept."""
TAG = '^"[1-9][0-9]*(-[0-9a-f]{16})?"$'
KEY = '^("[!#-~]{1,255}"|[!#-~]{1,255})$'
TOO_LONG: Schema = {"description": "The address is longer than 8,190 bytes; the server says so itself",
                    "content": {"text/html": {}}}
READ_PROBLEMS = (400, 401, 403, 404, 429, 503)
PROBLEMS = {400: "It cannot be read", 401: "No token, or one that is not valid", 403: "The role does not allow it",
            404: "There is nothing here", 409: "A provider was faster", 412: "The record has changed since it was read",
            413: "The body is too large", 415: "The body is no JSON", 422: "Some values cannot be saved",
            428: "If-Match is missing", 429: "Too many requests", 503: "Not available right now"}

_more: dict[str, Callable[[], Schema]] = {}


def extend(tag: str, paths: Callable[[], Schema]) -> None:
    """Describe what another room answers: its addresses, under this tag."""
    _more[tag] = paths


def document(actor: Actor | None = None) -> Schema:
    """The description as `actor` needs it: without the fields they may not see. None: all there is."""
    return _document(frozenset(one.name for one in resources() if actor is None or actor.may(f"{one.name}.sensitive")))


@cache
def _document(open_: frozenset[str]) -> Schema:
    """The description for whoever may see the sensitive fields of these resources."""
    sight = Sight(Actor("system", "program", grants=("*.read", *(f"{name}.sensitive" for name in open_))))
    paths: Schema = {}
    for resource in resources():
        paths |= _paths(resource, sight)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Backroom", "version": "1", "description": ABOUT},
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "tags": [*({"name": resource.plural} for resource in resources()), {"name": "Checks"},
                 *({"name": tag} for tag in _more)],
        "paths": {"/openapi.json": _own(), **check_schemas.paths(),
                  **{path: item for more in _more.values() for path, item in more().items()}, **paths},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _components(sight),
            "responses": {f"Problem{status}": _problem(status) for status in PROBLEMS},
            "parameters": {"IfMatch": _header("If-Match", "The ETag the record had when it was read.", True, pattern=TAG),
                           "IfNoneMatch": _header("If-None-Match", "An ETag: the answer is 304 while the record has it."),
                           "IdempotencyKey": _header("Idempotency-Key", KEYED, pattern=KEY),
                           "Prefer": _header("Prefer", "handling=preview: answer what the write would do, and do nothing."),
                           "Id": {"name": "id", "in": "path", "required": True, "schema": schemas.ID}}}}


def _own() -> Schema:
    return {"get": {"operationId": "openapi", "summary": "This description", "security": [], "responses": {
        "200": {"description": "OpenAPI 3.1", "content": {"application/json": {"schema": {"type": "object"}}}},
        "400": {"$ref": "#/components/responses/Problem400"}, "401": {"$ref": "#/components/responses/Problem401"}}}}


def _components(sight: Sight) -> Schema:
    found: Schema = {"Ref": schemas.REF, "Problem": schemas.PROBLEM, "Plan": schemas.PLAN, "Results": schemas.RESULTS}
    for resource in resources():
        found[resource.singular] = schemas.record(resource, sight)
        found[f"{resource.singular}Page"] = schemas.page(resource)
        found[f"New{resource.singular}"] = schemas.body(resource, sight, new=True)
        found[f"{resource.singular}Change"] = schemas.body(resource, sight, new=False)
        found[f"Many{resource.plural}"] = schemas.many(resource, sight)
        found |= {f"Some{place.resource.plural}": schemas.some(place.resource)
                  for place in schemas.referring(resource, sight).values()}
    return found


def _paths(resource: Resource, sight: Sight) -> Schema:
    name, one = resource.name, f"/{resource.name}/{{id}}"
    changed, new = f"{resource.singular}Change", f"New{resource.singular}"
    return {
        f"/{name}": {
            "get": _operation(resource, "list", f"{resource.plural}, a page at a time", {"200": _page(resource)}, READ_PROBLEMS,
                              parameters=parameters.of(resource, sight)),
            "post": _writing(resource, "create", f"A new {resource.singular.lower()}", new,
                             {"201": {**_record(resource, "Made", ("ETag", "Location")), "links": _links(resource)}},
                             (409, 413, 415, 422), seen=False)},
        one: {
            "parameters": [_ref("parameters", "Id")],
            "get": _operation(resource, "show", f"One {resource.singular.lower()}",
                              {"200": _record(resource, "The record"), "304": {"description": "You have this version"}},
                              READ_PROBLEMS,
                              parameters=[*parameters.shaping(resource, sight), _ref("parameters", "IfNoneMatch")]),
            "patch": _writing(resource, "change", "Change the fields that are sent", changed),
            "put": _writing(resource, "replace", "Change the record to what is sent; what is left out gets its default", new),
            "delete": _writing(resource, "trash", "Put the record into the trash")},
        f"/{name}/summary": {"get": _operation(
            resource, "summarise", "Counts and sums, by group", {"200": {"description": "The largest groups", "content": _json(
                schemas.summary(resource, sight))}}, READ_PROBLEMS, parameters=parameters.of_summary(resource, sight))},
        f"/{name}/bulk": {"post": _writing(
            resource, "upsert", "Create or change up to 1,000 records", f"Many{resource.plural}",
            {"200": {"description": "A result a record", "content": _json({"$ref": "#/components/schemas/Results"})}},
            (409, 413, 415, 422), seen=False)},
        f"{one}/restore": {
            "parameters": [_ref("parameters", "Id")],
            "post": _writing(resource, "restore", "Take the record out of the trash", posted=True)},
        **{f"{one}/{action.name}": {"parameters": [_ref("parameters", "Id")], "post": _action(resource, action)}
           for action in actions.registered(resource)}}


def _action(resource: Resource, action: Action) -> Schema:
    done = {"type": "object", "required": ["detail", "data"], "additionalProperties": False, "properties": {
        "detail": {"type": "string"}, "data": {"$ref": f"#/components/schemas/{resource.singular}"}}}
    body = {"requestBody": {"required": False, "content": _json(schemas.action(action))}}
    return _operation(resource, action.name, action.title, {"200": {"description": "It is done", "content": _json(done)}},
                      (*READ_PROBLEMS, 409, 412, 413, 415, 422), parameters=[_ref("parameters", "IdempotencyKey")], **body)


def _operation(resource: Resource, verb: str, summary: str, answers: Schema, problems: tuple[int, ...], **more: Any) -> Schema:
    refused = {str(status): _ref("responses", f"Problem{status}") for status in problems}
    return {"operationId": f"{verb}_{resource.name}", "tags": [resource.plural], "summary": summary, **more,
            "responses": {**answers, **refused, "414": TOO_LONG}}


def _writing(resource: Resource, verb: str, summary: str, schema: str = "", answers: Schema | None = None,
             problems: tuple[int, ...] = (409, 412, 413, 415, 422, 428), seen: bool = True, posted: bool = False) -> Schema:
    plan: Schema = {"$ref": "#/components/schemas/Plan"}
    if answers is None:
        both = {"anyOf": [{"$ref": f"#/components/schemas/{resource.singular}"}, plan]}
        answers = {"200": {**_record(resource, "The record as it is now"), "content": _json(both)}}
    answers.setdefault("200", {"description": "What would happen", "content": _json(plan)})
    body = {"requestBody": {"required": True, "content": _json({"$ref": f"#/components/schemas/{schema}"})}} if schema else {}
    needs = [_ref("parameters", "Prefer"), *([_ref("parameters", "IfMatch")] if seen else []),
             *([_ref("parameters", "IdempotencyKey")] if posted or not seen else [])]
    return _operation(resource, verb, summary, answers, (*READ_PROBLEMS, *problems), parameters=needs, **body)


def _header(name: str, about: str, required: bool = False, **more: Any) -> Schema:
    return {"name": name, "in": "header", "required": required, "schema": {"type": "string", **more}, "description": about}


def _page(resource: Resource) -> Schema:
    return {"description": "A page", "headers": {"Link": {"schema": {"type": "string"}, "description": "RFC 8288"}},
            "content": _json({"$ref": f"#/components/schemas/{resource.singular}Page"})}


def _record(resource: Resource, about: str, headers: tuple[str, ...] = ("ETag",)) -> Schema:
    return {"description": about, "headers": {name: {"schema": {"type": "string"}} for name in headers},
            "content": _json({"$ref": f"#/components/schemas/{resource.singular}"})}


def _links(resource: Resource) -> Schema:
    """What can be done with a record just made."""
    seen = {"id": "$response.body#/id", "header.If-Match": "$response.header.ETag"}
    return {verb: {"operationId": f"{verb}_{resource.name}", "parameters": {"id": seen["id"]} if verb == "show" else seen}
            for verb in ("show", "change", "replace", "trash", "restore")}


def _problem(status: int) -> Schema:
    return {"description": PROBLEMS[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _ref(kind: str, name: str) -> Schema:
    return {"$ref": f"#/components/{kind}/{name}"}
