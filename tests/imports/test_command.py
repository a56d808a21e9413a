"""`import`: a file into records by one call, and the report that tools depend on."""
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import func, select

from app.audit import COMMAND_LINE, Actor, Audit, Door
from app.errors import BadRequest, Forbidden
from app.extensions import db
from app.imports.command import Wishes, import_file
from app.imports.models import Import
from app.records.batches import BatchRow
from app.records.changes import Change, Source, apply
from app.transaction import transaction

NOTHING = {"created": 0, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0}


def counts(report: dict[str, Any]) -> dict[str, int]:
    return {name: number for name, number in report.items() if name in NOTHING and number}


def errors(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(one["row"], one["column"], one["field"], one["value"]) for one in report["errors"]]


def test_new_rows_are_created_and_the_same_file_again_changes_nothing(put, kept):
    content = "Email,Name,Country\nada@example.com,Ada,DE\nbob@example.com,Bob,FR\n"

    first, second = put("customers", content), put("customers", content)

    assert first == {"status": "done", "rows": 2, "created": 2, "updated": 0, "unchanged": 0, "skipped": 0, "refused": 0,
                     "errors": [], "skips": []}
    assert second == first | {"created": 0, "unchanged": 2}
    assert [(row["email"], row["name"], row["version"]) for row in kept("customers")] == [
        ("ada@example.com", "Ada", 1), ("bob@example.com", "Bob", 1)]


def test_changed_rows_are_updated_and_the_audit_names_the_import_and_the_row(put, kept):
    put("customers", "Email,Name\nada@example.com,Ada\nbob@example.com,Bob\n")

    report = put("customers", "Email,Name\nbob@example.com,Robert\nada@example.com,Ada\n")

    assert counts(report) == {"updated": 1, "unchanged": 1}
    row = db.session.scalars(select(Audit).where(Audit.action == "updated")).one()
    assert (row.door, row.door_part, json.loads(row.diff)["name"]) == (Door.IMPORT, 2, ["Bob", "Robert"])
    assert row.door_id == db.session.scalar(select(func.max(Import.id)))


def test_two_bad_rows_are_named_with_row_column_value_and_what_to_do(put, kept):
    report = put("customers", "E-Mail,Name,Country\nada@example.com,Ada,DE\nnobody,Bob,FR\ncem@example.com,Cem,Germany\n")

    assert report["status"] == "done_with_refusals"
    assert counts(report) == {"created": 1, "refused": 2}
    assert errors(report) == [(3, "E-Mail", "email", "nobody"), (4, "Country", "country", "Germany")]
    assert all(one["message"].count(".") >= 2 for one in report["errors"])
    assert [row["email"] for row in kept("customers")] == ["ada@example.com"]


def test_rows_always_add_up(put):
    report = put("customers", "email\na@example.com\na@example.com\nbad\n\nb@example.com\n")

    assert report["rows"] == sum(report[name] for name in NOTHING) == 4
    assert counts(report) == {"created": 2, "skipped": 1, "refused": 1}


def test_a_repeat_counts_once_whatever_its_case_and_far_apart(put, kept):
    rows = "".join(f"c{number}@example.com,x\n" for number in range(450))

    report = put("customers", f"email,name\nAda@Example.com,first\n{rows}ada@example.com,second\n")

    assert counts(report) == {"created": 451, "skipped": 1}
    assert kept("customers")[0]["name"] == "first"
    repeat = db.session.scalars(select(BatchRow).where(BatchRow.outcome == "repeated")).one()
    assert repeat.number == 453
    assert "row 2" in (repeat.errors or {})[""]


def test_a_dry_run_reports_and_writes_nothing(put, kept):
    report = put("customers", "email,name\na@example.com,A\nbad,B\n", dry_run=True)

    assert (report["status"], counts(report)) == ("done_with_refusals", {"created": 1, "refused": 1})
    assert kept("customers") == []
    with pytest.raises(BadRequest):
        put("customers", "email\na@example.com\n", columns={"nothing": "email"})
    assert set(db.session.scalars(select(Import.stage))) == {"cancelled"}, "what was only tried waits for nobody"


def test_all_or_nothing_writes_nothing_if_one_row_is_bad(put, kept):
    content = "email,name\na@example.com,A\nb@example.com,B\n"

    refused = put("customers", content + "bad,C\n", all_or_nothing=True)
    whole = put("customers", content, all_or_nothing=True)

    assert (refused["status"], counts(refused), errors(refused)) == (
        "refused", {"skipped": 2, "refused": 1}, [(4, "email", "email", "bad")])
    assert (whole["status"], counts(whole)) == ("done", {"created": 2})
    assert len(kept("customers")) == 2


def test_a_file_of_bad_rows_only_is_refused(put):
    assert put("customers", "email\nbad\nworse\n")["status"] == "refused"


