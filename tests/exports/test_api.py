"""Exports by programs: asked for, looked at, fetched; refused with the place of what is wrong."""
import pytest

from app.exports import run
from tests.exports.making import make, table
from tests.records.api_client import Program


def fetch(program, id):
    """The file, which is no JSON that could be held against the description."""
    return program.app.test_client().get(f"/api/v1/exports/{id}/file", headers={"Authorization": f"Bearer {program.token}"})


@pytest.fixture
def program(app, token):
    make({"email": "ada@example.com", "name": "Ada"}, {"email": "bob@example.com", "name": "Bob"})
    return Program(app, token("manager"))


def test_a_small_export_is_there_at_once_and_its_file_too(program):
    asked = program.post("/exports", {"resource": "customers", "query": "name=Ada", "columns": ["name", "email"], "delimiter": ";"})

    assert (asked.status_code, asked.json["status"], asked.json["rows"]) == (201, "ready", 1)
    file = fetch(program, asked.json["id"])
    assert table(file.get_data(), delimiter=";") == [["Name", "E-mail"], ["Ada", "ada@example.com"]]
    assert program.get(f"/exports/{asked.json['id']}").json == asked.json


def test_a_large_one_is_waited_for(program, monkeypatch, drain):
    monkeypatch.setattr(run, "AT_ONCE", 1)
    asked = program.post("/exports", {"resource": "customers", "format": "jsonl"})
    path = asked.headers["Location"].partition("/api/v1")[2]

    assert (asked.status_code, asked.json["status"], asked.json["file"]) == (202, "waiting", None)
    assert program.get(f"{path}/file").status_code == 404
    drain()
    assert (program.get(path).json["status"], program.get(path).json["rows"]) == ("ready", 2)
    assert fetch(program, asked.json["id"]).mimetype == "application/jsonl"


@pytest.mark.parametrize(("body", "pointer"), [
    ({}, "/resource"), ({"resource": "shoes"}, "/resource"), ({"resource": "customers", "columns": ["shoe"]}, "/columns"),
    ({"resource": "customers", "columns": "name"}, "/columns"), ({"resource": "customers", "query": "shoe=1"}, "/query"),
    ({"resource": "customers", "format": "pdf"}, "/format"), ({"resource": "customers", "zone": "Mars/Base"}, "/zone"),
    ({"resource": "customers", "delimiter": 5}, "/delimiter"), ({"resource": "customers", "colour": "red"}, "/colour")])
def test_what_cannot_be_had_is_named_by_its_place(program, body, pointer):
    answer = program.post("/exports", body)

    assert (answer.status_code, [error["pointer"] for error in answer.json["errors"]]) == (422, [pointer])


def test_a_program_without_the_right_gets_nothing(app, token, program):
    id = program.post("/exports", {"resource": "customers"}).json["id"]
    operator = Program(app, token("operator"))

    assert operator.post("/exports", {"resource": "customers"}).status_code == 403
    assert [operator.get(path).status_code for path in (f"/exports/{id}", f"/exports/{id}/file", "/exports/99999999999999999999")] == [404] * 3
