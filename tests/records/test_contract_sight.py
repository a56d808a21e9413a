"""A field one may not read is as if it had never been declared: for every field of every record type, at every door."""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.datastructures import MultiDict

from app.access import ROLES
from app.audit import SYSTEM, Actor
from app.exports.columns import offered
from app.extensions import db
from app.imports.targets import targets
from app.records import actions, openapi, query, search, search_all
from app.records.fields import Field
from app.records.operators import OPERATORS
from app.records.registry import named, resources
from app.records.resource import Resource
from app.records.shapes import Place
from app.transaction import transaction
from tests.records.api_client import Program
from tests.records.stock import NAMES, index, whole
from tests.records.test_expand import BESIDE, stock

BLIND, SEEING = ("viewer", "operator"), ("manager", "admin")
DERIVED = ("_by_name", "unique", "required", "found_by", "references", "targets", "lines", "status")
FIELDS = [(name, field.name) for name in NAMES for field in named(name).fields if field.name != named(name).key]


def hideable(resource: Resource) -> list[Field]:
    return [field for field in resource.fields if field.name != resource.key]


@contextmanager
def hidden(resource: Resource, *fields: Field) -> Iterator[None]:
    """These fields are sensitive for a while."""
    before = [field.sensitive for field in fields]
    with _declared(resource):
        try:
            for field in fields:
                object.__setattr__(field, "sensitive", True)
            yield
        finally:
            for field, was in zip(fields, before, strict=True):
                object.__setattr__(field, "sensitive", was)


@contextmanager
def undeclared(resource: Resource, gone: Field) -> Iterator[None]:
    """The resource without this field for a while."""
    before = {name: getattr(resource, name) for name in ("fields", "listed", "searched", "titled", "order")}
    with _declared(resource):
        object.__setattr__(resource, "fields", tuple(field for field in resource.fields if field is not gone))
        for name in ("listed", "searched", "titled"):
            object.__setattr__(resource, name, tuple(one for one in before[name] if one != gone.name))
        if resource.order.removeprefix("-") == gone.name:
            object.__setattr__(resource, "order", "-id")
        try:
            yield
        finally:
            for name, value in before.items():
                object.__setattr__(resource, name, value)


@contextmanager
def _declared(resource: Resource) -> Iterator[None]:
    """What was worked out from the declaration is worked out anew, within and afterwards."""
    def forget() -> None:
        for name in DERIVED:
            resource.__dict__.pop(name, None)
        openapi._document.cache_clear()
        search.columns.cache_clear()
    forget()
    try:
        yield
    finally:
        forget()


@pytest.fixture(autouse=True)
def _described(app):
    yield
    openapi._document.cache_clear()


def asked(field: Field, resource: Resource) -> list[str]:
    """Every way a program can name this field, its columns too."""
    values = {"choice": getattr(field, "names", ("x",))[0], "integer": "1", "money": "1.00", "boolean": "true", "date": "2026-01-01", "datetime": "2026-01-01", "reference": "1"}
    value = values.get(field.kind, "x@y.example" if field.kind == "email" else "EUR")
    found = [f"{field.name}{'' if op == 'eq' else '.' + op}={'true' if op == 'empty' else value}" for op in OPERATORS[field.kind]]
    found += [f"any.1.{field.name}={value}&any.1.{resource.key}=x", f"sort={field.name}", f"sort=-{field.name}", f"fields={field.name}", f"fields=id,{field.name}", f"expand={field.name}",
              f"{field.column}={value}", f"{field.name}.id=1", f"{field.name}.nothing=1", f"fields={field.name}.id"]
    return found


