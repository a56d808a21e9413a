"""Files as people and their programs make them, written by the test that wants one."""
import io
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from app.files.cells import Cell
from app.files.limits import Limits, Options
from app.files.reading import About, read_rows

SHEET = ('<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{dimension}<sheetData>{rows}</sheetData>'
         '</worksheet>')


def workbook(path: Path, rows: Iterable[Sequence[Any]], title: str = "Orders", hidden: Sequence[str] = ()) -> Path:
    """A workbook by openpyxl; sheets in `hidden` come first and hold other rows."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name in hidden:
        sheet = book.create_sheet(name)
        sheet.append(["secret", "figures"])
        sheet.sheet_state = "hidden"
    sheet = book.create_sheet(title)
    for row in rows:
        sheet.append(list(row))
    book.active = len(hidden)
    book.save(path)
    return path


def rewritten(path: Path, change: dict[str, Any]) -> Path:
    """The same workbook with some of its parts replaced: bytes, or a function of the old ones."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    for name, content in change.items():
        parts[name] = content(parts[name]) if callable(content) else content
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return path


def sheet_of(rows: str, dimension: str = "") -> bytes:
    return SHEET.format(rows=rows, dimension=dimension).encode()


def text(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


def everything(path: Path, options: Options | None = None, limits: Limits | None = None) -> tuple[About, list[tuple[int, list[Cell]]]]:
    """Read it as an import does, in a child."""
    with read_rows(path, options, limits) as reading:
        return reading.about, [(number, cells) for number, cells in reading.rows]


def in_memory() -> io.BytesIO:
    return io.BytesIO()
