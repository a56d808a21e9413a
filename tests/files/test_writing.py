"""Files we write: read back by other programs, harmless, and flat in memory."""
import csv
import io
import json
from datetime import date
from decimal import Decimal

import openpyxl
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.files import writing
from app.files.guard import defuse, restore, shield
from app.files.writing import Value, csv_writer, jsonl_writer, xlsx_writer
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
