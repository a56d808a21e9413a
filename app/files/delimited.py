"""Rows of a CSV file of unknown encoding and delimiter."""
import csv
import io
import re
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

from app.files import encodings
from app.files.cells import pack
from app.files.limits import BadFile, Limits, Options
from app.files.opened import Opened, Rows

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 64 * 1024
DECLARED = re.compile(r"\ufeff?\"?sep=(.)\"?[,;\t|]*\r?\n", re.IGNORECASE)
"""The first line with which files tell Excel their delimiter."""


def open_delimited(path: Path, options: Options, limits: Limits) -> Opened:
    """What kind of CSV it is, and its rows, numbered as a spreadsheet program numbers them (a blank line is a row too)."""
    csv.field_size_limit(limits.text + 1)
    encoding, candidates = encodings.find(path, options.encoding)
    with _open(path, encoding) as file:
        sample = file.read(SAMPLE)
    if sample.count("\x00") > len(sample) // 100:
        raise BadFile("It is no text. Save it as CSV or XLSX, and upload that.")
    declared = DECLARED.match(sample)
    delimiter = options.delimiter or (declared[1] if declared else find_delimiter(sample))
    about: dict[str, Any] = {"format": "csv", "sheet": None, "sheets": [], "encoding": encoding, "delimiter": delimiter,
                             "candidates": [one._asdict() for one in candidates]}
    return Opened(about, _rows(path, encoding, delimiter, _is_spaced(sample, delimiter), bool(declared)))


def _open(path: Path, encoding: str) -> TextIO:
    return path.open(encoding=encoding, errors="replace", newline="")


def _is_spaced(sample: str, delimiter: str) -> bool:
    """Whether quotes come after a blank: 1, "two, three"."""
    return f'{delimiter} "' in sample and f'{delimiter}"' not in sample


def _rows(path: Path, encoding: str, delimiter: str, spaced: bool, declared: bool) -> Rows:
    with _open(path, encoding) as file:
        reader = csv.reader(file, delimiter=delimiter, skipinitialspace=spaced)
        number = 0
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                raise BadFile(f"Row {number} has a cell without end. A quote (\") may be missing there.") from None
            if number > 1 or not declared:
                yield number, [pack(cell.replace("\x00", "")) for cell in cells]


def find_delimiter(sample: str) -> str:
    """The delimiter that cuts most rows of the sample into the same number of cells, more than one; a comma if none does."""
    complete = sample.rpartition("\n")[0] if len(sample) == SAMPLE else sample
    votes = {delimiter: _vote(complete or sample, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: votes[delimiter])
    return best if any(votes[best]) else ","


def _vote(sample: str, delimiter: str) -> tuple[float, bool, int]:
    """(share of rows with the commonest width, the first row has it too, that width).

    Decimal commas cut most rows alike as well, but hardly ever the headings.
    """
    try:
        widths = [len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row][:500]
    except csv.Error:
        return 0.0, False, 0
    counted = Counter(width for width in widths if width > 1)
    if not counted:
        return 0.0, False, 0
    width, rows = max(counted.items(), key=lambda item: (item[1], item[0]))
    return round(rows / len(widths), 1), widths[0] == width, width
