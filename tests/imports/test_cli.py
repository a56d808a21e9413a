"""`flask --app app import`: options, output and exit codes as they are promised."""
import json
from pathlib import Path

import openpyxl
import pytest
from click.testing import Result
from flask import Flask

from tests.files.making import workbook

pytestmark = pytest.mark.alike
KEYS = ["status", "rows", "created", "updated", "unchanged", "skipped", "refused", "errors", "skips"]


def call(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["import", *arguments])


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "customers.csv"
    path.write_text("Email,Who\na@example.com,Ada\nbad,Bob\n")
    return str(path)


def test_json_has_the_promised_fields_and_refusals_end_with_one(app, file):
    answer = call(app, "customers", file, "--json", "--map", "Who=name")

    report = json.loads(answer.output)
    assert (list(report), answer.exit_code) == (KEYS, 1)
    assert (report["status"], report["rows"], report["created"], report["refused"]) == ("done_with_refusals", 2, 1, 1)
    assert list(report["errors"][0]) == ["row", "column", "field", "value", "message"]
    assert report["errors"][0] | {"message": ""} == {"row": 3, "column": "Email", "field": "email", "value": "bad", "message": ""}


def test_without_json_it_says_the_same_in_words(app, file):
    answer = call(app, "customers", file)

    assert "2 rows: 1 created, 1 refused." in answer.output
    assert "row 3, Email: This is not an e-mail address." in answer.output


def test_a_file_without_refusals_ends_with_zero(app, tmp_path):
    (tmp_path / "a.csv").write_text("email\na@example.com\n")

    assert call(app, "customers", str(tmp_path / "a.csv")).exit_code == 0


def test_a_dry_run_says_that_nothing_was_written(app, file):
    assert "Nothing was written." in call(app, "customers", file, "--dry-run").output


def test_a_dry_run_is_marked_and_speaks_of_what_would_be(app, file):
    assert json.loads(call(app, "customers", file, "--dry-run", "--json").output)["dry_run"] is True
    assert "1 would be created" in call(app, "customers", file, "--dry-run").output
    assert "dry_run" not in json.loads(call(app, "customers", file, "--json").output)


def test_a_repeated_row_is_skipped_with_its_number_and_the_reason(app, tmp_path):
    (tmp_path / "a.csv").write_text("email\na@example.com\nb@example.com\na@example.com\n")

    report = json.loads(call(app, "customers", str(tmp_path / "a.csv"), "--json").output)

    assert (report["created"], report["skipped"], report["refused"]) == (2, 1, 0)
    assert report["skips"] == [{"row": 4, "message": "This is the same record as row 2. Only the first one counts."}]


def test_an_unreadable_file_ends_with_one_and_a_sentence(app, tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04")

    answer = call(app, "customers", str(tmp_path / "a.xlsx"))

    assert (answer.exit_code, "file: It is damaged" in answer.output) == (1, True)


def test_sheet_and_heading_row_are_those_that_are_named(app, tmp_path):
    book = workbook(tmp_path / "a.xlsx", [["email"], ["first@example.com"]])
    other = openpyxl.load_workbook(book)
    sheet = other.create_sheet("Other")
    for cells in (["a list"], ["of people", "we know"], ["email", "name"], ["b@example.com", "Bob"]):
        sheet.append(cells)
    other.save(book)

    answer = call(app, "customers", str(book), "--sheet", "Other", "--header-row", "3", "--json")

    assert (json.loads(answer.output)["created"], answer.exit_code) == (1, 0)
    assert "There is no sheet called Third." in call(app, "customers", str(book), "--sheet", "Third").output


def test_letters_and_delimiter_are_those_that_are_named(app, kept, tmp_path):
    (tmp_path / "a.csv").write_bytes("email|name;x\na@example.com|Łukasz;1\n".encode("cp1250"))

    answer = call(app, "customers", str(tmp_path / "a.csv"), "--encoding", "cp1250", "--delimiter", "|", "--map", "name;x=name")

    assert (answer.exit_code, [row["name"] for row in kept("customers")]) == (0, ["Łukasz;1"])


@pytest.mark.parametrize("arguments", [
    ["customers", "FILE", "--header-row", "0"], ["customers", "FILE", "--delimiter", "x"],
    ["shoes", "FILE"], ["customers", "/nowhere.csv"], ["customers", "FILE", "--mode", "replace"], ["customers", "FILE", "--key", "name"],
    ["customers", "FILE", "--map", "nonsense"], ["customers", "FILE", "--map", "Nowhere=email"], ["customers", "FILE", "--map", "Email=shoe"],
    ["customers", "FILE", "--as", "nobody@example.com"], ["customers"]])
def test_wrong_usage_ends_with_two(app, file, arguments):
    answer = call(app, *(file if word == "FILE" else word for word in arguments))

    assert answer.exit_code == 2, answer.output


def test_it_acts_with_the_rights_of_the_person_named(app, file, user):
    user("viewer", email="vera@example.com")
    user("operator", email="olaf@example.com")

    refused, done = (call(app, "customers", file, "--as", f"{name}@example.com") for name in ("vera", "olaf"))

    assert (refused.exit_code, "customers.import" in refused.output) == (1, True)
    assert "1 created" in done.output
