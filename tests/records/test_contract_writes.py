"""For every record type and role: nobody's change is lost, nothing is written that was not offered, nothing out of sight is touched."""
from typing import Any

import pytest
from sqlalchemy import select, update

from app.access import ROLES
from app.extensions import db
from app.records import actions, owners
from app.records.registry import named
from app.transaction import transaction
from tests.records.api_client import Program
from tests.records.pages import get
from tests.records.stock import NAMES
from tests.records.test_api_write import CHANGED, FIRST, pointers
from tests.records.test_expand import stock

WRITERS = [role for role in ROLES if role != "viewer"]
KEEPERS = ("id", "version", "revision", "created_at", "updated_at", "trashed_at", "account", "said")
"""Columns that are nobody's to write."""


def row(name: str, id: int) -> dict[str, Any]:
    """The record as it is in the table."""
    db.session.rollback()
    return dict(db.session.execute(select(named(name).table).where(named(name).table.c.id == id)).mappings().one())


def count(name: str) -> int:
    db.session.rollback()
    return len(db.session.execute(select(named(name).table.c.id)).all())


def body(name: str) -> dict[str, Any]:
    field, value = CHANGED[name]
    return {field: value}


def new(name: str) -> dict[str, Any]:
    found: Any = FIRST[name]
    return {**found}


def deeds(name: str, id: int) -> list[tuple[str, str, Any]]:
    """Every way to change one record: method, path, body."""
    path = f"/{name}/{id}"
    return [("PATCH", path, body(name)), ("PUT", path, {**new(name), **body(name)}), ("DELETE", path, None), ("POST", f"{path}/restore", None)]


def acts(name: str, id: int) -> list[tuple[str, str, Any]]:
    return [("POST", f"/{name}/{id}/{action.name}", None) for action in actions.registered(named(name))]


# -- lost updates

@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", ROLES)
def test_who_has_not_seen_the_version_there_is_changes_nothing(app, token, name, role):
    stock(1)
    program, before = Program(app, token(role)), row(name, 1)
    for method, path, sent in deeds(name, 1):
        for tag, status in ((None, 428), ("*", 428), (7, 412), ('W/"1"', 412), ('"1x"', 412), ("1", 400)):
            answer = program.send(method, path, sent, tag)
            assert answer.status_code == (403 if role == "viewer" else status), f"{method} {tag}"
            assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"]
    for method, path, sent in acts(name, 1):
        assert program.send(method, path, sent, 7).status_code in (403, 412)
    assert row(name, 1) == before


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", WRITERS)
def test_of_two_who_saw_one_version_the_second_changes_nothing_whichever_way_both_take(app, token, name, role):
    stock(4)
    program = Program(app, token(role))
    for id, (method, path, sent) in enumerate([deeds(name, n)[n - 1] for n in (1, 2, 3, 4)], 1):
        first = program.patch(f"/{name}/{id}", body(name), 1)
        assert (first.status_code, first.headers["ETag"]) == (200, '"2"')
        after = row(name, id)
        assert program.send(method, path, sent, 1).status_code == 412
        assert row(name, id) == after


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", WRITERS)
def test_a_form_that_was_opened_before_somebody_saved_writes_nothing_over_it(app, token, sign_in, name, role):
    stock(1)
    field, value = CHANGED[name]
    client, path = sign_in(role), f"/{name}/1"
    typed = get(client, f"{path}/edit").form(path)
    assert Program(app, token(role)).patch(path, {field: value}, 1).status_code == 200
    after = row(name, 1)
    shown = "2026-01-01" if field == "renews_at" else "" if value is False else "typed"
    answer = client.post(path, data={**{name: text for name, text in typed.items() if name != field or shown}, **({field: shown} if shown else {})})
    assert answer.status_code in (409, 303)
    assert row(name, 1)[field] == after[field]


@pytest.mark.alike("orders")
@pytest.mark.parametrize("name", NAMES)
def test_a_form_that_does_not_say_what_it_has_seen_writes_nothing(app, sign_in, name):
    stock(1)
    client, path, before = sign_in("admin"), f"/{name}/1", row(name, 1)
    typed = get(client, f"{path}/edit").form(path)
    seen = next(one for one, text in typed.items() if "version" in one)
    for text in (None, "", "x", "0", "99"):
        data = {**{one: value for one, value in typed.items() if one != seen}, **({} if text is None else {seen: text}), CHANGED[name][0]: "2027-01-31"}
        assert client.post(path, data=data).status_code != 500
        assert row(name, 1) == before, text


