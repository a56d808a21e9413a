"""Rows of an XLSX workbook, streamed: by the Rust reader where it can, by openpyxl where it cannot."""
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any

from python_calamine_plus import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from app.files import formulas, layout
from app.files.cells import pack
from app.files.limits import BadFile, Limits, Options
from app.files.merging import Merges, banners, filled
from app.files.opened import Opened, Rows, chosen, of_book

PEEK = 50
"""Rows of a sheet that are looked at to see whether a table may begin there."""
Book = tuple[list[str], list[str], str, Rows]


def open_workbook(path: Path, options: Options, limits: Limits) -> Opened:
    """Its sheets, and the rows of the chosen one, else of the first visible one with a table."""
    try:
        visible, hidden, sheet, rows = _by_rust(path, options, limits)
    except BadFile:
        raise
    except Exception:  # what one reader trips over, the other often reads
        visible, hidden, sheet, rows = _by_openpyxl(path, options, limits)
    found = layout.look(path, sheet)
    if found.formulas:
        rows = formulas.told(rows, path, sheet, limits.columns)
    told = {"hidden rows": found.hidden_rows} if found.hidden_rows else {}
    about = of_book("xlsx", sheet, visible, hidden) | {"hidden_columns": sorted(found.hidden_columns)}
    return Opened(about, filled(rows, Merges(found.merges), told), banners(found.merges), told)


def sheets_of(book: Any) -> tuple[list[str], list[str]]:
    """The names of its visible and its hidden sheets with cells."""
    sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    visible = [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
    return visible, [sheet.name for sheet in sheets if sheet.visible != SheetVisibleEnum.Visible]


def has_table(rows: Iterator[Any]) -> bool:
    """Whether two rows near the top have two cells or more: a cover sheet has not."""
    return sum(sum(cell not in ("", None) for cell in row) > 1 for row in islice(rows, PEEK)) > 1


def _by_rust(path: Path, options: Options, limits: Limits) -> Book:
    book = CalamineWorkbook.from_path(str(path))
    visible, hidden = sheets_of(book)
    guess = None if options.sheet or len(visible) < 2 else next(
        (name for name in visible if has_table(book.stream_sheet_by_name(name, max_col=9, max_row=PEEK))), None)
    sheet = chosen(visible, hidden, options, guess)
    return visible, hidden, sheet, _packed(book.stream_sheet_by_name(sheet, max_col=limits.columns))


def _packed(stream: Any) -> Rows:
    """Rows come padded to the widest we allow: cut them where the widest row so far ended.

    Counting blanks is the quickest way to see that a row has nothing beyond; most texts are no matter for `pack` (see there).
    """
    width = 0
    for number, row in enumerate(stream, 1):
        cells = row[:width]
        if row.count("") - cells.count("") < len(row) - width:
            while row[-1] == "":
                row.pop()
            width, cells = len(row), row
        yield number, [value if type(value) is str and value[:1] not in "#" else pack(value) for value in cells]


def _by_openpyxl(path: Path, options: Options, limits: Limits) -> Book:
    openpyxl: Any = import_module("openpyxl")     # seldom needed, and slow to load for every file that is read
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    visible = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
    name = chosen(visible, hidden, options)
    sheet: Any = book[name]
    sheet.reset_dimensions()  # a <dimension> that lies would cost rows, without a word
    return visible, hidden, name, _closing(book, sheet.iter_rows(max_col=limits.columns + 1, values_only=True))


def _closing(book: Any, rows: Any) -> Rows:
    try:
        for number, row in enumerate(rows, 1):
            yield number, [pack(value) for value in row]
    finally:
        book.close()
