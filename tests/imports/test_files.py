"""Files as people have them, through the steps of an import: what is told about them, and what a person can choose."""
import io
import re

import openpyxl
import pytest
from sqlalchemy import select

from app.audit import COMMAND_LINE
from app.extensions import db
from app.files.cells import Cell
from app.files.limits import Limits
from app.imports import read, run
from app.imports.models import Import
from app.imports.totals import by_sum, by_word
from app.imports.upload import upload
from tests.files.legacy import Sheet, xls
from tests.files.made import book
from tests.imports.flow import batch_of, confirmed, fresh, names, sent
from tests.imports.test_command import counts
from tests.imports.test_pages import columns

pytestmark = pytest.mark.alike
ORDERS = "order number;customer email;total;currency\n1;;5,00;EUR\n2;;6,50;EUR\n"
FIELDS = {"key": "number", "field-0": "number", "field-1": "", "field-2": "total", "field-3": "currency"}


@pytest.fixture
def page(sign_in, drain):
    """Upload a file as an operator and come to its next page: `page(b"…", "a.csv")`; gives (client, address, text)."""
    client = sign_in("operator")

    def come(content: bytes, name: str, resource: str = "customers"):
        answer = client.post("/imports", data={"resource": resource, "file": (io.BytesIO(content), name)}, content_type="multipart/form-data")
        assert answer.status_code == 303, answer.text
        drain()
        return client, answer.location, client.get(answer.location).text
    return come


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_total_at_the_end_is_left_out_with_its_reason(put, kept):
    report = put("orders", ORDERS + "Summe;;11,50;\n")

    assert counts(report) == {"created": 2, "skipped": 1}
    assert report["skips"] == [{"row": 4, "message": "This looks like a total: it begins with “Summe”. It is left out, unless you "
                                                     "choose otherwise beside the columns."}]


def test_a_row_of_sums_is_left_out_and_told_by_the_sum(put):
    report = put("orders", ORDERS + ";;11,50;\n")

    assert counts(report) == {"created": 2, "skipped": 1}
    assert "11,50 is the sum of the rows above" in report["skips"][0]["message"]


def test_a_person_can_take_a_total_for_a_row_after_all(page, drain):
    client, address, match = page((ORDERS + "Total;;11,50;\n").encode(), "june.csv", "orders")
    assert "Row 4, which looks like a total, is" in match

    columns(client, address, **FIELDS)
    drain()
    assert "1 row is left out" in words(client.get(address).text)
    assert "it begins with “Total”" in client.get(f"{address}?rows=skipped").text

    columns(client, address, **FIELDS, totals="1")
    drain()
    assert "left out" not in words(client.get(address).text)
    assert "Import 3 rows" in client.get(address).text


@pytest.mark.parametrize("last", [
    [(2, ["1", "Ada", "5"]), (3, ["Total", "total@example.com", "7"])], [(2, ["Total", None, 5])], [(2, ["a", 1, 2]), (3, ["Total", "x"])],
    [(2, ["a", 1, 2]), (3, ["Totally", 5])], [(2, ["a", 1, 2]), (3, ["Total"])]])
def test_what_only_begins_like_a_total_is_a_row(last):
    assert by_word(last) == {}


@pytest.mark.parametrize(("row", "is_total"), [([None, 11, None], True), ([None, 12, None], False), ([3, 11, None], False), ([None, "11,00", None], True)])
def test_sums_are_compared_exactly(row: list[Cell], is_total: bool) -> None:
    above: list[list[Cell]] = [["a", 5, "x"], ["b", "6", "y"]]

    assert bool(by_sum([(2, above[0]), (3, above[1]), (4, row)], above)) == is_total


def test_an_old_workbook_is_imported_like_any_other(app, page, drain, tmp_path):
    path = xls(tmp_path / "a", {"Secret": Sheet([["x"]], hidden=1), "People": Sheet([["email", "name"], ["a@example.com", "Ada"]])})
    client, address, match = page(path.read_bytes(), "people.xls")
    assert "sheet “People”" in match
    assert '<option value="Secret">Secret (hidden)</option>' in match

    columns(client, address)
    drain()
    client.post(f"{address}/run", data={"all": "0"})
    drain()

    assert names() == ["Ada"]