# -- mass assignment

@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_written_but_the_fields_a_role_may_write(app, token, name, role):
    """Every column of the table that is no field of this role, under its own name, alone and beside what may be written."""
    stock(1)
    program, resource, before, number = Program(app, token(role)), named(name), row(name, 1), count(name)
    writable = {field.name for field in resource.fields if not field.sensitive or role in ("manager", "admin")}
    columns = [column.name for column in resource.table.columns if column.name not in writable]
    assert set(columns) >= set(KEEPERS) & {column.name for column in resource.table.columns}
    for key in (*columns, "nothing", "__class__", "constructor"):
        ways: list[tuple[str, str, dict[str, Any]]] = [("POST", f"/{name}", new(name)), ("PATCH", f"/{name}/1", {}), ("PATCH", f"/{name}/1", body(name)), ("PUT", f"/{name}/1", new(name))]
        for method, path, sent in ways:
            answer = program.send(method, path, {**sent, key: sample(key)}, 1)
            if role == "viewer":
                assert answer.status_code == 403
            else:
                assert (answer.status_code, f"/{key}" in pointers(answer)) == (422, True), f"{method} {key}"
    assert row(name, 1) == before
    assert count(name) == number


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", WRITERS)
def test_nor_in_a_row_of_many(app, token, name, role):
    stock(1)
    program, before = Program(app, token(role)), row(name, 1)
    for column in (column.name for column in named(name).table.columns):
        if named(name).field(column) is None and column not in ("id", "version", "account"):     # these say which record is meant
            [told] = program.post(f"/{name}/bulk", {"data": [{"id": 1, column: sample(column)}]}).get_json()["data"]
            assert told["outcome"] == "invalid", column
    [missed] = program.post(f"/{name}/bulk", {"data": [{"id": 1, "version": 7, **body(name)}]}).get_json()["data"]
    assert missed["outcome"] == "conflict"
    assert row(name, 1) == before


def sample(column: str) -> Any:
    return 2 if column in ("id", "version", "revision") or column.endswith(("_id", "_minor")) else "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("name", NAMES)
def test_what_a_form_was_not_asked_for_is_not_written(sign_in, name):
    """The form takes what it shows; more inputs than it has change nothing else."""
    stock(1)
    client, path, before = sign_in("operator"), f"/{name}/1", row(name, 1)
    typed = get(client, f"{path}/edit").form(path)
    asked = {field.name for field in named(name).fields}
    more = {column.name: "2" for column in named(name).table.columns if column.name not in {*typed, *asked}}
    answer = client.post(path, data={**typed, **more, "trashed_at": "2026-01-01", "account": "stripe", "phone": "+1", "number_key": "x"})
    assert answer.status_code in (303, 400, 422)
    kept = row(name, 1)
    assert {one: kept[one] for one in kept if one not in ("version", "revision", "updated_at")} == {
        one: before[one] for one in before if one not in ("version", "revision", "updated_at")}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", WRITERS)
def test_what_a_live_provider_keeps_is_refused_field_by_field(app, token, monkeypatch, name, role):
    monkeypatch.setattr(owners, "_checks", [lambda session, account: account == "stripe"])
    stock(1)
    with transaction() as session:
        session.execute(update(named(name).table).values(account="stripe", external_id="o_1"))
    before = row(name, 1)
    owned = [field for field in named(name).fields if field.owned and field.kind in ("text", "integer", "money", "date", "longtext", "email")]
    for field in owned:
        given = {"integer": 77, "money": "77.00", "date": "2027-07-07"}.get(field.kind, "USD" if field.name == "currency" else "seventy-seven")
        answer = Program(app, token(role)).patch(f"/{name}/1", {field.name: given}, 1)
        assert answer.status_code in (403, 422), field.name
        assert f"/{field.name}" in pointers(answer)
    assert row(name, 1) == before


# -- records out of sight

