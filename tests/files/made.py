"""Workbooks of the corpus: how each is made, and what it has to give."""
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.files import legacy
from tests.files.binary import xlsb
from tests.files.legacy import Sheet, compound, xls
from tests.files.making import rewritten, sheet_of
from tests.files.opendocument import ods, row, typed, words

Make = Callable[[Path], Path]
PART = "xl/worksheets/sheet1.xml"
DAY = date(2026, 5, 31)
AT = datetime(2026, 5, 31, 14, 30)  # noqa: DTZ001 (a workbook knows no zones)
HEAD = ["id", "name"]
ROWS: list[list[Any]] = [HEAD, [1, "Ada"], [2, "Bob"]]
READ: dict[str, Any] = {"headers": HEAD, "rows": [[2, [1, "Ada"]], [3, [2, "Bob"]]]}


def book(*change: Callable[[Any], None], rows: Sequence[Sequence[Any]] = ROWS) -> Make:
    """A workbook by openpyxl with one sheet, to which each `change` is done."""
    def make(path: Path) -> Path:
        made = openpyxl.Workbook()
        made.worksheets[0].title = "Orders"
        for cells in rows:
            made.worksheets[0].append(list(cells))
        for one in change:
            one(made)
        made.save(path)
        return path
    return make


def changed(part: Any, name: str = PART) -> Make:
    return lambda path: rewritten(book()(path), {name: part})


def bytes_of(content: bytes) -> Make:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path
    return make


def zipped(*names: str) -> Make:
    def make(path: Path) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "content")
        return path
    return make


def cut(make: Make, share: float) -> Make:
    """The first part of a file: an upload or a mail that broke off."""
    def shorter(path: Path) -> Path:
        whole = make(path).read_bytes()
        path.write_bytes(whole[:int(len(whole) * share)])
        return path
    return shorter


def _sheets(made: Any, hidden: Sequence[str] = (), before: Sequence[str] = ()) -> None:
    for name in (*before, *hidden):
        sheet = made.create_sheet(name, 0)
        sheet.append(["About this file"])
        sheet.sheet_state = "hidden" if name in hidden else "visible"
    made.active = len(made.worksheets) - 1


def _merge(*ranges: str) -> Callable[[Any], None]:
    def change(made: Any) -> None:
        for one in ranges:
            made.worksheets[0].merge_cells(one)
    return change


def _hide(made: Any) -> None:
    made.worksheets[0].row_dimensions[2].hidden = True
    made.worksheets[0].column_dimensions["B"].hidden = True


def _epoch(made: Any) -> None:
    made.epoch = CALENDAR_MAC_1904


def _cells(*rows: str) -> bytes:
    return sheet_of("".join(f'<row r="{number}">{cells}</row>' for number, cells in enumerate(rows, 1)))


def _inline(*texts: str) -> str:
    return "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)


def _sum(made: Any) -> None:
    made.worksheets[0].append([3, "=A2+A3"])


TYPES = ["id", "n", "price", "day", "at", "on", "gone"]
TYPED: list[list[Any]] = [["007", 5, 5.5, {"d": "2026-05-31"}, {"t": "2026-05-31 14:30:00"}, True, {"e": "#N/A"}]]
MERGED: list[list[Any]] = [["customer", "order", "total"], ["Ada", 1, 5], [None, 2, 6], ["Bob", 3, 7]]
MERGED_READ = [[2, ["Ada", 1, 5]], [3, ["Ada", 2, 6]], [4, ["Bob", 3, 7]]]
TWO_LINES: list[list[Any]] = [["id", "address", None], [None, "street", "city"], [1, "Ring 1", "Rome"], [2, "Gate 2", "Oslo"]]
TWO_READ: dict[str, Any] = {"headers": ["id", "street", "city"], "header_row": 2, "rows": [[3, [1, "Ring 1", "Rome"]], [4, [2, "Gate 2", "Oslo"]]]}
ODS_ROWS = row(words("id"), words("name")) + row(typed("float", "1"), words("Ada")) + row(typed("float", "2"), words("Bob"))
LOL = '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]>'
GROWN = {"sentence": "It declares entities of its own"}
LOCKED = {"sentence": "It is protected by a password."}
DAMAGED = {"sentence": "It is damaged"}

