"""Which row of a sheet holds the headings, and what the columns are called."""
import re
from collections.abc import Collection, Sequence

from app.files.cells import Cell, text
from app.files.guard import restore

LIKE_DATA = re.compile(r"[\d\s.,:/+€$£%()-]+|[^@\s]+@[^@\s]+")


def find_header(rows: Sequence[tuple[int, list[Cell]]], banners: Collection[int] = ()) -> int:
    """The number of the row that looks most like headings: words, all different, as wide as what follows. 0 without rows.

    Titles above the table and notes beside them are narrower than the table, so they lose. Of headings in two rows, the upper
    one with cells merged across columns (`banners`), the lower ones count.
    """
    if not rows:
        return 0
    width = sorted(_filled(cells) for _, cells in rows)[len(rows) // 2]
    wide = [(number, cells) for number, cells in rows[:30] if _filled(cells) * 2 > width]
    wordy = [number for number, cells in wide if _wordy(cells)]
    if not wordy:
        return wide[0][0] if wide else rows[0][0]
    below = wordy[0] + 1
    return below if wordy[0] in banners and below in wordy else wordy[0]


def _filled(cells: Sequence[Cell]) -> int:
    return sum(cell is not None and cell != "" for cell in cells)


def _wordy(cells: Sequence[Cell]) -> bool:
    words = [cell.strip() for cell in cells if isinstance(cell, str) and cell.strip()]
    different = len({word.casefold() for word in words}) == len(words) == _filled(cells)
    return different and not any(LIKE_DATA.fullmatch(word) for word in words)


def named(cells: Sequence[Cell]) -> list[str]:
    """The names of the columns, all different: a blank heading is called after its letter, a repeated one numbered."""
    names: list[str] = []
    for position, cell in enumerate(cells):
        name = " ".join(restore(text(cell)).split()) or f"Column {letter(position)}"
        count, wanted = 2, name
        while name in names:
            name, count = f"{wanted} ({count})", count + 1
        names.append(name)
    return names


def letter(position: int) -> str:
    """What a spreadsheet program calls the column at `position`, counted from 0: A, B, … Z, AA."""
    name, rest = "", position + 1
    while rest:
        rest, digit = divmod(rest - 1, 26)
        name = chr(65 + digit) + name
    return name
