"""XLSX workbooks: honest ones, odd ones, and ones made to do harm."""
import time
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl
import psutil
import pytest

from app.files.limits import BadFile, Limits, Options
from app.files.reading import read_rows
from app.files.workbook import _by_openpyxl
from tests.files.legacy import compound
from tests.files.making import everything, rewritten, sheet_of, text, workbook
from tests.files.opendocument import ods, row, words

SHEET = "xl/worksheets/sheet1.xml"


def test_values_arrive_with_the_type_they_had(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["id", "n", "price", "day", "at", "on"],
                                          ["007", 5, 5.5, date(2026, 5, 31), datetime(2026, 5, 31, 14, 30), True]])  # noqa: DTZ001

    about, rows = everything(path)

    assert (about.format, about.sheet, about.sheets) == ("xlsx", "Orders", ("Orders",))
    assert rows == [(2, ["007", 5, 5.5, {"d": "2026-05-31"}, {"t": "2026-05-31 14:30:00"}, True])]


def test_both_readers_say_the_same(tmp_path):
    rows: list[list[Any]] = [["id", "n", "x", "day"], ["007", 5, 5.25, date(2026, 5, 31)], ["ü", -3, 1e-7, None], [None, None, None, None], ["z", 0, 0.5]]
    path = workbook(tmp_path / "a.xlsx", rows)

    _, fast = everything(path)
    *_, slow = _by_openpyxl(path, Options(), Limits())

    kept = [(number, cells) for number, cells in slow if any(cell is not None for cell in cells)][1:]
    assert [(n, [c for c in cells if c is not None]) for n, cells in fast] == [
        (n, [{"d": c["t"][:10]} if isinstance(c, dict) else c for c in cells if c is not None]) for n, cells in kept]


def test_a_sheet_that_begins_further_down_and_right_keeps_its_row_numbers(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for place, value in (("B4", "id"), ("C4", "name"), ("B5", 1), ("C5", "Ada"), ("B7", 2), ("C7", "Bob")):
        sheet[place] = value
    book.save(path)

    about, rows = everything(path)

    assert (about.header_row, about.headers) == (4, ("Column A", "id", "name"))
    assert rows == [(5, [None, 1, "Ada"]), (7, [None, 2, "Bob"])]


def test_the_first_visible_sheet_is_read_and_hidden_ones_are_offered_last(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["id", "name"], [1, "Ada"]], hidden=["Old", "Older"])

    about, rows = everything(path)

    assert (about.sheet, about.sheets, about.hidden, rows) == (
        "Orders", ("Orders", "Old", "Older"), ("Old", "Older"), [(2, [1, "Ada"])])
    assert everything(path, Options(sheet="Old"))[0].headers == ("secret", "figures")
    with pytest.raises(BadFile, match="no sheet called Oldest"):
        everything(path, Options(sheet="Oldest"))