XLSX: dict[str, tuple[Make, dict[str, Any]]] = {
    "xlsx_of_every_type": (book(rows=[TYPES, ["007", 5, 5.5, DAY, AT, True, "#N/A"]]), {
        "headers": TYPES, "rows": [[2, TYPED[0]]], "about": {"format": "xlsx", "sheet": "Orders", "sheets": ["Orders"], "hidden": []}}),
    "xlsx_with_days_from_1904": (book(_epoch, rows=[["day"], [DAY]]), {"headers": ["day"], "rows": [[2, [{"d": "2026-05-31"}]]]}),
    "xlsx_with_a_time_of_day": (book(rows=[["at"], [time(13, 45)]]), {"headers": ["at"], "rows": [[2, [{"h": "13:45:00"}]]]}),
    "xlsx_with_hidden_sheets_before_it": (book(partial(_sheets, hidden=["Old", "Older"])), READ | {
        "about": {"sheet": "Orders", "sheets": ["Orders", "Older", "Old"], "hidden": ["Older", "Old"]}}),
    "xlsx_with_a_cover_sheet": (book(partial(_sheets, before=["Cover"])), READ | {"about": {"sheet": "Orders", "sheets": ["Cover", "Orders"]}}),
    "xlsx_of_which_a_sheet_is_chosen": (book(partial(_sheets, before=["Cover"])), {
        "options": {"sheet": "Cover"}, "headers": ["About this file"], "rows": [], "about": {"sheet": "Cover"}}),
    "xlsx_of_which_no_such_sheet_is_chosen": (book(), {"options": {"sheet": "July"}, "sentence": "There is no sheet called July."}),
    "xlsx_with_cells_merged_down": (book(_merge("A2:A3"), rows=MERGED), {
        "headers": MERGED[0], "rows": MERGED_READ, "told": {"merged rows": 1}}),
    "xlsx_with_cells_merged_across": (book(_merge("B2:C2"), rows=[["a", "b", "c"], [1, "wide", None], [2, "x", "y"]]), {
        "headers": ["a", "b", "c"], "rows": [[2, [1, "wide"]], [3, [2, "x", "y"]]]}),
    "xlsx_with_cells_merged_down_over_blank_rows": (book(_merge("A2:A9"), rows=[HEAD, ["x", "Ada"], [None, "Bob"]]), {
        "headers": HEAD, "rows": [[2, ["x", "Ada"]], [3, ["x", "Bob"]]], "told": {"merged rows": 1}}),
    "xlsx_with_headings_in_two_lines": (book(_merge("A1:A2", "B1:C1"), rows=TWO_LINES), TWO_READ | {"told": {"merged rows": 1}}),
    "xlsx_with_a_title_across": (book(_merge("A1:B1"), rows=[["Orders of June"], *ROWS]), {
        "headers": HEAD, "header_row": 2, "rows": [[3, [1, "Ada"]], [4, [2, "Bob"]]]}),
    "xlsx_with_hidden_rows_and_columns": (book(_hide), READ | {"about": {"hidden_columns": [1]}, "told": {"hidden rows": 1}}),
    "xlsx_with_a_formula_nobody_computed": (book(_sum), READ | {"rows": [*READ["rows"], [4, [3, {"f": "=A2+A3"}]]]}),
    "xlsx_with_a_formula_and_its_value": (changed(_cells(
        _inline("id", "sum"), '<c r="A2"><v>1</v></c><c r="B2"><f>A2*2</f><v>2</v></c>')), {"headers": ["id", "sum"], "rows": [[2, [1, 2]]]}),
    "xlsx_with_rich_text": (changed(_cells(
        _inline("id"), '<c t="inlineStr"><is><r><t>bold</t></r><r><t xml:space="preserve"> and not</t></r></is></c>')), {
            "headers": ["id"], "rows": [[2, ["bold and not"]]]}),
    "xlsx_whose_cells_have_no_places": (changed(_cells(_inline("id", "name"), "<c><v>1</v></c>" + _inline("Ada"))), {
        "headers": HEAD, "rows": [[2, [1, "Ada"]]]}),
    "xlsx_with_a_dimension_that_lies": (changed(sheet_of(
        f'<row r="1">{_inline("id", "name")}</row><row r="2"><c><v>1</v></c>{_inline("Ada")}</row>', '<dimension ref="A1"/>')), {
            "headers": HEAD, "rows": [[2, [1, "Ada"]]]}),
    "xlsx_with_a_long_number": (book(rows=[["id"], [12345678901234567890]]), {"headers": ["id"], "rows": [[2, [1.234567890123457e19]]]}),
    "xlsx_without_rows": (book(rows=[]), {"sentence": "There are no rows in it."}),
    "xlsx_with_headings_alone": (book(rows=[HEAD]), {"headers": HEAD, "rows": []}),
    "xlsx_that_broke_off_early": (cut(book(), 0.3), DAMAGED),
    "xlsx_that_broke_off_late": (cut(book(), 0.95), DAMAGED),
    "xlsx_with_a_password": (bytes_of(compound({"EncryptionInfo": b"", "EncryptedPackage": bytes(5000)})), LOCKED),
    "xlsx_with_entities": (changed(lambda old: old.replace(b"<worksheet", LOL.encode() + b"<worksheet", 1)), GROWN),
    "xlsx_packed_too_tightly": (changed(b" " * 2**24, "xl/media/blank.bin"), {"sentence": "It is packed so tightly"}),
}
XLS: dict[str, tuple[Make, dict[str, Any]]] = {
    "xls_of_every_type": (lambda path: xls(path, {"Orders": Sheet([TYPES, ["007", 5, 5.5, DAY, "14:30", True, "#N/A"]])}), {
        "headers": TYPES, "rows": [[2, [*TYPED[0][:4], "14:30", *TYPED[0][5:]]]], "about": {"format": "xls", "sheet": "Orders"}}),
    "xls_with_days_from_1904": (lambda path: xls(path, {"A": Sheet([["day"], [DAY]])}, epoch_1904=True), {
        "headers": ["day"], "rows": [[2, [{"d": "2026-05-31"}]]]}),
    "xls_with_hidden_sheets": (lambda path: xls(path, {"Old": Sheet(ROWS, hidden=1), "Older": Sheet(ROWS, hidden=2), "Orders": Sheet(ROWS)}), READ | {
        "about": {"sheet": "Orders", "sheets": ["Orders", "Old", "Older"], "hidden": ["Old", "Older"]}}),
    "xls_with_a_cover_sheet": (lambda path: xls(path, {"Cover": Sheet([["About this file"]]), "Orders": Sheet(ROWS)}), READ | {
        "about": {"sheet": "Orders"}}),
    "xls_with_cells_merged_down": (lambda path: xls(path, {"A": Sheet(MERGED, [(1, 2, 0, 0)])}), {
        "headers": MERGED[0], "rows": MERGED_READ, "told": {"merged rows": 1}}),
    "xls_with_headings_in_two_lines": (lambda path: xls(path, {"A": Sheet(TWO_LINES, [(0, 1, 0, 0), (0, 0, 1, 2)])}), TWO_READ | {
        "told": {"merged rows": 1}}),
    "xls_that_begins_further_down": (lambda path: xls(path, {"A": Sheet([[], [], [None, "id", "name"], [None, 1, "Ada"]])}), {
        "headers": ["Column A", "id", "name"], "header_row": 3, "rows": [[4, [None, 1, "Ada"]]]}),
    "xls_with_errors": (lambda path: xls(path, {"A": Sheet([["id", "total"], *[[1, fault] for fault in legacy.FAULTS]])}), {
        "headers": ["id", "total"], "rows": [[number, [1, {"e": fault}]] for number, fault in enumerate(legacy.FAULTS, 2)]}),
    "xls_with_a_password": (lambda path: xls(path, {"A": Sheet(ROWS)}, password=True), LOCKED),
    "xls_without_rows": (lambda path: xls(path, {"A": Sheet([])}), {"sentence": "There are no rows in it."}),
    "xls_that_broke_off": (cut(lambda path: xls(path, {"A": Sheet(ROWS * 200)}), 0.4), DAMAGED),
    "xls_that_is_a_text_document": (bytes_of(compound({"WordDocument": bytes(5000)})), {"sentence": "It is a text document (Word)."}),
    "xls_that_is_an_email": (bytes_of(compound({"__properties_version1.0": bytes(64)})), {"sentence": "It is an e-mail."}),
}
ODS: dict[str, tuple[Make, dict[str, Any]]] = {
    "ods_of_every_type": (lambda path: ods(path, {"Orders": row(*map(words, TYPES)) + row(
        words("007"), typed("float", "5"), typed("currency", "5.5"), typed("date", "2026-05-31"), typed("date", "2026-05-31T14:30:00"),
        typed("boolean", "true"), words("#N/A", ' calcext:value-type="error" office:string-value=""'))}), {
            "headers": TYPES, "rows": [[2, TYPED[0]]], "about": {"format": "ods", "sheet": "Orders", "sheets": ["Orders"]}}),
    "ods_with_a_percentage_and_a_time": (lambda path: ods(path, {"A": row(words("tax"), words("at")) + row(
        typed("percentage", "0.19"), typed("time", "PT13H45M00S"))}), {"headers": ["tax", "at"], "rows": [[2, [0.19, {"h": "13:45:00"}]]]}),
    "ods_with_rows_and_cells_repeated": (lambda path: ods(path, {"A": row(words("a"), words("b"), words("c")) + row(
        words("x", ' table:number-columns-repeated="3"'), also=' table:number-rows-repeated="2"') + row(
            '<table:table-cell table:number-columns-repeated="16384"/>', also=' table:number-rows-repeated="1048573"')}), {
                "headers": ["a", "b", "c"], "rows": [[2, ["x"] * 3], [3, ["x"] * 3]]}),
    "ods_with_a_hidden_sheet": (lambda path: ods(path, {"Old": ODS_ROWS, "Empty": "", "Orders": ODS_ROWS}, hidden=("Old",)), READ | {
        "about": {"sheet": "Orders", "sheets": ["Empty", "Orders", "Old"], "hidden": ["Old"]}}),
    "ods_of_which_a_sheet_is_chosen": (lambda path: ods(path, {"A": row(words("x")), "Orders": ODS_ROWS, "B": row(words("y"))}), READ | {
        "options": {"sheet": "Orders"}}),
    "ods_with_cells_merged_down": (lambda path: ods(path, {"A": row(words("customer"), words("order")) + row(
        words("Ada", ' table:number-rows-spanned="2"'), typed("float", "1")) + row("<table:covered-table-cell/>", typed("float", "2"))}), {
            "headers": ["customer", "order"], "rows": [[2, ["Ada", 1]], [3, ["Ada", 2]]], "told": {"merged rows": 1}}),
    "ods_with_hidden_rows_and_columns": (lambda path: ods(path, {"A": (
        '<table:table-column/><table:table-column table:visibility="collapse"/>' + ODS_ROWS
        + row(typed("float", "3"), words("Cem"), also=' table:visibility="filter"'))}), READ | {
            "rows": [*READ["rows"], [4, [3, "Cem"]]], "about": {"hidden_columns": [1]}, "told": {"hidden rows": 1}}),
    "ods_with_text_of_several_lines_and_a_note": (lambda path: ods(path, {"A": row(words("note")) + row(
        '<table:table-cell office:value-type="string"><office:annotation><text:p>not this</text:p></office:annotation>'
        '<text:p>one<text:s text:c="2"/>two</text:p><text:p><text:span>three</text:span></text:p></table:table-cell>')}), {
            "headers": ["note"], "rows": [[2, ["one  two\nthree"]]]}),
    "ods_with_a_formula_nobody_computed": (lambda path: ods(path, {"A": row(words("sum")) + row(
        '<table:table-cell table:formula="of:=1+1"/>')}), {"headers": ["sum"], "rows": [[2, [{"f": "=1+1"}]]]}),
    "ods_with_an_error_by_its_number": (lambda path: ods(path, {"A": row(words("sum")) + row(words("Err:502"))}), {
        "headers": ["sum"], "rows": [[2, [{"e": "Err:502"}]]]}),
    "ods_with_entities": (lambda path: ods(path, {"A": row(words("&lol2;"))}, doctype=LOL), GROWN),
    "ods_with_a_password": (lambda path: ods(path, {"A": ODS_ROWS}, manifest="<manifest:encryption-data/>"), LOCKED),
    "ods_that_is_a_text_document": (lambda path: ods(path, {}, kind="application/vnd.oasis.opendocument.text"), {
        "sentence": "It is an OpenDocument file, but no spreadsheet."}),
    "ods_that_broke_off": (cut(lambda path: ods(path, {"A": ODS_ROWS}), 0.5), DAMAGED),
}
ZIPS: dict[str, tuple[Make, dict[str, Any]]] = {
    "zip_of_a_text_document": (zipped("[Content_Types].xml", "word/document.xml"), {"sentence": "It is a text document (Word)."}),
    "zip_of_a_presentation": (zipped("[Content_Types].xml", "ppt/presentation.xml"), {"sentence": "It is a presentation."}),
    "zip_of_apple_numbers": (zipped("Index/Document.iwa"), {"sentence": "It is a file of Apple Numbers."}),
    "zip_with_a_csv_in_it": (zipped("orders.csv"), {"sentence": "It is packed."}),
    "zip_of_something_else": (zipped("readme.md"), {"sentence": "It is no workbook."}),
    "zip_of_nothing": (zipped(), {"sentence": "It is empty."}),
}
XLSB: dict[str, tuple[Make, dict[str, Any]]] = {
    "xlsb_of_several_types": (lambda path: xlsb(path, "Orders", [HEAD, ["007", "Ada"], [True, 5.5], [5, "#N/A"]]), {
        "headers": HEAD, "rows": [[2, ["007", "Ada"]], [3, [True, 5.5]], [4, [5, {"e": "#N/A"}]]], "about": {"format": "xlsb", "sheet": "Orders"}}),
    "xlsb_that_broke_off": (cut(lambda path: xlsb(path, "Orders", ROWS), 0.6), DAMAGED),
}
MADE = XLSX | XLS | ODS | ZIPS | XLSB
