"""The refused rows of an import as a workbook to mend: marked cells, each with its sentence as a comment. It comes back."""
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.comments import Comment
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter

from app.extensions import db
from app.files.guard import shield
from app.files.writing import ESCAPED, LONGEST_TEXT, UNSAYABLE, Fault, Value
from app.imports.matching import EDITION, OURS, ROW_OF, is_ours
from app.imports.models import Import
from app.imports.refused import reasons, value
from app.records import batches
from app.records.batches import REFUSED, Batch, BatchRow

MOST = 5_000
"""Rows of one workbook; the next ones come when these are mended."""
RED, BOLD = PatternFill("solid", fgColor="FFF4CCCC"), Font(bold=True)


def write(imported: Import, batch: Batch, file: BinaryIO) -> int:
    """Write the first of them; returns how many there are in it."""
    kept = [position for position, column in enumerate(imported.columns) if not is_ours(column["header"])]
    headers = [f"{ROW_OF} {imported.id}", *[imported.columns[position]["header"] for position in kept], *OURS, EDITION]
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Refused rows")
    sheet.freeze_panes = "B2"
    for place, header in enumerate(headers, 1):
        width = 60 if header in OURS else min(max(len(header) + 4, 12), 40)
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.column_dimensions[get_column_letter(len(headers))].hidden = True
    sheet.append([_cell(sheet, header, font=BOLD) for header in headers])
    count = 0
    for row in _refused(batch):
        count += 1
        sheet.append(_row(sheet, imported, row, kept))
    book.save(file)
    return count


def _refused(batch: Batch) -> Iterator[BatchRow]:
    after, left = 0, MOST
    while left and (rows := batches.page(db.session(), batch, REFUSED, after, min(500, left))):
        yield from rows
        after, left = rows[-1].number, left - len(rows)


def _row(sheet: Any, imported: Import, row: BatchRow, kept: list[int]) -> list[Any]:
    wrong = _wrong(imported, row)
    found = row.cells or []
    made = [_cell(sheet, value(found[position]) if position < len(found) else None, wrong.get(position, "")) for position in kept]
    return [row.number, *made, _cell(sheet, reasons(imported, row)), row.edition]


def _wrong(imported: Import, row: BatchRow) -> Mapping[int, str]:
    """{position of a column: what is wrong with its cell}."""
    errors = row.errors or {}
    return {place: errors[column["field"]] for place, column in enumerate(imported.columns) if column["field"] in errors}


def _cell(sheet: Any, content: Value, why: str = "", font: Font | None = None) -> Any:
    """A cell of its kind. Text is text, whatever it begins with: no program takes it for a formula."""
    is_text = isinstance(content, str) and not isinstance(content, Fault)
    kept: Any = _plain(str(content)) if is_text else content
    cell = WriteOnlyCell(sheet, value=kept)
    if is_text or isinstance(content, Fault):
        cell.data_type = "s" if is_text else "e"
    if font is not None:
        cell.font = font
    if why:
        cell.fill, cell.comment = RED, Comment(_plain(why), "Backroom", width=260, height=90)
    return cell


def _plain(text: str) -> str:
    return ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", shield(text.translate(UNSAYABLE))[:LONGEST_TEXT])
