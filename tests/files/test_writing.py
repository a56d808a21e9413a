"""Files we write: read back by other programs, harmless, and flat in memory."""
import csv
import io
import json
from datetime import date, datetime, timedelta
from decimal import Decimal

import openpyxl
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.files import writing
from app.files.guard import defuse, restore, shield
from app.files.writing import Fault, Value, csv_writer, jsonl_writer, xlsx_writer
from tests.files.making import everything

TEXT = st.text(max_size=40) | st.sampled_from(["=1", "'=1", "''=", "+1", "+49 30", "-", "@a", "\tx", "\r", "#N/A", "'#N/A", "'"])


@given(TEXT)
def test_the_guard_is_undone_exactly(text):
    assert restore(defuse(text)) == restore(shield(text)) == text


@given(TEXT)
def test_guarded_text_never_begins_like_a_formula(text):
    guarded = defuse(text)

    assert not guarded.startswith(("=", "@", "\t", "\r", "\n"))
    assert not guarded.startswith(("+", "-")) or not any(sign in guarded[1:] for sign in "+-*/^&=!\"'")


@pytest.mark.parametrize("text", ["-5", "+49 30 1234", "-1,284.50", "+1 (555) 123", "plain", "", "01067", "a=b", "x-y"])
def test_what_is_harmless_stays_as_it_is(text):
    assert defuse(text) == text


@pytest.mark.parametrize("text", ["=1+2", "+1+2", "-2+3", "@SUM(A1)", "=cmd|' /C calc'!A0", "+1*1", "-A1", "\t=1", "+49-30-12"])
def test_what_a_spreadsheet_would_run_gets_a_quote(text):
    assert defuse(text) == f"'{text}"


def test_a_csv_has_the_mark_excel_needs_and_keeps_numbers(tmp_path):
    file = io.BytesIO()

    count = csv_writer(file, ["a", "b", "c"], [["x;y", Decimal("-5.50"), None], ['say "hi"', 7, "=1"]])

    assert count == 2
    assert file.getvalue() == b'\xef\xbb\xbfa,b,c\r\nx;y,-5.50,\r\n"say ""hi""",7,\'=1\r\n'


def test_an_xlsx_is_read_alike_by_openpyxl_and_by_us(tmp_path):
    rows: list[list[Value]] = [["=1+2", 5, Decimal("12.50"), date(2026, 5, 31), True, None, "0012"], ["<&>\"'", -1, 0, date(1800, 1, 1), False, "x", " y "]]
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file:
        xlsx_writer(file, "Orders & [co]", list("abcdefg"), rows)

    book = openpyxl.load_workbook(path)
    about, ours = everything(path)

    assert [list(row) for row in book.worksheets[0].iter_rows(min_row=2, values_only=True)] == [
        ["=1+2", 5, 12.5, book.worksheets[0]["D2"].value, True, None, "0012"], ["<&>\"'", -1, 0, "1800-01-01", False, "x", " y "]]
    assert str(book.worksheets[0]["D2"].value)[:10] == "2026-05-31"
    assert (book.sheetnames, about.headers) == (["Orders & co"], tuple("abcdefg"))
    assert ours == [(2, ["=1+2", 5, 12.5, {"d": "2026-05-31"}, True, None, "0012"]), (3, ["<&>\"'", -1, 0, "1800-01-01", False, "x", " y "])]


def test_days_moments_and_amounts_of_a_workbook_have_a_format_of_their_kind(tmp_path):
    path = tmp_path / "a.xlsx"
    row: list[Value] = [date(2026, 5, 31), datetime(2026, 5, 31, 14, 30), datetime(2026, 5, 31, 14, 30, 5), Decimal("12.50"),  # noqa: DTZ001
                        Decimal("1500"), Decimal("1.234"), 7, Decimal("12345678901234.56")]
    with path.open("wb") as file:
        xlsx_writer(file, "S", list("abcdefgh"), [row])

    cells = openpyxl.load_workbook(path).worksheets[0][2]

    assert [cell.number_format for cell in cells] == [
        "yyyy-mm-dd", "yyyy-mm-dd hh:mm", "yyyy-mm-dd hh:mm:ss", "#,##0.00", "#,##0", "#,##0.000", "General", "General"]
    assert [cell.data_type for cell in cells] == ["d", "d", "d", "n", "n", "n", "n", "s"]
    assert everything(path)[1] == [(2, [{"d": "2026-05-31"}, {"t": "2026-05-31 14:30:00"}, {"t": "2026-05-31 14:30:05"}, 12.5, 1500, 1.234, 7,
                                        "12345678901234.56"])]


