"""Rows of a CSV file of unknown encoding and delimiter."""
import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from charset_normalizer import from_bytes

from app.files.cells import Cell, pack
from app.files.limits import BadFile, Limits, Options

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 64 * 1024
USUAL = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "mac_roman", "cp437", "cp850", "shift_jis", "gb18030", "big5",
         "euc_kr")


def open_delimited(path: Path, options: Options, limits: Limits) -> tuple[dict[str, Any], Iterator[tuple[int, list[Cell]]]]:
    """What kind of CSV it is, and its rows, numbered as a spreadsheet program numbers them (a blank line is a row too)."""
    csv.field_size_limit(limits.text + 1)
    encoding = options.encoding or find_encoding(path)
    with _open(path, encoding) as file:
        sample = file.read(SAMPLE)
    if sample.count("\x00") > len(sample) // 100:
        raise BadFile("It is no text. Save it as CSV or XLSX, and upload that.")
    delimiter = options.delimiter or find_delimiter(sample)
    about: dict[str, Any] = {"format": "csv", "sheet": None, "sheets": [], "encoding": encoding, "delimiter": delimiter}
    return about, _rows(path, encoding, delimiter)


def _open(path: Path, encoding: str) -> TextIO:
    try:
        return path.open(encoding=encoding, errors="replace", newline="")
    except LookupError:
        raise BadFile(f"{encoding} is no encoding we know. Choose another.") from None


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[Cell]]]:
    with _open(path, encoding) as file:
        reader = csv.reader(file, delimiter=delimiter)
        number = 0
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                raise BadFile(f"Row {number} has a cell without end. A quote (\") may be missing there.") from None
            yield number, [pack(cell.replace("\x00", "")) for cell in cells]


def find_encoding(path: Path) -> str:
    """The encoding: by its mark, else UTF-8 if the whole file is, else UTF-16 without mark, else the likeliest old one."""
    with path.open("rb") as file:
        head = file.read(SAMPLE)
    for mark, name in MARKS:
        if head.startswith(mark):
            return name
    if (pairs := _utf16(head)) is not None:
        return pairs
    odd = _first_odd(path)
    return "utf-8" if odd is None else _guess(odd)


def _utf16(head: bytes) -> str | None:
    """UTF-16 of western text has a NUL in every other place."""
    even, uneven = head[::2].count(0), head[1::2].count(0)
    if uneven > len(head) // 5 and even < len(head) // 50:
        return "utf-16-le"
    return "utf-16-be" if even > len(head) // 5 and uneven < len(head) // 50 else None


def _first_odd(path: Path) -> bytes | None:
    """None if the file is UTF-8 throughout; else the part around the first byte that is not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            try:
                decoder.decode(piece)
            except UnicodeDecodeError as error:
                return piece[max(0, error.start - SAMPLE):error.start + SAMPLE]
    return None


def _guess(part: bytes) -> str:
    """Western Windows unless the text says otherwise: guesses on a few letters go wrong in other ways every time."""
    odd = sum(byte >= 0x80 for byte in part)
    if odd * 8 < len(part) or odd < 30:
        return "cp1252" if _western(part) else "mac_roman"
    best = from_bytes(part, cp_isolation=list(USUAL)).best()
    return best.encoding if best is not None else "cp1252"


def _western(part: bytes) -> bool:
    try:
        part.decode("cp1252")
    except UnicodeDecodeError:
        return False
    return True


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
