"""Merged cells: the value stands in the first one; the rows below have it too where a column is merged down.

To the right it is not repeated: a cell merged across columns is a banner over them.
"""
from collections.abc import Iterable
from typing import NamedTuple

from app.files.cells import Cell
from app.files.opened import Rows

MOST = 100_000


class Merge(NamedTuple):
    """Rows from 1, columns from 0, the last ones included."""

    first: int
    last: int
    left: int
    right: int


class Merges:
    """The merges of a sheet that reach down, in the order of their rows; more may be added while rows are read."""

    def __init__(self, found: Iterable[Merge] = ()) -> None:
        self._waiting = sorted((one for one in found if one.last > one.first), reverse=True)
        self._open: dict[int, tuple[int, Cell]] = {}    # {column: (last row, value)}

    def add(self, merge: Merge, value: Cell) -> None:
        """One that begins in the row read last."""
        if merge.last > merge.first and value is not None:
            self._open[merge.left] = merge.last, value

    def fill(self, number: int, cells: list[Cell]) -> bool:
        """Give the row the values merged down into it, unless it holds nothing else; says whether it took one."""
        took = bool(self._open) and any(cell is not None for cell in cells) and self._down(number, cells)
        while self._waiting and self._waiting[-1].first <= number:
            one = self._waiting.pop()
            if one.first == number and one.left < len(cells):
                self.add(one, cells[one.left])
        return took

    def _down(self, number: int, cells: list[Cell]) -> bool:
        took = False
        for column, (last, value) in list(self._open.items()):
            if number > last:
                del self._open[column]
            elif column >= len(cells) or cells[column] is None:
                cells += [None] * (column + 1 - len(cells))
                cells[column], took = value, True
        return took


def filled(rows: Rows, merges: Merges, told: dict[str, int]) -> Rows:
    """The rows with their merged cells; how many took a value is told as "merged rows"."""
    for number, cells in rows:
        if merges.fill(number, cells):
            told["merged rows"] = told.get("merged rows", 0) + 1
        yield number, cells


def banners(found: Iterable[Merge]) -> set[int]:
    """Rows with a cell merged across columns."""
    return {one.first for one in found if one.right > one.left}