@settings(max_examples=10, deadline=None)
@given(st.lists(st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 31)), min_size=1, max_size=300))  # noqa: DTZ001
def test_every_second_reads_back_as_it_was(tmp_path_factory, moments):
    path = tmp_path_factory.mktemp("moments") / "a.xlsx"
    exact = [moment.replace(microsecond=0, second=moment.second or 1) for moment in moments]
    with path.open("wb") as file:
        xlsx_writer(file, "S", ["at"], ([moment] for moment in exact))

    assert [cells[0] for _, cells in everything(path)[1]] == [{"t": str(moment)} for moment in exact]


def test_what_a_workbook_cannot_say_as_a_moment_is_text(tmp_path):
    path = tmp_path / "a.xlsx"
    fine, early = datetime(2026, 5, 31, 14, 30) + timedelta(microseconds=1), datetime(1800, 1, 1, 12)  # noqa: DTZ001
    with path.open("wb") as file:
        xlsx_writer(file, "S", ["at"], [[fine], [early]])

    assert [cells[0] for _, cells in everything(path)[1]] == [str(fine), str(early)]


def test_an_error_is_written_as_an_error_and_headings_are_harmless_too(tmp_path):
    path, text = tmp_path / "a.xlsx", io.BytesIO()
    with path.open("wb") as file:
        xlsx_writer(file, "S", ["=a"], [[Fault("#N/A")], ["#N/A"]])
    csv_writer(text, ["=a", "b"], [[Fault("#N/A"), "x"]], ";")

    about, rows = everything(path)

    assert (about.headers, rows) == (("=a",), [(2, [{"e": "#N/A"}]), (3, ["'#N/A"])])
    assert text.getvalue() == b"\xef\xbb\xbf'=a;b\r\n#N/A;x\r\n"


def test_characters_that_xml_cannot_say_cost_only_themselves(tmp_path):
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file:
        xlsx_writer(file, "S", ["text"], [["a\x00b\x07c"], ["_x000D_"], ["two\nlines"]])

    assert [cells[0] for _, cells in everything(path)[1]] == ["abc", "_x000D_", "two\nlines"]


def test_a_number_with_more_than_fifteen_digits_is_written_as_text(tmp_path):
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file:
        xlsx_writer(file, "S", ["id"], [[10**17 + 1]])

    assert everything(path)[1] == [(2, ["100000000000000001"])]


def test_a_full_sheet_goes_on_in_another(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "LAST_ROW", 4)
    path = tmp_path / "a.xlsx"
    with path.open("wb") as file:
        count = xlsx_writer(file, "Orders", ["n"], ([n] for n in range(7)))

    book = openpyxl.load_workbook(path)
    assert (count, book.sheetnames) == (7, ["Orders", "Orders 2", "Orders 3"])
    assert [[cell for (cell,) in sheet.iter_rows(values_only=True)] for sheet in book] == [["n", 0, 1, 2], ["n", 3, 4, 5], ["n", 6]]


def test_a_list_without_rows_is_a_file_with_headings(tmp_path):
    for write in (lambda file: csv_writer(file, ["a"], []), lambda file: xlsx_writer(file, "S", ["a"], [])):
        file = io.BytesIO()
        assert write(file) == 0
        assert file.getvalue()


def test_json_lines_are_one_object_each():
    file = io.BytesIO()

    jsonl_writer(file, [{"a": "ü", "b": None}, {"a": Decimal("1.50")}])

    assert [json.loads(line) for line in file.getvalue().splitlines()] == [{"a": "ü", "b": None}, {"a": "1.50"}]


def test_memory_stays_flat_however_many_rows(tmp_path):
    process = psutil.Process()
    row: list[Value] = ["some text", 5, Decimal("1.50"), "more text"]
    before = process.memory_info().rss

    with (tmp_path / "a.xlsx").open("wb") as file:
        xlsx_writer(file, "S", list("abcd"), (row for _ in range(60_000)))

    assert process.memory_info().rss - before < 30 * 2**20


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=10), min_size=2, max_size=2), max_size=5))
def test_a_csv_reads_back_cell_by_cell(rows):
    file = io.BytesIO()

    csv_writer(file, ["a", "b"], rows)

    found = list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline="")))
    assert [[restore(cell) for cell in row] for row in found[1:]] == rows
