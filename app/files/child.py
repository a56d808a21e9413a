"""What runs in the child process that reads a file: takes its limits on, finds the table, says its rows on standard output."""
import json
import resource
import signal
import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from app.files import archive
from app.files.cells import Cell
from app.files.delimited import open_delimited
from app.files.headers import find_header, named
from app.files.kinds import COMPOUND, HEAD, WORKBOOK, unreadable
from app.files.legacy import open_xls, open_xlsb
from app.files.limits import BadFile, Limits, Options
from app.files.opendocument import open_ods
from app.files.opened import Opened, Rows
from app.files.workbook import open_workbook
from app.sizes import size

PEEK = 60
HOLD = 1 << 17  # characters
ZIPPED = {"xlsx": open_workbook, "xlsb": open_xlsb, "ods": open_ods}
Sized = Iterator[tuple[tuple[int, list[Cell]], int]]
"""Rows, each with about how many characters it takes."""


def main() -> None:
    """Read the file named in the last argument."""
    asked = json.loads(sys.argv[2])
    limits = Limits(**asked["limits"])
    _restrict(limits)
    for message in said(Path(asked["path"]), Options(**asked["options"]), limits):
        _say(message)


def said(path: Path, options: Options, limits: Limits) -> Iterator[dict[str, Any]]:
    """The messages about one file. Whatever goes wrong with the file is said, not raised."""
    try:
        yield from read(path, options, limits)
    except BadFile as problem:
        yield {"problem": problem.detail}
    except UnicodeError:
        yield {"problem": "Its letters cannot be read in this way. Choose other letters."}
    except MemoryError:
        yield {"problem": "It needs more memory than reading a file may take. Save only the sheet with the data, as CSV."}
    except GeneratorExit:
        raise
    except BaseException as error:  # a panic of the Rust reader is no Exception
        yield {"problem": f"It is damaged, or of a kind we do not read ({type(error).__name__}). "
                          "Open it in a spreadsheet program, save it again, and upload that."}


def read(path: Path, options: Options, limits: Limits) -> Iterator[dict[str, Any]]:
    """The messages about one file, in the order they are sent."""
    if path.stat().st_size > limits.size:
        raise BadFile(f"It is larger than {size(limits.size)}. Split it into several files.")
    opened = _opened(path, options, limits)
    yield from _table(opened, _counted(opened.rows, limits), options)


def _opened(path: Path, options: Options, limits: Limits) -> Opened:
    with path.open("rb") as file:
        head = file.read(HEAD)
    if (sentence := unreadable(head)) is not None:
        raise BadFile(sentence)
    if head.startswith(WORKBOOK):
        return ZIPPED[archive.kind(path, limits)](path, options, limits)
    return (open_xls if head.startswith(COMPOUND) else open_delimited)(path, options, limits)


def _table(opened: Opened, rows: Sized, options: Options) -> Iterator[dict[str, Any]]:
    first = list(islice(rows, PEEK if options.header_row is None else max(PEEK, options.header_row)))
    header = options.header_row or find_header([row for row, _ in first], opened.banners)
    cells = next((cells for (number, cells), _ in first if number == header), None)
    if cells is None:
        raise BadFile("There are no rows in it." if options.header_row is None else f"Row {header} is empty: no headings there.")
    yield {"about": {**opened.about, "headers": named(cells), "header_row": header}}
    total, held, letters = 0, [], 0
    for row, weight in chain(first, rows):
        if row[0] <= header:
            continue
        total, letters = total + 1, letters + weight
        held.append(row)
        if letters > HOLD or len(held) == 500:
            yield {"rows": held}
            held, letters = [], 0
    if held:
        yield {"rows": held}
    yield {"end": total, "told": opened.told}


def _counted(rows: Rows, limits: Limits) -> Sized:
    """The rows that are not blank, without blank cells at their end, as long as they stay within bounds; each with its weight."""
    total = cells_seen = 0
    for row in rows:
        number, cells = row
        while cells and (cells[-1] is None or cells[-1] == ""):
            cells.pop()
        if not cells:
            continue
        total, cells_seen = total + 1, cells_seen + len(cells)
        weight = sum([len(cell) if type(cell) is str else 8 for cell in cells])
        if weight > limits.text or len(cells) > limits.columns or total > limits.rows or cells_seen > limits.cells:
            _check(number, cells, total, cells_seen, limits)
        yield row, weight


def _check(number: int, cells: list[Cell], total: int, cells_seen: int, limits: Limits) -> None:
    """Raise BadFile for a row beyond bounds."""
    if len(cells) > limits.columns:
        raise BadFile(f"Row {number} has more than {limits.columns} columns. Delete those that are not needed.")
    if total > limits.rows + 1:
        raise BadFile(f"It has more than {limits.rows:,} rows. Split it into several files.")
    if cells_seen > limits.cells:
        raise BadFile(f"It has more than {limits.cells:,} cells. Split it into several files.")
    if any(isinstance(cell, str) and len(cell) > limits.text for cell in cells):
        raise BadFile(f"A cell in row {number} has more than {limits.text:,} characters. A quote may be missing at its end.")


def _restrict(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu, limits.cpu + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")))
    sys.stdout.write("\n")
    sys.stdout.flush()
