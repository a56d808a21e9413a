"""What every reader of a kind of file answers: what it is, its rows, and what was noticed on the way."""
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.files.cells import Cell
from app.files.limits import BadFile, Options

Rows = Iterator[tuple[int, list[Cell]]]


@dataclass
class Opened:
    """`about` is what About says; `banners` are the rows with a cell merged across columns. All grow while rows are taken."""

    about: dict[str, Any]
    rows: Rows
    banners: set[int] = field(default_factory=set)
    told: dict[str, int] = field(default_factory=dict)     # what is told beside the rows, and how often it was met


def chosen(visible: list[str], hidden: list[str], options: Options, guess: str | None = None) -> str:
    """The sheet that is read: the one a person chose, else the guess, else the first. Hidden ones come last."""
    sheets = [*visible, *hidden]
    if not sheets:
        raise BadFile("There is no sheet with cells in it.")
    if options.sheet and options.sheet not in sheets:
        raise BadFile(f"There is no sheet called {options.sheet}.")
    return options.sheet or guess or sheets[0]


def of_book(format: str, sheet: str, visible: list[str], hidden: list[str]) -> dict[str, Any]:
    """What is said about a workbook."""
    return {"format": format, "sheet": sheet, "sheets": [*visible, *hidden], "hidden": hidden}
