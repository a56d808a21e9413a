"""The value of one cell: what it was in the file, and how it travels as JSON.

Text, numbers and truth travel as themselves; what JSON cannot say is an object with one letter: {"d": day}, {"t": day and
time}, {"h": time of day or span}, {"e": an error of the spreadsheet}, {"f": a formula without a value}.
"""
import math
from datetime import date, datetime, time, timedelta
from typing import Any

Cell = str | int | float | bool | None | dict[str, str]
ERRORS = frozenset(("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!", "#GETTING_DATA"))
EXACT = 10**15
"""Spreadsheets keep fifteen digits: a whole number this large may have lost its last ones."""


def pack(value: Any) -> Cell:
    """A value of a workbook as a cell. Empty text is None."""
    if type(value) is str:
        return {"e": value} if value in ERRORS else value or None
    if value is None or type(value) in (int, bool):
        return value  # type: ignore[no-any-return]
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        return {"t": value.isoformat(" ")}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    if isinstance(value, time | timedelta):
        return {"h": str(value)}
    return str(value)


def _number(value: float) -> Cell:
    if not math.isfinite(value):
        return {"e": "#NUM!"}
    return int(value) if value.is_integer() and abs(value) < EXACT else value


def error(cell: Cell) -> str | None:
    """The error the spreadsheet shows in this cell, like #N/A, or None."""
    return cell.get("e") if isinstance(cell, dict) else None


def formula(cell: Cell) -> str | None:
    """The formula of a cell whose value the file does not hold, or None."""
    return cell.get("f") if isinstance(cell, dict) else None


def damaged(cell: Cell) -> bool:
    """Whether the cell is a number with more than fifteen digits: the spreadsheet has rounded it already."""
    return isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= EXACT


def text(cell: Cell) -> str:
    """The cell as a person reads it; "" if empty. Whole numbers without ".0"."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, dict):
        return next(iter(cell.values()))
    if isinstance(cell, float):
        return format(cell, ".15g") if abs(cell) >= EXACT or cell == 0 else _plain(cell)
    return str(cell)


def _plain(value: float) -> str:
    """A float without exponent: 0.00001, not 1e-05."""
    shortest = repr(value)
    return shortest if "e" not in shortest else format(value, ".20f").rstrip("0").rstrip(".")
