"""Workbooks that cannot be streamed, XLS and XLSB: the Rust reader holds the sheet, the limits of the child hold the reader."""
from pathlib import Path
from typing import Any

from python_calamine_plus import CalamineWorkbook, PasswordError

from app.files.cells import pack
from app.files.kinds import SAVE
from app.files.limits import BadFile, Limits, Options
from app.files.merging import Merge, Merges, banners, filled
from app.files.opened import Opened, Rows, chosen, of_book
from app.files.workbook import has_table, sheets_of

LOCKED = "It is protected by a password. Save it without one, and upload that."
STREAMS = (("EncryptedPackage", LOCKED), ("WordDocument", f"It is a text document (Word). {SAVE}"),
           ("PowerPoint Document", f"It is a presentation. {SAVE}"),
           ("__properties_version1.0", "It is an e-mail. Save its attachment, and upload that."))
"""What a compound file is by the names of its streams ([MS-CFB], [MS-OFFCRYPTO] §2.3.2)."""
BOF = b"\x09\x08\x10\x00\x00\x06"
FILEPASS = 0x2F
"""Records at the head of an XLS file, [MS-XLS] §2.4.21 and §2.4.117."""
LOOKED_AT = 1 << 20


def open_xls(path: Path, options: Options, limits: Limits) -> Opened:
    """A compound file, which is an old workbook if we are lucky."""
    _check(path)
    return _opened(path, "xls", options, limits)


def open_xlsb(path: Path, options: Options, limits: Limits) -> Opened:
    return _opened(path, "xlsb", options, limits)


def _check(path: Path) -> None:
    """Raise what the names of its streams tell, and whether it has a password."""
    with path.open("rb") as file:
        head = file.read(LOOKED_AT)
        file.seek(max(0, path.stat().st_size - LOOKED_AT))
        ends = head + file.read()
    for name, sentence in STREAMS:
        if name.encode("utf-16-le") in ends:
            raise BadFile(sentence)
    if _has_password(head):
        raise BadFile(LOCKED)


def _has_password(head: bytes) -> bool:
    at = head.find(BOF)
    for _ in range(20):
        if at < 0 or at + 4 > len(head):
            return False
        kind, length = int.from_bytes(head[at:at + 2], "little"), int.from_bytes(head[at + 2:at + 4], "little")
        if kind == FILEPASS:
            return True
        at += 4 + length
    return False


def _opened(path: Path, format: str, options: Options, limits: Limits) -> Opened:
    try:
        book = CalamineWorkbook.from_path(str(path))
    except PasswordError:
        raise BadFile(LOCKED) from None
    visible, hidden = sheets_of(book)
    guess = None if options.sheet or len(visible) < 2 else next(
        (name for name in visible if has_table(book.get_sheet_by_name(name).iter_rows())), None)
    name = chosen(visible, hidden, options, guess)
    sheet = book.get_sheet_by_name(name)
    merges = [Merge(a[0] + 1, b[0] + 1, a[1], b[1]) for a, b in sheet.merged_cell_ranges or ()]
    told: dict[str, int] = {}
    rows = filled(_rows(sheet, limits.columns), Merges(merges), told)
    return Opened(of_book(format, name, visible, hidden), rows, banners(merges), told)


def _rows(sheet: Any, widest: int) -> Rows:
    """Every row from the first on, each from column A on."""
    left = [None] * (sheet.start[1] if sheet.start else 0)
    for number, row in enumerate(sheet.iter_rows(), 1):
        yield number, [*left, *(pack(value) for value in row[:widest + 1])]