def test_create_refuses_what_is_there_and_update_what_is_not(put, kept):
    put("customers", "email,name\na@example.com,A\n")

    created = put("customers", "email,name\na@example.com,X\nb@example.com,B\n", mode="create")
    updated = put("customers", "email,name\na@example.com,Y\nc@example.com,C\n", mode="update")

    assert (counts(created), counts(updated)) == ({"created": 1, "refused": 1}, {"updated": 1, "refused": 1})
    assert updated["errors"][0]["row"] == 3
    assert updated["errors"][0]["message"]
    assert [(row["email"], row["name"]) for row in kept("customers")] == [("a@example.com", "Y"), ("b@example.com", "B")]


def test_a_blank_cell_leaves_the_value_there_is(put, kept):
    put("customers", "email,name,company\na@example.com,Ada,Acme\n")

    assert counts(put("customers", "email,name,company\na@example.com,,New\n")) == {"updated": 1}
    assert (kept("customers")[0]["name"], kept("customers")[0]["company"]) == ("Ada", "New")


def test_a_blank_key_is_refused_rather_than_doubled(put, kept):
    report = put("customers", "email,name\n,Ada\n")

    assert errors(report) == [(2, "email", "email", "")]
    assert kept("customers") == []


def test_another_key_finds_records_too(put, kept):
    put("customers", "email,name,customer id\na@example.com,Ada,c-1\n")

    report = put("customers", "customer id,email\nc-1,new@example.com\n", key="external_id")

    assert counts(report) == {"updated": 1}
    assert kept("customers")[0]["email"] == "new@example.com"


def test_columns_can_be_matched_by_hand_and_left_out(put, kept):
    report = put("customers", "Kontakt,Name,Wer\na@example.com,ignored,Ada\n", columns={"Kontakt": "email", "Name": "", "Wer": "name"})

    assert counts(report) == {"created": 1}
    assert kept("customers")[0]["name"] == "Ada"


@pytest.mark.parametrize(("wishes", "sentence"), [
    ({"columns": {"Nowhere": "email"}}, "no column 'Nowhere'"), ({"columns": {"email": "shoe_size"}}, "no field 'shoe_size'"),
    ({"key": "name"}, "cannot be found by 'name'"), ({"columns": {"email": ""}}, "records cannot be found")])
def test_wishes_that_cannot_be_followed_are_sentences(put, wishes, sentence):
    with pytest.raises(BadRequest) as problem:
        put("customers", "email,name\na@example.com,A\n", **wishes)

    assert sentence in problem.value.detail


def test_a_file_that_cannot_be_read_is_refused_with_one_sentence(put, tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 not a workbook")

    report = import_file(path, "customers", Wishes(), by=COMMAND_LINE)

    assert (report["status"], report["rows"], len(report["errors"])) == ("refused", 0, 1)
    assert "damaged" in report["errors"][0]["message"]


def test_headings_without_rows_are_refused(put):
    assert put("customers", "email,name\n")["status"] == "refused"


def test_rights_are_asked_before_anything_is_kept(put, kept):
    viewer = Actor("staff", "Vera", 7, ("*.read",))

    with pytest.raises(Forbidden):
        put("customers", "email\na@example.com\n", by=viewer)

    assert db.session.scalar(select(func.count()).select_from(Import)) == 0


def test_a_field_one_may_not_read_is_no_target(put, kept):
    operator = Actor("staff", "Olaf", 8, ("customers.read", "customers.create", "customers.edit", "customers.import"))

    report = put("customers", "email,phone\na@example.com,+49 30 1234\n", by=operator)

    assert counts(report) == {"created": 1}
    assert kept("customers")[0]["phone"] is None


def test_who_may_create_but_not_change_is_refused_by_row(put, kept):
    put("customers", "email,name\na@example.com,A\n")
    clerk = Actor("staff", "Carl", 9, ("customers.read", "customers.create", "customers.import"))

    report = put("customers", "email,name\na@example.com,X\nb@example.com,B\n", by=clerk)

    assert counts(report) == {"created": 1, "refused": 1}
    assert report["errors"][0]["row"] == 2
    assert kept("customers")[0]["name"] == "A"


def test_a_record_in_the_trash_is_refused_with_the_cure(put, kept):
    put("customers", "email,name\na@example.com,A\n")
    with transaction() as session:
        apply(session, [Change("customers", {"trashed_at": datetime.now(UTC)}, key={"id": kept("customers")[0]["id"]})],
              Source(Door.FORM, COMMAND_LINE))

    report = put("customers", "email,name\na@example.com,X\n")

    assert counts(report) == {"refused": 1}
    assert "trash" in report["errors"][0]["message"]


def test_an_outside_id_finds_its_record_whatever_its_account(put, kept):
    with transaction() as session:
        apply(session, [Change("payments", {"amount_minor": 500, "currency": "EUR", "status": "paid"}, key={"external_id": "pi_1"})],
              Source(Door.EVENT, COMMAND_LINE, account="stripe"))

    report = put("payments", "Payment ID,Amount,Currency,Status\npi_1,5.00,EUR,paid\n")

    assert counts(report) == {"unchanged": 1}
    assert len(kept("payments")) == 1


