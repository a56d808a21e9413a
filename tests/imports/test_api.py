"""Imports by programs: sent, looked at, run, stopped and taken back; refused with the place of what is wrong."""
import io

import pytest

from app.audit import COMMAND_LINE
from app.extensions import db
from app.imports import read, whole
from app.imports.command import Wishes
from app.imports.models import Import
from app.jobs.steps import Here
from tests.records.api_client import Program
from tests.records.contract import check

PEOPLE = "Mail,Who\nada@example.com,Ada\nbad,Bob\n"
MAPPING = '{"Mail": "email", "Who": "name"}'


@pytest.fixture
def program(app, token):
    return Program(app, token("operator"))


def send(program, content=PEOPLE, key="", **parts):
    form = {"resource": "customers", "mapping": MAPPING, "file": (io.BytesIO(content.encode()), "people.csv"), **parts}
    headers = {"Authorization": f"Bearer {program.token}"} | ({"Idempotency-Key": key} if key else {})
    answer = program.app.test_client().post("/api/v1/imports", data={name: part for name, part in form.items() if part is not None},
                                            headers=headers, content_type="multipart/form-data")
    check("POST", "/imports", answer)
    return answer


def at(program, answer, rest=""):
    return program.get(f"/imports/{answer.json['id']}{rest}")


def test_a_file_is_taken_and_its_good_rows_are_written(program, drain, kept):
    asked = send(program)

    assert (asked.status_code, asked.json["status"], asked.json["counts"]) == (202, "waiting", None)
    assert asked.headers["Location"].endswith(f"/api/v1/imports/{asked.json['id']}")
    drain()
    told = at(program, asked).json
    assert (told["status"], told["mapping"], told["mode"], told["match"]) == ("done", {"Mail": "email", "Who": "name"}, "upsert", "email")
    assert told["counts"] == {"rows": 2, "created": 1, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 1}
    assert [row["email"] for row in kept("customers")] == ["ada@example.com"]


def test_refused_rows_say_where_and_why_and_all_rows_come_in_pages(program, drain):
    asked = send(program)
    drain()

    [refused] = at(program, asked, "/rows?outcome=refused").json["data"]
    assert (refused["row"], refused["values"], refused["record_id"]) == (3, {"Mail": "bad", "Who": "Bob"}, None)
    assert [error | {"message": ""} for error in refused["errors"]] == [{"column": "Mail", "field": "email", "value": "bad", "message": ""}]
    first = at(program, asked, "/rows?limit=1").json
    second = program.get(first["next"].partition("/api/v1")[2]).json
    assert [(row["row"], row["outcome"]) for row in first["data"] + second["data"]] == [(2, "created"), (3, "refused")]
    assert second["next"] is None


def test_a_dry_run_waits_at_its_preview_and_can_be_run_and_taken_back(program, drain, kept):
    asked = send(program, dry_run="true")
    drain()
    path = f"/imports/{asked.json['id']}"

    assert (program.get(path).json["status"], kept("customers")) == ("ready", [])
    assert program.post(f"{path}/run", {"apply": "all"}).status_code == 409
    assert program.post(f"{path}/run").status_code == 202
    drain()
    assert (program.get(path).json["status"], len(kept("customers"))) == ("done", 1)
    assert program.post(f"{path}/undo").status_code == 202
    drain()
    told = program.get(path).json
    assert (told["status"], told["undone"], kept("customers")[0]["trashed_at"] is None) == ("undone", {"trashed": 1}, False)
    assert program.post(f"{path}/cancel").status_code == 409


def test_all_or_nothing_stays_at_the_preview_where_a_row_is_refused(program, drain, kept):
    asked = send(program, apply="all")
    drain()

    told = at(program, asked).json
    assert (told["status"], told["problem"], kept("customers")) == (
        "ready", "1 row is refused, and all rows or none were asked for. Nothing was written.", [])


def test_columns_that_cannot_be_matched_say_so_and_nothing_is_written(program, drain):
    asked = send(program, mapping='{"Shoe size": "name"}')
    drain()

    told = at(program, asked).json
    assert (told["status"], told["problem"]) == ("needs_mapping", "There is no column 'Shoe size'. There are Mail, Who.")
    assert program.post(f"/imports/{told['id']}/cancel").json["status"] == "cancelled"


def test_how_the_file_is_read_can_be_said(program, drain, kept):
    send(program, "Mail;Who\nx@example.com;Zoë\n", delimiter=";", header_row="1", encoding="utf-8", mode="create", match="email")
    drain()

    assert [row["name"] for row in kept("customers")] == ["Zoë"]


def test_the_same_key_again_imports_once_and_the_same_file_is_told(program, drain):
    first, again = send(program, key="one"), send(program, key="one")
    assert (again.json["id"], again.headers["Idempotent-Replayed"]) == (first.json["id"], "true")
    assert send(program, PEOPLE + "c@example.com,C\n", key="one").status_code == 422
    drain()

    assert send(program, key="two").json["same_as"] == first.json["id"]


@pytest.mark.alike
@pytest.mark.parametrize(("parts", "pointer"), [
    ({"resource": None}, "/resource"), ({"resource": "shoes"}, "/resource"), ({"file": None}, "/file"),
    ({"mapping": "{}x"}, "/mapping"), ({"mapping": '{"Mail": "shoe"}'}, "/mapping"), ({"mode": "replace"}, "/mode"),
    ({"match": "name"}, "/match"), ({"mode": ["create", "update"]}, "/mode"), ({"dry_run": "1"}, "/dry_run"), ({"header_row": "0"}, "/header_row"), ({"colour": "red"}, "/colour"),
    ({"file": (io.BytesIO(b"<html><body></body></html>"), "a.html")}, "/file")])
def test_what_cannot_be_followed_is_named_by_its_place(program, parts, pointer):
    answer = send(program, **parts)

    assert (answer.status_code, [error["pointer"] for error in answer.json["errors"]]) == (422, [pointer])
    assert db.session.query(Import).count() == 0


@pytest.mark.alike
def test_what_is_no_form_or_asked_oddly_is_refused(program):
    assert program.post("/imports", {"resource": "customers"}).status_code == 415
    id = send(program).json["id"]
    assert [program.get(f"/imports/{id}/rows?{odd}").status_code for odd in ("outcome=odd", "limit=0", "after=x", "colour=1")] == [400] * 4


def test_a_program_without_the_right_gets_nothing(app, token, program):
    id = send(program).json["id"]
    viewer = Program(app, token("viewer"))

    assert send(viewer).status_code == 403
    assert [viewer.get(path).status_code for path in (f"/imports/{id}", f"/imports/{id}/rows", "/imports/99999999999999999999")] == [404] * 3
    assert viewer.post(f"/imports/{id}/run").status_code == 403


def test_it_goes_on_where_it_was_after_a_crash(app, kept):
    """Each step is asked for again by the same job, wherever it broke off."""
    id = whole.ask(io.BytesIO(PEOPLE.encode()), "people.csv", "customers", wishes := Wishes(columns={"Who": "name"}), by=COMMAND_LINE)
    whole._matched(Here(COMMAND_LINE), id, wishes)     # nothing is read yet, so nothing is matched
    read.read(Here(COMMAND_LINE), id)
    whole._matched(Here(COMMAND_LINE), id, wishes)

    whole.whole(Here(COMMAND_LINE), id, wishes)
    whole.whole(Here(COMMAND_LINE), id, wishes)

    assert [(row["email"], row["version"]) for row in kept("customers")] == [("ada@example.com", 1)]