@pytest.mark.alike
@pytest.mark.parametrize(("name", "field"), FIELDS)
def test_asking_for_it_is_answered_byte_by_byte_as_if_there_were_no_such_field(app, token, name, field):
    """Filtered, sorted, chosen, expanded, grouped, summed, or named through a record that refers to this one; and written."""
    resource = named(name)
    stock(1)
    there, blind = resource.require(field), Program(app, token("operator"))
    paths = [f"/{name}?{one}" for one in asked(there, resource)] + [f"/{name}/1?fields={field}", f"/{name}/summary?group={field}", f"/{name}/summary?sum={field}"]
    paths += [f"/{other.name}?{by.name}.{one}" for other in resources() for by in other.references if by.to == name for one in asked(there, resource)[:3]]
    bodies = [("PATCH", f"/{name}/1", {field: "x"}), ("PATCH", f"/{name}/1", {field: None}), ("POST", f"/{name}/bulk", {"data": [{"id": 1, field: "x"}]})]
    if not there.required:      # without one that is required nobody makes a record, and is told why
        bodies.append(("POST", f"/{name}", {field: "x"}))

    def answers() -> dict[str, Any]:
        got = {path: blind.get(path) for path in paths} | {f"{method} {body}": blind.send(method, path, body, 1) for method, path, body in bodies}
        return {path: (answer.status_code, {one: value for one, value in answer.get_json().items() if one != "request_id"}) for path, answer in got.items()}

    with hidden(resource, there):
        masked = answers()
    with undeclared(resource, there):
        absent = answers()
    assert masked == absent
    assert {status for path, (status, _) in masked.items() if path.startswith((f"/{name}?sort=", f"/{name}?fields="))} == {400}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", ROLES)
def test_it_is_in_no_answer_of_the_api(app, token, name, role):
    """Alone, in a list, found, expanded, changed, previewed, among many, described: what it is called and what it holds."""
    resource = named(name)
    fields, marks = marked(resource)
    with hidden(resource, *fields):
        index(name)
        program = Program(app, token(role))
        reads = [f"/{name}", f"/{name}/1", f"/{name}?q=hush", *(f"/{other}?expand={path}" for other, path in BESIDE if leads(other, path) == name)]
        texts = [program.get(path).text for path in reads]
        seen = program.get(f"/{name}/1").get_json()
        key = {resource.key: "changed"} if resource.require(resource.key).kind == "text" else {resource.key: "changed@acme.example"}
        texts += [answer.text for answer in (program.patch(f"/{name}/1", key, 1, Prefer="handling=preview"), program.patch(f"/{name}/1", key, 1), program.delete(f"/{name}/1", 2),
                                             program.post(f"/{name}/bulk", {"data": [{"id": 1, resource.key: "again@acme.example"}]}), program.get(f"/{name}?trashed=with"))]
        described = program.get("/openapi.json").get_json()["components"]["schemas"]
        members = {one for part in (resource.singular, f"New{resource.singular}", f"{resource.singular}Change") for one in described[part]["properties"]}
    names = {field.name for field in fields}
    if role in BLIND:
        assert [mark for mark in marks.values() for text in texts if mark in text] == []
        assert names & set(seen) == names & members == set()
    else:
        assert [mark for mark in marks.values() if mark not in texts[1]] == []
        assert names - {field.name for field in fields if field.kind == "json"} <= members
        assert names <= set(seen)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", ROLES)
def test_it_is_on_no_page_in_no_picker_and_in_no_file(app, token, sign_in, name, role):
    """Lists, details with their history, forms, filters, columns, views, what to import and export, search, bulk changes, the trail."""
    resource = named(name)
    fields, marks = marked(resource)
    with hidden(resource, *fields):
        index(name)
        told = {field: f"{mark}2" for field, mark in marks.items() if resource.require(field).kind in ("text", "longtext")}
        assert not told or Program(app, token("admin")).patch(f"/{name}/1", told, 1).status_code == 200     # from here on it has a history
        client = sign_in(role)
        pages = [f"/{name}", f"/{name}/1", f"/{name}/1/edit", f"/{name}/new", f"/{name}?q=hush", f"/{name}/filter?by={resource.key}", f"/{name}/columns", f"/{name}/views", f"/{name}/lookup?q=hush",
                 "/search?q=hush", f"/{name}/1/trash", f"/{name}/1/revert?to=1", f"/exports/new?resource={name}", f"/imports/new?resource={name}", f"/{name}/bulk?ids=1", "/trail", "/", "/reference"]
        pages += [f"/{other.name}/1" for other in resources() if any(by.to == name for by in other.references)] + [f"/{to}/1" for to in resource.targets]
        pages += [f"/{name}/1/{action.name}" for action in actions.registered(resource)]
        texts = {page: client.get(page).text for page in pages}
        filters = {field.name: client.get(f"/{name}/filter?by={field.name}").status_code for field in fields if OPERATORS[field.kind]}
        who = Actor("staff", role, 1, ROLES[role])
        choices = {one.name for one in targets(who, resource)} | {one.name for one in offered(who, resource)}
        everywhere = search_all.everywhere(db.session(), "hush", who)
        looked = query.lookup(db.session(), resource, "hush", who)
        rows = [row for part in query.stream(db.session(), query.parse(resource, MultiDict(), who), resource.fields) for row in part]
    names = {field.name for field in fields}
    if role in BLIND:
        assert [(page, mark) for mark in marks.values() for page, text in texts.items() if mark in text.replace("“hush”", "")] == []
        assert [(page, field) for page in (f"/{name}/1/edit", f"/{name}/new", f"/{name}/columns", f"/exports/new?resource={name}") for field in names if f'name="{field}"' in texts[page] or f'value="{field}"' in texts[page]] == []
        assert set(filters.values()) <= {404, 403}
        assert names & choices == set()
        assert (looked, [found for found in everywhere if found.resource is resource]) == ([], [])
        assert not any(field.column in row or field.name in row for row in rows for field in fields)
    else:
        assert [mark for mark in marks.values() if mark.startswith("hush") and mark not in texts[f"/{name}/1"]] == []
        assert 200 in filters.values()


