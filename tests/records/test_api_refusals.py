"""What the API refuses to write, each error at its place, whatever is sent."""
import json

import pytest

from app.config import config
from tests.records.api_client import Program
from tests.records.stock import put
from tests.records.test_api_write import NEW, pointers


@pytest.fixture
def program(app, token):
    return Program(app, token("admin"))


@pytest.fixture
def shop(app):
    put("customers", {"id": 1, "email": "ada@acme.example", "name": "Ada"})
    put("products", {"id": 1, "sku": "TEA", "name": "Tea", "price_minor": 100, "currency": "EUR"})
    put("orders", {"id": 1, "number": "ORD-1", "status": "draft", "payment_status": "pending", "total_minor": 1250, "currency": "EUR", "note": "old"})


WRONG = [
    ({"nothing": 1}, "/nothing"), ({"id": 7}, "/id"), ({"version": 7}, "/version"), ({"trashed_at": None}, "/trashed_at"), ({"account": "x"}, "/account"),
    ({"said": "x"}, "/said"), ({"total_minor": 5}, "/total_minor"), ({"customer_id": 1}, "/customer_id"), ({"number_key": "x"}, "/number_key"),
    ({"a/b~c": 1}, "/a~1b~0c"), ({"": 1}, "/"),
    ({"number": 5}, "/number"), ({"number": ["x"]}, "/number"), ({"number": None}, "/number"), ({"number": ""}, "/number"), ({"number": "x" * 81}, "/number"),
    ({"number": "a\u0000b"}, "/number"), ({"number": "\ud800"}, "/number"), ({"number": "ORD-1"}, "/number"),
    ({"status": "lost"}, "/status"), ({"status": "Draft"}, "/status"), ({"status": 1}, "/status"), ({"status": ["draft"]}, "/status"), ({"status": {}}, "/status"),
    ({"total": "cheap"}, "/total"), ({"total": "1.005"}, "/total"), ({"total": True}, "/total"), ({"total": []}, "/total"), ({"total": "99999999999999999999"}, "/total"),
    ({"weight": "5"}, "/weight"), ({"weight": 5.5}, "/weight"), ({"weight": True}, "/weight"), ({"weight": -1}, "/weight"), ({"weight": 2**63}, "/weight"),
    ({"placed_at": "yesterday"}, "/placed_at"), ({"placed_at": 5}, "/placed_at"), ({"placed_at": "2026-13-01T00:00:00Z"}, "/placed_at"), ({"placed_at": "2026-01-01"}, "/placed_at"),
    ({"placed_at": "05/06/2026"}, "/placed_at"), ({"placed_at": "0001-01-01T00:00:00+14:00"}, "/placed_at"),
    ({"customer": 99}, "/customer"), ({"customer": "nobody@acme.example"}, "/customer"), ({"customer": {}}, "/customer"), ({"customer": {"name": "Ada"}}, "/customer"),
    ({"customer": True}, "/customer"), ({"customer": [1]}, "/customer"), ({"customer": {"id": "x"}}, "/customer"), ({"customer": {"id": 1, "email": "x@y.example"}}, "/customer"),
    ({"customer": -1}, "/customer"), ({"customer": 2**70}, "/customer"), ({"customer": {"email": {"deep": 1}}}, "/customer"),
    ({"lines": "TEA"}, "/lines"), ({"lines": {"product": 1}}, "/lines"), ({"lines": [1]}, "/lines/0"), ({"lines": [{}, {"nothing": 1}]}, "/lines/1/nothing"),
    ({"lines": [{"product": 1, "quantity": "2"}]}, "/lines/0/quantity"), ({"lines": [{"product": 1, "quantity": 0}]}, "/lines"), ({"lines": [{"product": 99, "quantity": 1}]}, "/lines"),
]


