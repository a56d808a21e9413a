"""The description of the API: sound by itself, and neither more nor less than what the code does."""
import json
import re
from random import Random

import pytest

from app.access import NOBODY
from app.audit import SYSTEM
from app.extensions import db
from app.records import actions, parameters, query
from app.records import schemas as schemas_of_ours
from app.records.openapi import document
from app.records.policy import Sight
from app.records.registry import named, resources
from app.records.values import ADDRESS
from tests.records.api_client import BASE, Program
from tests.records.contract import KNOWN, resolved, wrong
from tests.records.stock import NAMES, ask, fill

VERBS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def operations():
    """(path, verb, operation) of all."""
    return [(path, verb, item[verb]) for path, item in document()["paths"].items() for verb in VERBS if verb in item]


def schemas(node, at=""):
    """Every schema object in the document, with where it stands."""
    if isinstance(node, dict):
        for name, inner in node.items():
            if name in ("schema", "items") and isinstance(inner, dict):
                yield f"{at}/{name}", inner
            if name in ("schemas", "properties") and isinstance(inner, dict):
                yield from ((f"{at}/{name}/{one}", schema) for one, schema in inner.items())
            yield from schemas(inner, f"{at}/{name}")
    if isinstance(node, list):
        for number, inner in enumerate(node):
            yield from schemas(inner, f"{at}/{number}")


def test_it_has_what_openapi_3_1_requires(app):
    found = document()
    assert re.fullmatch(r"3\.1\.\d+", found["openapi"])
    assert {"title", "version"} <= set(found["info"])
    assert found["paths"]
    assert set(found) <= {"openapi", "info", "servers", "security", "tags", "paths", "components", "jsonSchemaDialect", "externalDocs", "webhooks"}
    assert set(found["components"]) <= {"schemas", "responses", "parameters", "securitySchemes", "headers", "requestBodies", "examples"}
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for kind in found["components"].values() for name in kind)


def test_every_operation_is_whole(app):
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(names) == len(set(names))
    for path, _verb, operation in operations():
        assert operation["responses"]
        for status, response in operation["responses"].items():
            assert re.fullmatch(r"[1-5]\d\d", status)
            assert resolved(response)["description"]
        inside = set(re.findall(r"{(\w+)}", path))
        known = [resolved(one) for one in (*document()["paths"][path].get("parameters", ()), *operation.get("parameters", ()))]
        assert {one["name"] for one in known if one["in"] == "path"} == inside
        assert len({(one["name"], one["in"]) for one in known}) == len(known)
        assert all(one["required"] for one in known if one["in"] == "path")


def test_every_reference_leads_somewhere_and_everything_is_used(app):
    text = json.dumps(document())
    used = set(re.findall(r'"\$ref": "([^"]+)"', text))
    for ref in used:
        assert resolved({"$ref": ref})
    kept = {f"#/components/{kind}/{name}" for kind, parts in document()["components"].items() if kind != "securitySchemes" for name in parts}
    assert kept == used


def test_every_schema_uses_only_words_of_json_schema_that_the_contract_test_knows(app):
    found = list(schemas(document()))
    assert len(found) > 500
    for at, schema in found:
        assert schema.keys() <= KNOWN, at
        if "enum" in schema:
            assert len(schema["enum"]) == len({json.dumps(one) for one in schema["enum"]}), at
        if "pattern" in schema:
            re.compile(schema["pattern"])
        if "required" in schema and "properties" in schema:
            assert set(schema["required"]) <= set(schema["properties"]), at


def test_it_describes_every_address_of_the_api_and_no_other(app):
    described = {(path if path == "/openapi.json" or path.startswith(("/checks", "/exports", "/imports")) else re.sub(r"^/(\w+)(?=/|$)", "/{resource}", path), verb.upper()) for path, verb, _ in operations()}
    routed = {(re.sub(r"<int[^>]*:id>", "{id}", rule.rule.removeprefix(BASE)).replace("<resource:resource>", "{resource}").replace("<name>", "{name}"), verb)
              for rule in app.url_map.iter_rules() if rule.rule.startswith(BASE) for verb in rule.methods - {"HEAD", "OPTIONS"}}
    routed.remove(("/{resource}/{id}/<action:action>", "POST"))
    routed |= {(f"/{{resource}}/{{id}}/{action.name}", "POST") for resource in resources() for action in actions.registered(resource)}
    assert described == {(re.sub(r"{\w+:(\w+)}", r"{\1}", path), verb) for path, verb in routed}
    assert {path.split("/")[1] for path in document()["paths"]} == {"openapi.json", "checks", "exports", "imports", *NAMES}


