"""XLS files written byte by byte: BIFF8 records ([MS-XLS]) in a compound file ([MS-CFB])."""
import struct
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

FREE, END, TABLE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SECTOR = 512
BOF, FILEPASS, CODEPAGE, DATE1904, XF, BOUNDSHEET, EOF = 0x809, 0x2F, 0x42, 0x22, 0xE0, 0x85, 0x0A
NUMBER, LABEL, BOOLERR, MERGED = 0x203, 0x204, 0x205, 0xE5
FORMATS = (0, 14, 22)     # general, day, day and time
FAULTS = {"#DIV/0!": 7, "#VALUE!": 15, "#REF!": 23, "#NAME?": 29, "#N/A": 42}


class Sheet(NamedTuple):
    """Text like #N/A is an error. `merged`: (first row, last row, first column, last column), from 0. `hidden`: 1, or 2 for very."""

    rows: Sequence[Sequence[Any]]
    merged: Sequence[tuple[int, int, int, int]] = ()
    hidden: int = 0


def xls(path: Path, sheets: dict[str, Sheet], *, epoch_1904: bool = False, password: bool = False) -> Path:
    head = _record(BOF, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + (_record(FILEPASS, bytes(6)) if password else b"")
    head += _record(CODEPAGE, struct.pack("<H", 1200)) + _record(DATE1904, struct.pack("<H", epoch_1904))
    head += b"".join(_record(XF, struct.pack("<HHH", 0, form, 0) + bytes(14)) for form in FORMATS)
    bodies = [_sheet(sheet, 1462 if epoch_1904 else 0) for sheet in sheets.values()]
    place = len(head) + sum(len(_bound(name, sheet, 0)) for name, sheet in sheets.items()) + 4
    listed = b""
    for (name, sheet), body in zip(sheets.items(), bodies, strict=True):
        listed += _bound(name, sheet, place)
        place += len(body)
    path.write_bytes(compound({"Workbook": head + listed + _record(EOF) + b"".join(bodies)}))
    return path


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file of version 3. Streams are padded, so that no small ones are needed."""
    sectors: list[bytes] = []
    links: list[int] = []
    entries = [_entry("Root Entry", 5, END, 0, child=1)]
    for number, (name, data) in enumerate(streams.items(), 2):
        padded = data.ljust(4096, b"\0")
        entries.append(_entry(name, 2, _chain(sectors, links, padded), len(padded), right=number if number <= len(streams) else FREE))
    entries += [bytes(68) + b"\xff" * 12 + bytes(48)] * (-len(entries) % 4)
    directory = _chain(sectors, links, b"".join(entries))
    tables = next(count for count in range(1, 110) if count * 128 >= len(links) + count)
    first = len(sectors)
    links += [TABLE] * tables
    links += [FREE] * (tables * 128 - len(links))
    sectors += [struct.pack("<128I", *links[at * 128:(at + 1) * 128]) for at in range(tables)]
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    head += struct.pack("<9I", 0, tables, directory, 0, 4096, END, 0, END, 0)
    return head + struct.pack("<109I", *range(first, first + tables), *[FREE] * (109 - tables)) + b"".join(sectors)


def _chain(sectors: list[bytes], links: list[int], data: bytes) -> int:
    start, count = len(sectors), -(-len(data) // SECTOR)
    sectors += [data[at * SECTOR:(at + 1) * SECTOR].ljust(SECTOR, b"\0") for at in range(count)]
    links += [*range(start + 1, start + count), END]
    return start


def _entry(name: str, kind: int, start: int, size: int, child: int = FREE, right: int = FREE) -> bytes:
    letters = (name + "\0").encode("utf-16-le")
    return (letters.ljust(64, b"\0") + struct.pack("<HBBIII", len(letters), kind, 1, FREE, right, child) + bytes(36)
            + struct.pack("<IQ", start, size))


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _text(words: str, wide: str = "<H") -> bytes:
    return struct.pack(wide, len(words)) + b"\1" + words.encode("utf-16-le")


def _bound(name: str, sheet: Sheet, place: int) -> bytes:
    return _record(BOUNDSHEET, struct.pack("<IBB", place, sheet.hidden, 0) + _text(name, "<B"))


def _sheet(sheet: Sheet, epoch: int) -> bytes:
    out = _record(BOF, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    out += b"".join(_cell(row, column, value, epoch) for row, cells in enumerate(sheet.rows) for column, value in enumerate(cells))
    if sheet.merged:
        out += _record(MERGED, struct.pack("<H", len(sheet.merged)) + b"".join(struct.pack("<HHHH", *one) for one in sheet.merged))
    return out + _record(EOF)


def _cell(row: int, column: int, value: Any, epoch: int) -> bytes:
    place = struct.pack("<HHH", row, column, isinstance(value, date))
    if value is None:
        return b""
    if isinstance(value, bool):
        return _record(BOOLERR, place + bytes([value, 0]))
    if value in FAULTS:
        return _record(BOOLERR, place + bytes([FAULTS[value], 1]))
    if isinstance(value, date):
        return _record(NUMBER, place + struct.pack("<d", (value - date(1899, 12, 30)).days - epoch))
    return _record(NUMBER, place + struct.pack("<d", value)) if isinstance(value, int | float) else _record(LABEL, place + _text(value))