@pytest.mark.alike
@pytest.mark.parametrize(("body", "pointer"), WRONG, ids=[json.dumps(body)[:50] for body, _ in WRONG])
def test_a_value_that_cannot_be_saved_is_named_by_its_place(program, shop, body, pointer):
    for answer in (program.post("/orders", {**NEW, **body}), program.patch("/orders/1", body, 1) if body != {"number": "ORD-1"} else None):
        if answer is not None:
            assert answer.status_code == 422
            assert pointer in pointers(answer)
            assert pointers(answer)[pointer].endswith((".", "…"))
    assert program.get("/orders").get_json()["data"][0]["version"] == 1
    assert len(program.get("/orders").get_json()["data"]) == 1


def test_all_that_is_wrong_is_said_at_once(program, shop):
    answer = program.post("/orders", {"nothing": 1, "total": [], "weight": "x", "lines": [1, {"quantity": "x"}]})
    assert set(pointers(answer)) == {"/nothing", "/total", "/weight", "/lines/0", "/lines/1/quantity", "/number"}


BODIES = [
    (b"", 400), (b"{", 400), (b"nonsense", 400), (b'{"a": 1,}', 400), (b"\xff\xfe{}", 400), (b'{"total": NaN}', 400), (b'{"total": Infinity}', 400),
    (b'{"note": "a", "note": "b"}', 400), (b"[" * 100_000, 400), (b'{"total": ' + b"9" * 5_000 + b"}", 400), ("{\"note\": \"é\"}".encode("utf-16"), 400),
    (b"[]", 422), (b"null", 422), (b'"text"', 422), (b"5", 422), (b"{}", 422), (b'{"total": 1e999999999}', 422), (b'{"weight": 1e3}', 422),
]


@pytest.mark.alike
@pytest.mark.parametrize(("body", "status"), BODIES, ids=[repr(body[:30]) for body, _ in BODIES])
def test_a_body_that_is_not_an_object_of_json_is_refused(program, shop, body, status):
    assert program.post("/orders", body).status_code == status


@pytest.mark.alike
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""])
def test_a_body_of_another_type_is_refused(program, shop, kind):
    assert program.post("/orders", b'{"number": "x"}', Content_Type=kind).status_code == 415


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"])
def test_json_may_be_called_by_its_names(program, shop, kind):
    assert program.patch("/orders/1", {"note": "x"}, 1, Content_Type=kind).status_code == 200


def test_a_body_that_is_too_large_is_refused_also_when_it_comes_in_pieces(program, shop):
    large = b'{"note": "' + b"x" * config().max_body_bytes + b'"}'
    assert program.post("/orders", large).status_code == 413


def test_a_parameter_a_write_does_not_know_is_refused(program, shop):
    assert program.patch("/orders/1?note=x", {"note": "x"}, 1).status_code == 400
    assert program.post("/orders?dry_run=1", NEW).status_code == 400
    assert len(program.get("/orders").get_json()["data"]) == 1


@pytest.mark.parametrize("path", ["/orders/99", "/orders/9223372036854775807"])
def test_what_is_not_there_cannot_be_changed(program, shop, path):
    assert program.patch(path, {"note": "x"}, 1).status_code == 404
    assert program.delete(path, 1).status_code == 404
    assert program.send("POST", f"{path}/restore", tag=1).status_code == 404


def test_wrong_types_missing_values_and_unknown_records_are_said_in_one_answer(program, shop):
    answer = program.post("/orders", {"customer": {"email": "nobody@acme.example"}, "weight": "heavy", "nothing": 1, "currency": "EUR", "lines": [{"product": {"sku": "X"}}]})
    assert answer.status_code == 422
    assert set(pointers(answer)) == {"/customer", "/weight", "/nothing", "/lines", "/number", "/total"}


def test_a_change_of_the_wrong_type_is_told_with_what_else_is_wrong_and_changes_nothing(program, shop):
    answer = program.patch("/orders/1", {"weight": "heavy", "total": None, "number": "ORD-7", "customer": 99}, 1)
    assert {"/weight", "/total", "/customer"} == set(pointers(answer))
    replaced = program.put("/orders/1", {"number": 5, "customer": 99}, 1)
    assert {"/number", "/customer", "/total"} <= set(pointers(replaced))
    assert pointers(replaced)["/number"] == "This is not text. Send a string."
    assert program.get("/orders/1").get_json()["version"] == 1
