"""XLSB files: the records of [MS-XLSB] in a ZIP file."""
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.files.legacy import FAULTS

BOOK, END_BOOK, SHEETS, END_SHEETS, SHEET_OF = 131, 132, 143, 144, 156
SHEET, END_SHEET, SIZE, DATA, END_DATA, ROW = 129, 130, 148, 145, 146, 0
FAULT, TRUTH, NUMBER, TEXT = 3, 4, 5, 6
LINKS = ('<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
         'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.bin"/></Relationships>')


def xlsb(path: Path, name: str, rows: Sequence[Sequence[Any]]) -> Path:
    """Text like #N/A is an error."""
    bound = _record(SHEET_OF, struct.pack("<II", 0, 1) + _text("rId1") + _text(name))
    size = struct.pack("<4I", 0, len(rows) - 1, 0, max(map(len, rows)) - 1)
    data = b"".join(_record(ROW, struct.pack("<II", number, 0) + bytes(9)) + b"".join(
        _cell(column, value) for column, value in enumerate(cells)) for number, cells in enumerate(rows))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.bin", _record(BOOK) + _record(SHEETS) + bound + _record(END_SHEETS) + _record(END_BOOK))
        archive.writestr("xl/_rels/workbook.bin.rels", LINKS)
        archive.writestr("xl/worksheets/sheet1.bin", _record(SHEET) + _record(SIZE, size) + _record(DATA) + data
                         + _record(END_DATA) + _record(END_SHEET))
    return path


def _record(kind: int, data: bytes = b"") -> bytes:
    return (bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])) + _length(len(data)) + data


def _length(size: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    return bytes([size]) if size < 128 else bytes([size & 0x7F | 0x80]) + _length(size >> 7)


def _text(words: str) -> bytes:
    return struct.pack("<I", len(words)) + words.encode("utf-16-le")


def _cell(column: int, value: Any) -> bytes:
    place = struct.pack("<II", column, 0)
    if value is None:
        return b""
    if isinstance(value, bool):
        return _record(TRUTH, place + bytes([value]))
    if value in FAULTS:
        return _record(FAULT, place + bytes([FAULTS[value]]))
    return _record(NUMBER, place + struct.pack("<d", value)) if isinstance(value, int | float) else _record(TEXT, place + _text(value))