def test_hidden_rows_merged_cells_and_a_name_that_is_wrong_are_told(page):
    book, file = openpyxl.Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    for row in (["email", "company"], ["a@example.com", "Analytical"], ["b@example.com", None], ["c@example.com", "Other"]):
        sheet.append(row)
    sheet.merge_cells("B2:B3")
    sheet.row_dimensions[4].hidden = True
    sheet.column_dimensions["B"].hidden = True
    book.save(file)

    text = words(page(file.getvalue(), "people.csv")[2])

    assert "It is called .csv, but is XLSX, and was read as that." in text
    assert "1 row is hidden in the file, by hand or by a filter. It is read like the others." in text
    assert "1 row took a value from a cell merged down from above." in text
    assert "Hidden in the file" in text


def test_letters_that_are_a_guess_are_shown_and_can_be_read_in_another_way(page, drain):
    client, address, match = page("email,name\na@example.com,Dvořák\n".encode("cp1250"), "people.csv")
    assert "The letters are read as Western (Windows)" in match
    assert "Central European (Windows): Dvořák" in match

    client.post(f"{address}/read", data={"encoding": "cp1250"})
    drain()

    assert "The letters are read as Central European (Windows)" in client.get(address).text
    assert fresh(int(address.rpartition("/")[2])).columns[1]["samples"] == ["Dvořák"]


def test_a_file_that_is_plainly_utf8_is_not_asked_about(page):
    assert "letters are read as" not in page("email,name\na@example.com,Dvořák\n".encode(), "people.csv")[2]


def test_a_workbook_that_kills_its_reader_costs_one_import(app, drain, monkeypatch, tmp_path):
    """Two cells in the corners of a sheet: the reader asks for all between them, and dies of it. The next file is read."""
    path = xls(tmp_path / "a", {"A": Sheet([["email"], *[[]] * 65_534, [*[None] * 255, "far"]])})
    monkeypatch.setattr(read, "LIMITS", Limits(memory=250 * 2**20))
    with path.open("rb") as file:
        killed = upload(file, "a.xls", "customers", by=COMMAND_LINE)
    drain()
    good = sent("email,name\na@example.com,Ada\n")
    drain()

    assert (fresh(killed).stage, fresh(killed).batch_id and batch_of(killed).rows) == ("unreadable", 0)
    assert "gave up" in (fresh(killed).problem or "")
    confirmed(good)
    drain()
    run.run(good, False, by=COMMAND_LINE)
    drain()
    assert names() == ["Ada"]


def test_no_upload_gives_more_than_a_page_and_nothing_half_applied(app, sign_in, drain, tmp_path):
    """What is refused at once shows the form again; all else is kept, read by a worker, and readable or not, writes nothing."""
    client = sign_in("operator")
    whole = book(rows=[["email", "name"], ["a@example.com", "Ada"]])(tmp_path / "a").read_bytes()
    for name, content in {"a.csv": b"", "b.csv": b"\0" * 99, "c.xlsx": whole[:900], "d.xlsx": whole[:-30], "e.xlsx": whole.replace(b"<", b">"),
                          "f.xls": whole, "g.csv": b'email,name\n"a', "h.ods": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 600,
                          "i.csv": bytes(range(256)) * 4, "\0\n/../j.csv": b"email\n" + b"\xff\xfe" * 40}.items():
        answer = client.post("/imports", data={"resource": "customers", "file": (io.BytesIO(content), name)}, content_type="multipart/form-data")
        assert answer.status_code in (303, 422), name
    drain()

    for found in db.session.scalars(select(Import)):
        assert client.get(f"/imports/{found.id}").status_code == 200, found.file_name
        assert found.stage == "match" or found.stage == "unreadable" and (found.problem or "").endswith("."), found.file_name
    assert names() == []


def test_letters_that_cannot_be_read_are_counted(page):
    text = page(("email,name\n" + "a@example.com,Zoë\n" * 5).encode() + b"b@example.com,Jos\xe9\n", "people.csv")[2]

    assert "1 cell has letters that cannot be read" in text
