"""Formulas whose value a workbook does not hold: programs that write workbooks without computing them leave such cells.

Readers of values take them for empty cells. ECMA-376 part 1, §18.3.1.4 (c), §18.3.1.40 (f), §18.3.1.96 (v).
"""
import re
import zipfile
from collections.abc import Iterator
from html import unescape
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from app.files.layout import column, part_of
from app.files.opened import Rows

PIECE = 1 << 20
LONGEST = 8 * PIECE      # of what is held to find the end of a cell
SHOWN = 100              # characters of a formula
CELL = re.compile(rb'<(?:\w+:)?c\s([^>]*?\br="([A-Z]{1,3})(\d{1,7})"[^>]*)>\s*<(?:\w+:)?f\b[^>]*?(?:/>|>([^<]*)</(?:\w+:)?f>)\s*'
                  rb"(<(?:\w+:)?v(?:\s*/>|>\s*</(?:\w+:)?v>)\s*)?</(?:\w+:)?c>")


class Formula(NamedTuple):
    """Where it stands, `column` counted from 0, and what it says; "=" alone where another cell says it."""

    row: int
    column: int
    text: str


def told(rows: Rows, path: Path, sheet: str, widest: int) -> Rows:
    """The rows of a sheet; a cell that holds a formula without a value is {"f": formula} instead of empty."""
    waiting = chain(unvalued(path, sheet), [Formula(2**31, 0, "")])
    one = next(waiting)
    for number, cells in rows:
        while one.row <= number:
            if one.row == number and one.column < widest:
                cells += [None] * (one.column + 1 - len(cells))
                cells[one.column] = {"f": one.text} if cells[one.column] is None else cells[one.column]
            one = next(waiting)
        yield number, cells


def unvalued(path: Path, sheet: str) -> Iterator[Formula]:
    """The formulas without a value, row by row. Where the workbook is built in a way we do not know: none."""
    with zipfile.ZipFile(path) as archive:
        part = part_of(archive, sheet)
        if part is None:
            return
        held = b""
        with archive.open(part) as file:
            while piece := file.read(PIECE):
                held += piece
                end = held.rfind(b"c>") + 2
                yield from _found(held[:end])
                held = held[end:] if len(held) < LONGEST else b""


def _found(text: bytes) -> Iterator[Formula]:
    if b"<f" not in text and b":f" not in text:
        return
    for attributes, letters, row, formula, empty in (found.groups() for found in CELL.finditer(text)):
        if not (empty and b't="str"' in attributes):    # text of no letters is a value
            yield Formula(int(row), column(letters), "=" + unescape((formula or b"").decode(errors="replace"))[:SHOWN])
