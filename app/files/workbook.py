"""Rows of an XLSX workbook, streamed: by the Rust reader where it can, by openpyxl where it cannot."""
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
from python_calamine_plus import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from app.files import formulas
from app.files.cells import Cell, pack
from app.files.limits import BadFile, Limits, Options
from app.sizes import size

Rows = Iterator[tuple[int, list[Cell]]]


def open_workbook(path: Path, options: Options, limits: Limits) -> tuple[dict[str, Any], Rows]:
    """Its visible sheets, and the rows of the chosen one, else of the first."""
    _check_zip(path, limits)
    try:
        sheets, rows = _by_rust(path, options, limits)
    except BadFile:
        raise
    except Exception:  # what one reader trips over, the other often reads
        sheets, rows = _by_openpyxl(path, options, limits)
    sheet = options.sheet or sheets[0]
    return {"format": "xlsx", "sheet": sheet, "sheets": sheets, "encoding": None, "delimiter": None}, formulas.told(
        rows, path, sheet, limits.columns)


def _check_zip(path: Path, limits: Limits) -> None:
    """Refuse what unpacks to far more than it should, before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise BadFile("It is damaged: it begins like a workbook, but cannot be opened. Save it again, and upload that.") from None
    if len(parts) > 10_000 or sum(part.file_size for part in parts) > limits.unpacked:
        raise BadFile(f"It unpacks to more than {size(limits.unpacked)}. Save only the sheet with the data, as CSV.")
    for part in parts:
        if part.file_size > limits.plain and part.file_size > limits.ratio * max(part.compress_size, 1):
            raise BadFile("It is packed so tightly that it looks made to fill our memory. Save it as CSV, and upload that.")
    if not any(part.filename.startswith("xl/") for part in parts):
        raise BadFile("It is no workbook. Save it as XLSX or CSV, and upload that.")


def _chosen(sheets: list[str], options: Options) -> str:
    if not sheets:
        raise BadFile("There is no sheet with cells in it.")
    if options.sheet and options.sheet not in sheets:
        raise BadFile(f"There is no sheet called {options.sheet}.")
    return options.sheet or sheets[0]


def _by_rust(path: Path, options: Options, limits: Limits) -> tuple[list[str], Rows]:
    book = CalamineWorkbook.from_path(str(path))
    sheets = [sheet.name for sheet in book.sheets_metadata
              if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet]
    stream = book.stream_sheet_by_name(_chosen(sheets, options), max_col=limits.columns)
    return sheets, _packed(stream)


def _packed(stream: Any) -> Rows:
    """Rows come padded to the widest we allow: cut them where the widest row so far ended."""
    width, blank = 0, [""] * 20_000
    for number, row in enumerate(stream, 1):
        if (rest := row[width:]) != blank[:len(rest)]:
            while row[-1] == "":
                row.pop()
            width = len(row)
        yield number, [pack(value) for value in row[:width]]


def _by_openpyxl(path: Path, options: Options, limits: Limits) -> tuple[list[str], Rows]:
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    sheets = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
    sheet: Any = book[_chosen(sheets, options)]
    sheet.reset_dimensions()  # a <dimension> that lies would cost rows, without a word
    return sheets, _closing(book, sheet.iter_rows(max_col=limits.columns + 1, values_only=True))


def _closing(book: Any, rows: Any) -> Rows:
    try:
        for number, row in enumerate(rows, 1):
            yield number, [pack(value) for value in row]
    finally:
        book.close()
