"""Rows mended in the preview: a cell, a column, a workbook that comes back; only they are planned again, and nobody's work is lost."""
import io

import openpyxl
import pytest
from sqlalchemy import select

from app.audit import COMMAND_LINE
from app.errors import Conflict
from app.extensions import db
from app.imports import mended, mending, replacing, run, workbook
from app.imports.matching import EDITION
from app.imports.replacing import Wish
from app.records.batches import rows_table
from tests.imports.flow import batch_of, change, fresh, names
from tests.imports.test_pages import BAD, columns, send, shown

REPEATS = "email,name\na@example.com,A\nb@example.com,B\na@example.com,C\nb@example.com,D\n"


def outcomes(import_id: int) -> list[str]:
    batch = batch_of(import_id)
    return list(db.session.scalars(select(rows_table.c.outcome).where(rows_table.c.batch_id == batch.id).order_by(rows_table.c.number)))


def row(import_id: int, number: int):
    return mending.one(db.session(), batch_of(import_id), number)


def planned_anew(import_id: int) -> list[str]:
    mending.all_again(import_id, by=COMMAND_LINE)
    return outcomes(import_id)


def test_a_mended_cell_is_planned_and_no_other_row(previewed):
    id = previewed("email,name\nnobody,A\nb@example.com,B\n")
    change("b@example.com", name="New")

    mending.mend(id, 2, {0: "a@example.com"}, 0, by=COMMAND_LINE)

    assert outcomes(id) == ["created", "created"], "row 3 keeps its plan, though its record is there by now"
    assert (row(id, 2).edition, row(id, 2).mended_by, row(id, 3).edition) == (1, "command line", 0)
    assert planned_anew(id) == ["created", "updated"]


def test_of_two_who_mend_the_same_row_the_second_is_told(previewed):
    id = previewed("email,name\nnobody,A\n")
    mending.mend(id, 2, {0: "first@example.com"}, 0, by=COMMAND_LINE)

    with pytest.raises(Conflict, match="changed row 2 since you opened it"):
        mending.mend(id, 2, {0: "second@example.com"}, 0, by=COMMAND_LINE)

    assert row(id, 2).cells[0] == "first@example.com"


@pytest.mark.parametrize(("number", "said", "wanted"), [
    (2, {0: "z@example.com"}, ["created", "created", "created", "repeated"]),
    (3, {0: "a@example.com"}, ["created", "repeated", "repeated", "created"]),
    (4, {0: "z@example.com"}, ["created", "created", "created", "repeated"]),
    (2, {0: "b@example.com"}, ["created", "repeated", "created", "repeated"])])
def test_rows_that_mean_the_same_record_are_planned_again_with_it(previewed, number, said, wanted):
    id = previewed(REPEATS)
    assert outcomes(id) == ["created", "created", "repeated", "repeated"]

    mending.mend(id, number, said, 0, by=COMMAND_LINE)

    assert outcomes(id) == wanted
    assert sum(batch_of(id).plans.values()) == 4
    assert planned_anew(id) == wanted


def test_a_row_is_left_out_and_taken_in_again(previewed):
    id = previewed(REPEATS)

    mending.leave(id, 2, True, 0, by=COMMAND_LINE)
    assert outcomes(id) == ["skipped", "created", "created", "repeated"]
    assert row(id, 2).errors == {"": "Left out by command line."}
    assert planned_anew(id) == ["skipped", "created", "created", "repeated"]

    mending.leave(id, 2, False, 1, by=COMMAND_LINE)
    assert outcomes(id) == ["created", "created", "repeated", "repeated"]


def test_many_rows_are_replaced_and_planned_by_a_job(previewed, drain, monkeypatch):
    monkeypatch.setattr(replacing, "AT_ONCE", 1)
    id = previewed("email,name,country\na@example.com,A,Germany\nb@example.com,B,germany\nc@example.com,C,West Germany\n")
    assert outcomes(id) == ["invalid"] * 3

    assert replacing.replace(id, Wish(2, "germany", "DE", is_whole=True), by=COMMAND_LINE) is None
    with pytest.raises(Conflict, match="being worked out"):
        mending.mend(id, 2, {1: "X"}, 0, by=COMMAND_LINE)
    drain()

    assert outcomes(id) == ["created", "created", "invalid"]
    assert [row(id, number).edition for number in (2, 3, 4)] == [1, 1, 0]


@pytest.mark.parametrize(("wish", "wanted"), [
    (Wish(2, "german", "x"), 3), (Wish(2, "German", "x", has_case=True), 2), (Wish(2, "germany", "DE", is_whole=True), 2),
    (Wish(2, "Germany", "DE", is_whole=True, has_case=True), 1), (Wish(2, "", "DE", is_whole=True), 1), (Wish(2, "", "DE"), 0),
    (Wish(2, ".", "x"), 0), (Wish(2, "Germany", r"\g<0>", is_whole=True), 2)])