def test_another_sheet_can_be_chosen(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.worksheets[0].append(["a", "b"])
    other = book.create_sheet("Juni")
    other.append(["c", "d"])
    other.append([1, 2])
    book.save(path)

    about, rows = everything(path, Options(sheet="Juni"))

    assert (about.sheets, about.headers, rows) == (("Sheet", "Juni"), ("c", "d"), [(2, [1, 2])])


def test_a_formula_without_a_stored_value_is_not_an_empty_cell(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.worksheets[0].append(["id", "price", "note"])
    other = book.create_sheet("Prices & more")
    for cells in (["id", "note", "price"], [1, "a", "=A2*2>1"], [2, None, 5], [3, "c", "=SUM(A2:A4)"]):
        other.append(cells)
    book.save(path)

    _, rows = everything(path, Options(sheet="Prices & more"))

    assert rows == [(2, [1, "a", {"f": "=A2*2>1"}]), (3, [2, None, 5]), (4, [3, "c", {"f": "=SUM(A2:A4)"}])]


@pytest.mark.parametrize(("cell", "value"), [
    ('<c r="B2"><f>A2</f><v>4</v></c>', 4), ('<c r="B2" t="str"><f>A2</f><v></v></c>', None), ('<c r="B2"><f>A2</f><v/></c>', {"f": "=A2"}),
    ('<c r="B2" s="1"><f t="shared" si="0"/></c>', {"f": "="}), ('<c r="B2"><f>A2&amp;"x"</f></c>', {"f": '=A2&"x"'})])
def test_a_formula_counts_as_its_value_if_it_has_one(tmp_path, cell, value):
    rows = ('<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><t>b</t></is></c></row>'
            f'<row r="2"><c r="A2"><v>1</v></c>{cell}</row>')
    path = rewritten(workbook(tmp_path / "a.xlsx", [["a"]]), {SHEET: sheet_of(rows)})

    [(_, cells)] = everything(path)[1]

    assert (cells + [None])[1] == value


def test_a_formula_is_seen_where_every_tag_has_a_prefix(tmp_path):
    rows = ('<x:row r="1"><x:c r="A1" t="inlineStr"><x:is><x:t>a</x:t></x:is></x:c><x:c r="B1" t="inlineStr"><x:is><x:t>b</x:t></x:is></x:c>'
            '</x:row><x:row r="2"><x:c r="A2"><x:v>1</x:v></x:c><x:c r="B2"><x:f>A2</x:f></x:c></x:row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    path = rewritten(workbook(tmp_path / "a.xlsx", [["a"]]), {
        SHEET: f'<x:worksheet xmlns:x="{main}"><x:sheetData>{rows}</x:sheetData></x:worksheet>'.encode()})

    assert everything(path)[1] == [(2, [1, {"f": "=A2"}])]


def test_a_row_may_be_wider_than_all_before_it_with_gaps(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a", "b"], [1, "#N/A"], ["", 2, None, None, "far"], [3, "#1"]])

    assert everything(path)[1] == [(2, [1, {"e": "#N/A"}]), (3, [None, 2, None, None, "far"]), (4, [3, "#1"])]


def test_a_formula_error_is_an_error_not_an_empty_cell(tmp_path):
    path = rewritten(workbook(tmp_path / "a.xlsx", [["id"], [1]]), {SHEET: sheet_of(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>total</t></is></c></row>'
        '<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>')})

    assert everything(path)[1] == [(2, [1, {"e": "#DIV/0!"}])]


def test_a_dimension_that_lies_costs_no_rows(tmp_path):
    cells = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"><v>1</v></c></row>' for n in range(2, 40))
    path = rewritten(workbook(tmp_path / "a.xlsx", [["id"]]), {SHEET: sheet_of(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c><c r="B1" t="inlineStr"><is><t>n</t></is></c></row>' + cells,
        '<dimension ref="A1:A2"/>')})

    assert len(everything(path)[1]) == 38
    assert len(list(_by_openpyxl(path, Options(), Limits())[3])) == 39


def test_a_dimension_that_claims_the_whole_sheet_costs_nothing(tmp_path):
    path = rewritten(workbook(tmp_path / "a.xlsx", [["id"]]), {SHEET: sheet_of(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row><row r="2"><c r="A2"><v>1</v></c></row>',
        '<dimension ref="A1:XFD1048576"/>')})
    began = time.monotonic()

    assert everything(path)[1] == [(2, [1])]
    assert time.monotonic() - began < 20


def test_a_row_at_the_very_end_of_the_sheet_is_found_in_bounded_time(tmp_path):
    path = rewritten(workbook(tmp_path / "a.xlsx", [["id"]]), {SHEET: sheet_of(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row><row r="1048576"><c r="A1048576"><v>1</v></c></row>')})

    assert everything(path)[1] == [(1048576, [1])]


def test_sixteen_thousand_columns_are_refused_with_a_sentence(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [[f"c{n}" for n in range(16_384)], list(range(16_384))])

    with pytest.raises(BadFile, match="more than 200 columns"):
        everything(path)


def test_a_huge_sheet_with_few_cells_does_not_fill_memory(tmp_path):
    cells = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="QRS{n}"><v>1</v></c></row>' for n in range(2, 60_000))
    path = rewritten(workbook(tmp_path / "a.xlsx", [["id"]]), {SHEET: sheet_of(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>' + cells)})
    before = psutil.Process().memory_info().rss

    about, rows = everything(path)

    assert (about.headers, len(rows)) == (("id",), 59_998)
    assert psutil.Process().memory_info().rss - before < 200 * 2**20


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["id"], [1]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/sharedStrings.xml", "w") as part:
        for _ in range(60):
            part.write(b" " * 2**20)
    began = time.monotonic()

    with pytest.raises(BadFile, match="packed so tightly"):
        everything(path)
    assert time.monotonic() - began < 20


def test_a_workbook_whose_parts_together_are_too_large_is_refused(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["id"], [1]])

    with pytest.raises(BadFile, match="unpacks to more than"):
        everything(path, limits=Limits(unpacked=1000))


def test_what_needs_too_much_memory_costs_one_sentence_and_not_this_process(tmp_path):
    """The strings alone are far beyond what the child may have: it is stopped, we go on."""
    path = workbook(tmp_path / "a.xlsx", [["id"], ["x"]])
    rewritten(path, {"xl/sharedStrings.xml": b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">' + b"".join(
        b"<si><t>%d</t></si>" % n for n in range(2_500_000)) + b"</sst>"})
    rewritten(path, {"xl/_rels/workbook.xml.rels": lambda old: old.replace(
        b"</Relationships>", b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
                             b'relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>')})

    with pytest.raises(BadFile):
        everything(path, limits=Limits(memory=150 * 2**20))


def test_a_child_that_works_too_long_is_stopped_with_a_sentence(tmp_path):
    path = text(tmp_path / "a.csv", "a,b\n" + "1,2\n" * 3_000_000)

    with pytest.raises(BadFile, match="takes too long"):
        everything(path, limits=Limits(cpu=1, rows=10**7, cells=10**8))


def test_a_silent_child_is_stopped_with_a_sentence(tmp_path):
    path = text(tmp_path / "a.csv", "a,b\n1,2\n")

    with pytest.raises(BadFile, match="takes too long"):
        everything(path, limits=Limits(silence=0.0001))


def test_a_workbook_with_a_password_says_so(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(compound({"EncryptionInfo": b"", "EncryptedPackage": bytes(5000)}))

    with pytest.raises(BadFile, match="password"):
        everything(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + bytes(500)])
def test_a_damaged_workbook_says_so(tmp_path, content):
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)

    with pytest.raises(BadFile, match="damaged"):
        everything(path)


def test_a_zip_that_is_no_workbook_says_so(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.md", "hello")

    with pytest.raises(BadFile, match="no workbook"):
        everything(path)


def test_broken_xml_is_a_sentence_whatever_the_reader_does(tmp_path):
    path = rewritten(workbook(tmp_path / "a.xlsx", [["id"], [1]]), {SHEET: b"<worksheet><sheetData><row r='1'><c r='A1'"})

    with pytest.raises(BadFile):
        everything(path)


def test_the_reader_is_gone_when_the_block_ends(tmp_path):
    path = text(tmp_path / "a.csv", "a,b\n" + "1,2\n" * 500_000)

    with read_rows(path) as reading:
        next(reading.rows)

    assert not [child for child in psutil.Process().children() if "app.files.child" in " ".join(child.cmdline())]


def test_rows_come_while_the_file_is_still_being_read_and_memory_stays_flat(tmp_path):
    path = text(tmp_path / "a.csv", "a,b,c\n" + "some text,more of it,and 12345\n" * 300_000)
    process = psutil.Process()
    before = process.memory_info().rss

    with read_rows(path) as reading:
        total = sum(1 for _ in reading.rows)

    assert total == 300_000
    assert process.memory_info().rss - before < 60 * 2**20


def test_an_ods_row_that_is_repeated_without_end_is_refused(tmp_path):
    rows = row(words("id")) + row(words("x"), also=' table:number-rows-repeated="99999999"')

    with pytest.raises(BadFile, match="more than 1,000 rows"):
        everything(ods(tmp_path / "a.ods", {"A": rows}), limits=Limits(rows=1000))


def test_an_ods_cell_of_endless_text_is_refused(tmp_path):
    path = ods(tmp_path / "a.ods", {"A": row(words("id")) + row(words("many words " * 20_000))})

    with pytest.raises(BadFile, match="A cell in row 2 has more than 100,000 characters"):
        everything(path)