@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", ROLES)
def test_a_record_out_of_scope_is_not_there_for_any_way_of_writing(app, token, sign_in, name, role):
    stock(2)
    who = {"email": "narrow@example.com", "scopes": {name: "id=1"}}
    program, client, before = Program(app, token(role, **who)), sign_in(role, **who), row(name, 2)
    for method, path, sent in (*deeds(name, 2), *acts(name, 2)):
        for tag in (None, 1, 7):
            there, nowhere = (program.send(method, path.replace("/2", f"/{id}"), sent, tag) for id in (2, 9))
            assert there.status_code == nowhere.status_code, f"{method} {path}"
            assert there.status_code == 404 or there.status_code == 403 and (role == "viewer" or (method, path, sent) in acts(name, 2))
            assert told(there, 2) == told(nowhere, 9)
    if role != "viewer":
        key = named(name).key
        for line in ({"id": 2, **body(name)}, {key: before[named(name).require(key).column], **body(name)}):
            [result] = program.post(f"/{name}/bulk", {"data": [line]}).get_json()["data"]
            assert result["outcome"] in ("missing", "forbidden", "invalid")
            assert result["changes"] == []
    for path in ("edit", "trash", "revert?to=1"):
        assert client.get(f"/{name}/2/{path}").status_code in (403, 404)
    for path, data in (("", {"version": "1"}), ("/trash", {"version": "1"}), ("/restore", {"version": "1"}), ("/revert", {"to": "1", "version": "1"}), ("/notes", {"text": "x"}),
                       ("/detach", {"version": "1"}), *((f"/{action.name}", {}) for action in actions.registered(named(name)))):
        assert client.post(f"/{name}/2{path}", data=data).status_code in (403, 404), path
    assert row(name, 2) == before


def told(answer: Any, id: int) -> str:
    """What a refusal says, without what differs by request."""
    found = answer.get_json()
    return str({one: str(value).replace(str(id), "#") for one, value in found.items() if one != "request_id"})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", ROLES)
def test_a_record_out_of_scope_is_not_there_for_any_way_of_reading(app, token, sign_in, name, role):
    stock(2)
    resource = named(name)
    who = {"email": "narrow@example.com", "scopes": {name: "id=1"}}
    program, client, other = Program(app, token(role, **who)), sign_in(role, **who), row(name, 2)
    key = resource.require(resource.key)
    value = other[key.column]
    assert told(program.get(f"/{name}/2"), 2) == told(program.get(f"/{name}/9"), 9)
    for query in ("", "id=2", "id.ne=1", "id.gt=1", f"{key.name}={value}", f"q={value}", "q=%232", "any.1.id=2&any.1.id=1&id=2", "trashed=with", f"{key.name}.contains=2", "sort=id"):
        assert [one["id"] for one in program.get(f"/{name}?{query}").get_json()["data"] if one["id"] != 1] == [], query
        if "sort" not in query:
            assert program.get(f"/{name}/summary?{query}").get_json()["data"][0]["count"] <= 1
        assert f"/{name}/2" not in get(client, f"/{name}?{query}").links()
    assert client.get(f"/{name}/2").status_code == 404
    assert client.get(f"/search?q={value}").status_code in (200, 303)
    assert f"/{name}/2" not in client.get(f"/search?q={value}").text
    assert value not in [one["value"] for text in (value, "2", "") for one in client.get(f"/{name}/lookup?q={text}").get_json()]


@pytest.mark.parametrize("name", NAMES)
def test_a_reference_to_a_record_out_of_scope_names_nothing_of_it_and_cannot_be_written(app, token, name):
    stock(2)
    for field in named(name).references:
        other = named(field.to)
        program = Program(app, token("operator", email=f"{field.name}@example.com", scopes={other.name: "id=1"}))
        value = row(other.name, 2)[other.require(field.shown_by).column]
        for query in ("", f"?expand={field.name}"):
            assert program.get(f"/{name}/2{query}").get_json()[field.name] == {"id": 2, "key": "", "label": ""}
        assert program.get(f"/{name}?{field.name}={value}").get_json()["data"] == []
        assert program.get(f"/{name}?{field.name}.{field.shown_by}={value}").get_json()["data"] == []
        for given in (2, value, {"id": 2}, {field.shown_by: value}):
            answer = program.patch(f"/{name}/1", {field.name: given}, 1)
            assert answer.status_code == 422, given
            assert f"/{field.name}" in pointers(answer)
