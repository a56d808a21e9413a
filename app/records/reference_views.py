"""The reference of the API as a page, made from the same description that programs read."""
from typing import Any, NamedTuple

from flask import redirect, render_template, url_for
from werkzeug.wrappers import Response

from app.access import current_actor, public, requires
from app.records.openapi import document
from app.records.registry import resources
from app.records.resource import Resource
from app.records.routing import bp
from app.records.schemas import Schema

Answers = set[tuple[str, str]]         # status, what it means
VERBS = ("get", "post", "patch", "put", "delete")


class Operation(NamedTuple):
    """One thing a program can ask."""

    verb: str
    path: str
    summary: str
    answers: list[tuple[str, str]]        # status, what it means
    headers: list[tuple[str, str]]        # name, what it does


class Member(NamedTuple):
    """One member of a record."""

    name: str
    kind: str
    about: str
    filters: str                          # the operators it can be filtered by


class Chapter(NamedTuple):
    """What there is to know about one resource."""

    resource: Resource
    operations: list[Operation]
    members: list[Member]
    expands: list[str]                    # what expand= takes


@bp.get("/api/docs")
@public("it only leads to the page, which asks who comes")
def docs() -> Response:
    """Under /api/ a cookie counts for nothing, so the page stands elsewhere."""
    return redirect(url_for(".reference"), 303)


@bp.get("/reference")
@requires("api.read")
def reference() -> str:
    """Every address of the API, what it takes and what it answers."""
    whole = document(current_actor())
    chapters = [_chapter(whole, resource) for resource in resources()]
    anyway = set.intersection(*(set(each.answers) for chapter in chapters for each in chapter.operations))   # said once, on top
    return render_template("records/reference.html", about=whole["info"]["description"].split("\n\n"), anyway=sorted(anyway),
                           chapters=[_without(chapter, anyway) for chapter in chapters], others=_others(whole, anyway))


def _without(chapter: Chapter, anyway: Answers) -> Chapter:
    return chapter._replace(operations=[_special(each, anyway) for each in chapter.operations])


def _special(operation: Operation, anyway: Answers) -> Operation:
    return operation._replace(answers=[answer for answer in operation.answers if answer not in anyway])


def _others(whole: Schema, anyway: Answers) -> list[Operation]:
    """What stands beside the records, without the description itself."""
    names = {"openapi.json", *(resource.name for resource in resources())}
    return [_special(_operation(whole, verb, path, item[verb]), anyway) for path, item in whole["paths"].items()
            if path.split("/")[1] not in names for verb in VERBS if verb in item]


def _chapter(whole: Schema, resource: Resource) -> Chapter:
    paths = {path: item for path, item in whole["paths"].items() if path.split("/")[1] == resource.name}
    operations = [_operation(whole, verb, path, item[verb]) for path, item in paths.items() for verb in VERBS if verb in item]
    takes = {one["name"]: one["schema"] for one in paths[f"/{resource.name}"]["get"]["parameters"]}
    listing, expands = set(takes), takes["expand"]["items"]["enum"] if "expand" in takes else []
    schema = whole["components"]["schemas"][resource.singular]["properties"]
    return Chapter(resource, operations, [_member(name, part, listing) for name, part in schema.items()], expands)


def _operation(whole: Schema, verb: str, path: str, given: Schema) -> Operation:
    parameters = [_resolved(whole, one) for one in given.get("parameters", ())]
    answers = [(status, _resolved(whole, one)["description"]) for status, one in given["responses"].items()]
    headers = [(one["name"], one["description"]) for one in parameters if one["in"] == "header"]
    return Operation(verb.upper(), f"/api/v1{path}", given["summary"], sorted(answers), headers)


def _member(name: str, schema: Schema, listing: set[str]) -> Member:
    operators = [one.removeprefix(name) for one in sorted(listing) if one == name or one.startswith(f"{name}.")]
    plain = [one or "=" for one in operators if one.count(".") < 2]
    return Member(name, _kind(schema), schema.get("description", ""), " ".join(plain))


def _kind(schema: Schema) -> str:
    """The type in words: "string (date-time)", "placed | shipped"."""
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"] if one is not None)
    if "$ref" in schema:
        return str(schema["$ref"].rsplit("/", 1)[1])
    if "oneOf" in schema:
        return " | ".join(filter(None, (_kind(one) for one in schema["oneOf"] if one != {"type": "null"})))
    types = schema.get("type", "any")
    plain = " | ".join(one for one in types if one != "null") if isinstance(types, list) else str(types)
    return f"{plain} ({schema['format']})" if "format" in schema else plain


def _resolved(whole: Schema, node: Schema) -> Any:
    found: Any = node
    while "$ref" in found:
        target: Any = whole
        for step in found["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        found = target
    return found