def test_what_would_be_replaced_is_counted_before(previewed, wish, wanted):
    id = previewed("email,name,country\na@example.com,A,Germany\nb@example.com,B,germany\nc@example.com,C,West Germany\nd@example.com,D,\n")

    found = replacing.count(db.session(), batch_of(id), wish)

    assert (found.rows, found.is_capped) == (wanted, False)
    assert all(new == wish.put for _, _, new in found.samples) or not wish.is_whole


def taken(import_id: int):
    file = io.BytesIO()
    workbook.write(fresh(import_id), batch_of(import_id), file)
    file.seek(0)
    return openpyxl.load_workbook(file)


def put(import_id: int, book, drain):
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    mended.take(import_id, file, by=COMMAND_LINE)
    drain()
    return fresh(import_id).about["mended"]


def test_refused_rows_go_out_as_a_marked_workbook_and_come_back_into_the_same_import(previewed, drain):
    id = previewed("email,name,country\nnobody,=1+2,DE\nb@example.com,B,FR\nc@example.com,C,France\n")
    book = taken(id)
    sheet = book.worksheets[0]

    assert [cell.value for cell in sheet[1]] == [f"Row of import {id}", "email", "name", "country", "What to mend", EDITION]
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == [2, 4]
    assert sheet["B2"].comment.text.startswith("This is not an e-mail address")
    assert (sheet["B2"].fill.fgColor.rgb, sheet["D2"].comment, sheet.column_dimensions["F"].hidden) == ("FFF4CCCC", None, True)
    assert (sheet["C2"].value, sheet["C2"].data_type) == ("=1+2", "s"), "text stays text"

    sheet["B2"], sheet["D3"] = "a@example.com", "FR"
    sheet["C2"].data_type = "s"
    assert put(id, book, drain) == {"mended": 2, "same": 0, "strange": [], "late": []}
    assert outcomes(id) == ["created"] * 3
    run.run(id, True, by=COMMAND_LINE)
    drain()
    assert names() == ["=1+2", "B", "C"]


def test_a_workbook_overwrites_no_row_that_was_mended_meanwhile_and_none_of_another_import(previewed, drain):
    id = previewed("email,name,country\nnobody,A,DE\nno,B,FR\n")
    book = taken(id)
    mending.mend(id, 2, {0: "here@example.com"}, 0, by=COMMAND_LINE)
    book.worksheets[0]["B2"], book.worksheets[0]["B3"] = "there@example.com", "b@example.com"
    book.worksheets[0].append([99, "x", "x", "x"])

    assert put(id, book, drain) == {"mended": 1, "same": 0, "strange": [99], "late": [2]}
    assert row(id, 2).cells[0] == "here@example.com"
    book.worksheets[0]["A1"] = "Row of import 4711"
    assert "not the workbook of this import" in put(id, book, drain)["problem"]
    assert outcomes(id) == ["created", "created"]


def test_a_row_is_mended_without_a_script_and_two_people_are_told(sign_in, drain):
    client = sign_in("operator")
    url = send(client, BAD).location
    drain()
    columns(client, url)
    drain()
    page = client.get(url)
    assert 'name="cell-0" value="nobody"' in page.text, shown(page)

    saved = client.post(f"{url}/rows/4", data={"cell-0": "eve@example.com", "edition": "0", "then": "next"})
    assert saved.location == f"{url}/rows/5", "the next refused row"
    assert "Row 4 is now: New" in shown(client.get(saved.location))

    mine = {"cell-0": "late@example.com", "was-0": "", "cell-1": "Eve of old", "was-1": "Eve of old"}
    late = client.post(f"{url}/rows/4", data={**mine, "edition": "0"})
    assert late.status_code == 409
    assert "Eve of old" not in late.text, "a field that was only shown is nobody's word"
    assert 'value="late@example.com"' in late.text
    assert "It says “eve@example.com” now." in late.text
    assert client.post(f"{url}/rows/4", data={"cell-0": "late@example.com", "edition": "1"}).status_code == 303

    counted = client.get(f"{url}/replace?column=2&find=turkey&put=TR&whole=1")
    assert "1 row would change" in shown(counted)
    assert "would change" not in client.get(f"{url}/replace?column=2&find=turkey&whole=1").text, "nothing is offered before one said what to put"
    assert "Make 1 cell blank" in client.get(f"{url}/replace?column=2&find=turkey&put=&whole=1").text
    changed = client.post(f"{url}/replace?of=turkey&was=", data={"column": "2", "find": "turkey", "put": "TR", "whole": "1"})
    assert "Something else was counted" in changed.text
    assert "turkey" in client.get(url).text.lower()
    client.post(f"{url}/replace?of=turkey&was=TR", data={"column": "2", "find": "turkey", "put": "TR", "whole": "1"})
    done = client.get(url)
    assert "Replaced in 1 row" in done.text
    assert "Import 4 rows" in done.text


def test_who_may_only_read_is_offered_no_mending(sign_in, drain, previewed):
    id = previewed("email,name\nnobody,A\n")
    client = sign_in("viewer")

    assert client.post(f"/imports/{id}/rows/2", data={"cell-0": "a@example.com", "edition": "0"}).status_code in (403, 404)
    assert row(id, 2).cells[0] == "nobody"
