"""What a row of a file says for a field: a whole cell, or one of the two parts of a cell that is split."""
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from app.files import cells
from app.files.cells import Cell
from app.imports.rules import Rules, Split

Take = Callable[[Cell], Cell]


class Piece(NamedTuple):
    """Where the value of a field comes from; `take` is None for the whole cell."""

    position: int
    take: Take | None = None

    def of(self, row: Sequence[Cell]) -> Cell:
        cell = row[self.position] if self.position < len(row) else None
        return cell if self.take is None else self.take(cell)


def pieces(columns: Sequence[Mapping[str, Any]], rules: Rules) -> dict[str, Piece]:
    """{field: where its value comes from} of every field that has a column, or a part of one."""
    found: dict[str, Piece] = {}
    for position, column in enumerate(columns):
        name = column["field"]
        split = rules.splits.get(name) if name else None
        if split is not None and split.by:
            found[name] = Piece(position, _first(split))
            found[split.rest] = Piece(position, _rest(split))
        elif name:
            found[name] = Piece(position)
    return found


def _first(split: Split) -> Take:
    return lambda cell: cell if _is_whole(cell) else _parts(split, cell)[0] or None


def _rest(split: Split) -> Take:
    return lambda cell: None if _is_whole(cell) else _parts(split, cell)[1] or None


def _is_whole(cell: Cell) -> bool:
    """Blank, or something a spreadsheet has as one thing: a day, an error."""
    return cell is None or isinstance(cell, dict)


def _parts(split: Split, cell: Cell) -> tuple[str, str]:
    text = cells.text(cell).strip()
    head, sign, tail = text.partition(split.by) if split.at == "first" else text.rpartition(split.by)
    return (head.strip(), tail.strip()) if sign else (text, "")
