"""Whether an answer of the API is what its description says: JSON Schema, as far as ours uses it, and no further."""
import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from werkzeug.test import TestResponse

from app.records.openapi import document

TYPES: dict[str, tuple[type, ...]] = {"object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
                                      "boolean": (bool,), "null": (type(None),)}
KNOWN = {"type", "enum", "oneOf", "anyOf", "required", "properties", "additionalProperties", "items", "pattern", "$ref", "format",
         "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "description", "default"}


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` points at."""
    found: Any = node
    while "$ref" in found:
        target: Any = document()
        for step in found["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        found = target
    return dict(found)


def wrong(value: Any, schema: dict[str, Any], at: str = "") -> Iterator[str]:
    """What in `value` is not as `schema` says."""
    schema = resolved(schema)
    assert schema.keys() <= KNOWN, f"{at}: a keyword this check does not know: {schema.keys() - KNOWN}"
    for word in ("oneOf", "anyOf"):
        if word in schema:
            fits = [one for one in schema[word] if not list(wrong(value, one, at))]
            if len(fits) != 1 if word == "oneOf" else not fits:
                yield f"{at}: {value!r} fits {len(fits)} of {word}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{at}: {value!r} is not {schema['type']}"
        return
    yield from _wrong_inside(value, schema, at)


def _is(value: Any, types: str | list[str]) -> bool:
    names = [types] if isinstance(types, str) else types
    return any(isinstance(value, TYPES[name]) and (not isinstance(value, bool) or name == "boolean") for name in names)


def _wrong_inside(value: Any, schema: dict[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, inner in value.items():
            if name in schema.get("properties", {}):
                yield from wrong(inner, schema["properties"][name], f"{at}/{name}")
            elif schema.get("additionalProperties") is False:
                yield f"{at}: {name} is not described"
    if isinstance(value, list) and "items" in schema:
        for number, inner in enumerate(value):
            yield from wrong(inner, schema["items"], f"{at}/{number}")
    if isinstance(value, str):
        yield from _wrong_text(value, schema, at)
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at}: {value} is out of bounds"


def _wrong_text(value: str, schema: dict[str, Any], at: str) -> Iterator[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} does not match {schema['pattern']}"
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield f"{at}: {value!r} has the wrong length"
    try:
        if schema.get("format") == "date":
            date.fromisoformat(value)
        if schema.get("format") == "date-time":
            assert value.endswith("Z")
            datetime.fromisoformat(value)
    except (ValueError, AssertionError):
        yield f"{at}: {value!r} is no {schema['format']}"


def path_of(path: str) -> str:
    """"/api/v1/orders/7?limit=1" -> "/orders/{id}"."""
    plain = re.sub(r"/\d+(?=/|$)", "/{id}", path.split("?")[0].removeprefix("/api/v1"))
    return re.sub(r"^/checks/\w+$", "/checks/{name}", plain)


def check(method: str, path: str, response: TestResponse) -> None:
    """Fail unless the description has this answer: status, media type, body and headers."""
    operation = document()["paths"].get(path_of(path), {}).get(method.lower())
    if operation is None:
        assert response.status_code in (401, 404, 405), "an address the description does not have"
        schema: dict[str, Any] = {"$ref": "#/components/schemas/Problem"}
        assert response.mimetype == "application/problem+json"
    else:
        assert str(response.status_code) in operation["responses"], f"{method} {path}: {response.status_code} is not described"
        described = resolved(operation["responses"][str(response.status_code)])
        assert set(described.get("headers", {})) <= set(response.headers.keys()) | ({"ETag"} if "Preference-Applied" in response.headers else set())
        if "content" not in described:
            assert response.data == b""
            return
        assert response.mimetype in described["content"]
        schema = described["content"][response.mimetype]["schema"]
    assert not list(wrong(response.get_json(), schema)), list(wrong(response.get_json(), schema))[:5]
