"""The file of refused rows: as the upload was, safe to open, and read alike when it comes back. Skipped rows are told apart."""
import csv
import io
from datetime import date

import openpyxl
import pytest

from app.audit import COMMAND_LINE
from app.extensions import db
from app.imports import match, refused, run
from app.imports.choices import Choices
from app.imports.columns import view
from app.imports.refused import said
from app.imports.upload import upload
from app.records import batches
from app.records.batches import REFUSED
from tests.imports.flow import batch_of, change, confirmed, fresh
from tests.imports.test_pages import columns, send, shown

pytestmark = pytest.mark.alike
KINDS = "Email;Name;Note\nnobody;\"a;b\";=1+2\nada@example.com;Ada;\nno,where;'=x;#REF!\nshort\nx;y;z;more\n"


@pytest.fixture
def planned(app, drain):
    """An import of these bytes, at its preview."""
    def make(content: bytes, name: str = "a.csv", key: str = "email") -> int:
        import_id = upload(io.BytesIO(content), name, "customers", by=COMMAND_LINE)
        drain()
        confirmed(import_id, key=key)
        drain()
        return import_id
    return make


def written(import_id: int) -> bytes:
    file = io.BytesIO()
    refused.write(fresh(import_id), batch_of(import_id), file)
    return file.getvalue()


def told(import_id: int) -> list[list[tuple[str, str]]]:
    """What is wrong with the cells of each refused row."""
    rows = batches.page(db.session(), batch_of(import_id), REFUSED)
    return [[one for one in said(fresh(import_id), row) if one[0]] for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_a_csv_keeps_its_delimiter_and_its_cells(planned, encoding):
    content = written(planned(KINDS.replace("Ada", "Ädä").replace("a;b", "ä;b").encode(encoding)))

    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
    assert rows[0] == ["Email", "Name", "Note", "What to mend"]
    assert [row[:3] for row in rows[1:]] == [
        ["nobody", "ä;b", "'=1+2"], ["no,where", "'=x", "#REF!"], ["short", "", ""], ["x", "y", "z"]]
    assert rows[4][4:] == ["more"]


def test_uploaded_again_it_is_read_and_refused_alike(planned):
    first = planned(KINDS.encode())
    second = planned(written(first))
    third = planned(written(second))

    assert fresh(second).about["delimiter"] == ";"
    assert (batch_of(first).plans, told(first)) == (batch_of(second).plans | {"created": 1}, told(second))
    assert written(second) == written(third)


def test_a_match_made_by_hand_holds_for_the_file_that_comes_back(app, drain):
    first = upload(io.BytesIO(b"Contact;Who\nnobody;Ada\nbob@example.com;Bob\n"), "a.csv", "customers", by=COMMAND_LINE)
    drain()
    match.match(first, Choices(["email", "company"], key="email"), by=COMMAND_LINE)
    drain()
    run.run(first, False, by=COMMAND_LINE)
    drain()

    second = upload(io.BytesIO(written(first)), "a.csv", "customers", by=COMMAND_LINE)
    drain()

    assert [(column["field"], column["sure"]) for column in fresh(second).columns] == [
        ("email", "certain"), ("company", "certain"), (None, "ours")]


AMBIGUOUS = "Number;Customer;Total;Currency;Placed\nA1;ada@example.com;1.250;EUR;05/06/2026\nA2;nobody;2.500;EUR;07/06/2026\n"


def test_how_numbers_and_days_are_written_holds_for_the_file_that_comes_back(app, drain):
    change("ada@example.com", name="Ada")
    first = upload(io.BytesIO(AMBIGUOUS.encode()), "a.csv", "orders", by=COMMAND_LINE)
    drain()
    fields = ["number", "customer", "total", "currency", "placed_at"]
    match.match(first, Choices(fields, key="number", decimal=".", day_first=False), by=COMMAND_LINE)
    drain()
    assert batch_of(first).plans == {"created": 1, "invalid": 1}

    second = upload(io.BytesIO(written(first)), "a.csv", "orders", by=COMMAND_LINE)
    drain()

    page = view(fresh(second), batch_of(second), COMMAND_LINE)
    assert (page.decimal, page.day_first) == (".", False), "1.250 alone would suggest a decimal comma"
    match.match(second, Choices(fields + [None], key="number"), by=COMMAND_LINE)
    assert (batch_of(second).decimal, batch_of(second).day_first) == (".", False)


def test_what_the_values_prove_goes_before_what_was_chosen_for_another_file(app, drain):
    first = upload(io.BytesIO(AMBIGUOUS.encode()), "a.csv", "orders", by=COMMAND_LINE)
    drain()
    match.match(first, Choices(["number", "customer", "total", "currency", "placed_at"], key="number", decimal=".", day_first=False),
                by=COMMAND_LINE)
    drain()

    second = upload(io.BytesIO(AMBIGUOUS.replace("1.250", "1.250,00").replace("07/06", "27/06").encode()), "a.csv", "orders", by=COMMAND_LINE)
    drain()

    page = view(fresh(second), batch_of(second), COMMAND_LINE)
    assert (page.decimal, page.day_first) == (",", True)


def test_a_workbook_keeps_numbers_days_and_errors_and_says_that_a_formula_has_no_value(planned):
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in (["Email", "Name", "Note", "Company"], ["nobody", 12.5, date(2026, 5, 31), "=A1"], ["no", "=1+2", "#N/A", True]):
        book.worksheets[0].append(row)
    book.worksheets[0]["B3"].data_type = "s"
    book.save(file)

    again = openpyxl.load_workbook(io.BytesIO(written(planned(file.getvalue(), "a.xlsx")))).worksheets[0]

    cells = [[cell.value for cell in row[:4]] for row in again.iter_rows(min_row=2)]
    assert [str(value) for value in cells[0]] == ["nobody", "12.5", "2026-05-31 00:00:00", "#N/A"]
    assert cells[1] == ["no", "=1+2", "#N/A", True]
    assert (again["C2"].data_type, again["D2"].data_type, again["B3"].data_type) == ("d", "e", "s")


def test_refused_and_skipped_rows_are_counted_apart_wherever_they_are_named(sign_in, drain):
    client = sign_in("operator")
    url = send(client, "Email,Name,Country\nada@example.com,Ada,DE\nada@example.com,Ida,DE\nbad,B,DE\nworse,W,DE\n").location
    drain()
    columns(client, url)
    drain()

    preview, skipped = shown(client.get(url)), shown(client.get(f"{url}?rows=skipped"))
    client.post(f"{url}/run", data={"all": "0"})
    drain()
    result = shown(client.get(url))

    for words in ("2 refused rows as a file", "2 rows are refused and can be mended later. 1 row repeats one before it and is skipped.",
                  "Refused 2", "Skipped 1"):
        assert words in preview
    assert "3 ada@example.com Ida DE This is the same record as row 2. Only the first one counts." in skipped
    for words in ("2 rows were refused", "1 row repeats one before it and was skipped", "2 refused rows as a file", "Skipped 1"):
        assert words in result
    assert client.get(f"{url}/refused").get_data().count(b"\r\n") == 3


def test_a_result_without_refusals_still_tells_of_skipped_rows(sign_in, drain):
    client = sign_in("operator")
    url = send(client, "Email,Name,Country\nada@example.com,Ada,DE\nada@example.com,Ida,DE\n").location
    drain()
    columns(client, url)
    drain()
    client.post(f"{url}/run", data={"all": "0"})
    drain()

    page = client.get(url)

    assert "1 row repeats one before it and was skipped" in shown(page)
    assert f'href="{url}?rows=skipped"' in page.text