@pytest.mark.alike("orders")
@pytest.mark.parametrize("name", NAMES)
def test_even_where_the_field_is_what_a_record_is_found_by(app, token, sign_in, name):
    """Its key, its title and what it is sorted by: nothing falls over, nothing is told."""
    resource = named(name)
    marked(resource)
    key = resource.require(resource.key)
    with hidden(resource, *resource.fields):
        program, client = Program(app, token("operator")), sign_in("operator")
        for path in (f"/{name}", f"/{name}/1", f"/{name}?q=hush", f"/{name}/summary"):
            answer = program.get(path)
            assert answer.status_code == 200, path
            assert "hush" not in answer.text
        for path in (f"/{name}", f"/{name}/1", f"/{name}/lookup", f"/{name}/1/edit", f"/{name}/1/trash"):
            answer = client.get(path)
            assert answer.status_code == 200, path
            assert "hush" not in answer.text
        for other in (one for one in resources() if any(by.to == name for by in one.references)):
            assert "hush" not in program.get(f"/{other.name}/1").text
            assert "hush" not in client.get(f"/{other.name}/1").text
            assert "hush" not in client.get(f"/{other.name}").text
        assert program.get(f"/{name}?{key.name}=x").status_code == 400


def marked(resource: Resource) -> tuple[list[Field], dict[str, str]]:
    """One record of each type, of this one with values nobody else has in all fields but its key; the fields, and by name what to look for."""
    stock(1)
    fields = sorted(hideable(resource), key=lambda field: field.kind not in ("text", "longtext"))
    values, marks = {resource.require(resource.key).column: f"k-{resource.name}@acme.example"}, dict[str, str]()
    for field in fields:
        value, mark = MARKS.get(field.kind, _text)(field)
        if mark:
            values[field.column] = value
            marks[field.name] = mark
    with transaction() as session:
        session.execute(update(resource.table).where(resource.table.c.id == 1).values(
            {name: value for name, value in whole(resource, values).items() if name not in ("version", "revision", "created_at", "updated_at", "account")}))
    return fields, marks


def _text(field: Any) -> tuple[Any, str]:
    """"hush-…" where there is room for it."""
    if field.kind in ("text", "longtext", "email") and getattr(field, "limit", 0) >= 20:
        mark = f"hush{field.name}"[:18]
        return (f"{mark}@acme.example" if field.kind == "email" else mark), mark
    return None, ""


MARKS: dict[str, Callable[[Any], tuple[Any, str]]] = {
    "integer": lambda field: (424_242, "424242"), "money": lambda field: (77_777_712, "777777.12"),
    "date": lambda field: (date(2031, 7, 19), "2031-07-19")}


def leads(name: str, path: str) -> str:
    """The record type at the end of a path."""
    place = Place(named(name))
    for step in path.split("."):
        place = place.ways(SYSTEM)[step]
    return place.resource.name