def test_it_is_answered_to_whoever_asks(app):
    answer = Program(app, None).get("/openapi.json")
    assert answer.status_code == 200
    assert answer.get_json() == json.loads(json.dumps(document(NOBODY)))


@pytest.mark.alike("orders")
@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_it_lists_is_understood_with_a_value_it_describes(app, name):
    """And so with all of them: the list of filters is made from the declarations, the parser is not made from the list."""
    random = Random(name)
    fill(named(name), 3)
    for parameter in parameters.of(named(name), Sight(SYSTEM)):
        if parameter["name"] not in ("fields", "expand", "after", "before"):     # test_expand.py has the first two
            raw = sample(parameter["schema"], random)
            assert not list(wrong(raw, parameter["schema"]))
            text = ",".join(map(str, raw)) if isinstance(raw, list) else str(raw)
            assert query.page(db.session(), ask(name, f"{parameter['name']}={text}")) is not None, parameter["name"]


def sample(schema, random):
    """A value this schema describes."""
    if "enum" in schema:
        return random.choice(schema["enum"])
    if "anyOf" in schema:
        return sample(random.choice(schema["anyOf"]), random)
    if schema["type"] == "array":
        return [sample(schema["items"], random) for _ in range(schema["minItems"])]
    if schema["type"] == "integer":
        return random.randint(schema["minimum"], min(schema["maximum"], 10**6))
    if schema.get("pattern") == ADDRESS:
        return "ada@acme.example"
    if schema.get("pattern") == schemas_of_ours.AMOUNT:
        return f"{random.randrange(1000)}.{random.randrange(100):02}"
    return {"date": "2026-03-01", "date-time": "2026-03-01T10:00:00Z"}.get(schema.get("format", ""), "EUR"[:schema.get("maxLength")])


def test_no_filter_is_understood_that_it_does_not_list(app):
    for resource in resources():
        listed = {parameter["name"] for parameter in parameters.filtering(resource, Sight(SYSTEM))}
        for field in resource.fields:
            for op in ("ne", "gt", "gte", "lt", "lte", "contains", "starts", "empty", "in", "like", "not", "between"):
                param = f"{field.name}.{op}"
                if param not in listed:
                    with pytest.raises(Exception, match="cannot be read"):
                        ask(resource.name, f"{param}=1")


@pytest.mark.parametrize("name", NAMES)
def test_what_it_requires_of_a_new_record_is_required_and_nothing_more(app, token, name):
    program = Program(app, token("admin"))
    required = set(document()["components"]["schemas"][f"New{named(name).singular}"].get("required", ()))
    answer = program.post(f"/{name}", {})
    missing = {error["pointer"].removeprefix("/") for error in answer.get_json()["errors"]}
    assert answer.status_code == 422
    assert missing == required


@pytest.mark.alike("orders")
@pytest.mark.parametrize("name", NAMES)
def test_a_role_that_sees_less_still_gets_what_it_describes(app, token, name):
    fill(named(name), 5)
    for role in ("viewer", "manager"):
        assert Program(app, token(role)).get(f"/{name}").status_code == 200


def test_the_check_of_the_contract_bites(app):
    schema = {"type": "object", "required": ["a"], "additionalProperties": False,
              "properties": {"a": {"type": ["integer", "null"], "minimum": 1}, "b": {"oneOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
                             "c": {"type": "array", "items": {"enum": ["x"]}}, "d": {"type": "string", "pattern": "^y$", "maxLength": 1}}}
    assert not list(wrong({"a": 1, "b": "2026-01-01", "c": ["x"], "d": "y"}, schema))
    wrongs: list[object] = [{}, {"a": 0}, {"a": True}, {"a": "1"}, {"a": 1, "e": 1}, {"a": 1, "b": "yesterday"}, {"a": 1, "c": ["z"]}, {"a": 1, "d": "yy"}, [], None]
    for bad in wrongs:
        assert list(wrong(bad, schema)), bad


def test_a_role_is_told_of_no_field_it_may_not_see_and_whoever_brings_no_token_of_none_that_is_sensitive(app, token):
    for program, seen in ((Program(app, None), False), (Program(app, token("operator")), False), (Program(app, token("manager")), True)):
        told = program.get("/openapi.json").get_json()
        assert ("phone" in told["components"]["schemas"]["Customer"]["properties"]) is seen
        assert ("phone" in json.dumps(told)) is seen
