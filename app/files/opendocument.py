"""Rows of an ODS sheet, streamed out of its XML: the reader of other workbooks loses the errors that stand in cells.

OpenDocument 1.3 part 3, §9.1 (tables) and §19.385 (value types); errors as LibreOffice writes them.
"""
import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from app.files.archive import ENTITIES
from app.files.cells import ERRORS, Cell, pack
from app.files.limits import BadFile, Limits, Options
from app.files.merging import Merge, Merges
from app.files.opened import Opened, Rows, chosen, of_book

PIECE = 1 << 18
TABLE, TEXT, OFFICE, STYLE = (
    f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0 " for name in ("table", "text", "office", "style"))
CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
SPAN = re.compile(r"-?PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,]\d+)?S)?")
FAULT = re.compile(r"Err:\d{3}")
HIDDEN = ("collapse", "filter")
Attributes = dict[str, str]


def open_ods(path: Path, options: Options, limits: Limits) -> Opened:
    """Its sheets, and the rows of the chosen one, else of the first visible one that has any."""
    visible, hidden, full = _sheets(path)
    sheet = chosen(visible, hidden, options, next((name for name in visible if name in full), None))
    opened = Opened(of_book("ods", sheet, visible, hidden) | {"hidden_columns": []}, iter(()))
    opened.rows = _rows(path, _Sheet(sheet, limits, opened))
    return opened


class _Sheets:
    """The names of the tables, those that are hidden by their style, and those with text in them."""

    def __init__(self) -> None:
        self.names: list[tuple[str, str]] = []
        self.unseen: set[str] = set()
        self.full: set[str] = set()
        self._style = ""

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == TABLE + "table":
            self.names.append((attributes.get(TABLE + "name", ""), attributes.get(TABLE + "style-name", "")))
        elif tag == STYLE + "style":
            self._style = attributes.get(STYLE + "name", "")
        elif tag == STYLE + "table-properties" and attributes.get(TABLE + "display") == "false":
            self.unseen.add(self._style)
        elif tag == TEXT + "p" and self.names:
            self.full.add(self.names[-1][0])

    def end(self, tag: str) -> None:
        """Nothing of it matters here."""

    def words(self, words: str) -> None:
        """Nor what is written."""


def _sheets(path: Path) -> tuple[list[str], list[str], set[str]]:
    found = _Sheets()
    for _ in _parsed(path, found):
        pass
    visible = [name for name, style in found.names if style not in found.unseen]
    return visible, [name for name, style in found.names if style in found.unseen], found.full


class _Sheet:
    """Collects the rows of one table as the parser comes by them."""

    def __init__(self, name: str, limits: Limits, opened: Opened) -> None:
        self.name, self.limits, self.opened = name, limits, opened
        self.ready: list[tuple[int, int, list[Cell]]] = []      # (first number, times, cells)
        self.is_over = False
        self._depth = 0                                         # of tables: there may be one in a cell
        self._number, self._cells, self._row, self._cell = 1, list[Cell](), Attributes(), Attributes()
        self._lines: list[str] = []
        self._in_text = self._notes = self._columns = 0
        self._merges = Merges()

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag == TABLE + "table":
            self._depth += bool(self._depth) or attributes.get(TABLE + "name", "") == self.name
        elif self._depth != 1:
            return
        elif tag == TABLE + "table-row":
            self._row, self._cells = attributes, []
        elif tag in (TABLE + "table-cell", TABLE + "covered-table-cell"):
            self._cell, self._lines = attributes, []
        elif tag == TABLE + "table-column":
            self._column(attributes)
        elif tag == OFFICE + "annotation":
            self._notes += 1
        elif not self._notes:
            self._text(tag, attributes)

    def _text(self, tag: str, attributes: Attributes) -> None:
        if tag == TEXT + "p":
            self._in_text += 1
            self._lines.append("")
        elif self._lines and tag.startswith(TEXT):
            blanks = " " * min(_times(attributes.get(TEXT + "c")), 1000)
            self._lines[-1] += {"s": blanks, "tab": "\t", "line-break": "\n"}.get(tag.removeprefix(TEXT), "")

    def words(self, words: str) -> None:
        if self._in_text and not self._notes and self._depth == 1 and len(self._lines[-1]) <= self.limits.text:
            self._lines[-1] += words

    def end(self, tag: str) -> None:
        if tag == TABLE + "table" and self._depth:
            self._depth -= 1
            self.is_over = self.is_over or not self._depth
        elif self._depth != 1:
            return
        elif tag == TEXT + "p" and not self._notes:
            self._in_text -= 1
        elif tag == OFFICE + "annotation":
            self._notes -= 1
        elif tag in (TABLE + "table-cell", TABLE + "covered-table-cell"):
            self._end_cell(None if tag.endswith("covered-table-cell") else value_of(self._cell, "\n".join(self._lines)))
        elif tag == TABLE + "table-row":
            self._end_row()

    def _column(self, attributes: Attributes) -> None:
        times = min(_times(attributes.get(TABLE + "number-columns-repeated")), self.limits.columns)
        if attributes.get(TABLE + "visibility") in HIDDEN:
            self.opened.about["hidden_columns"] += range(self._columns, self._columns + times)
        self._columns += times

    def _end_cell(self, value: Cell) -> None:
        room = self.limits.columns + 1 - len(self._cells)
        times = min(_times(self._cell.get(TABLE + "number-columns-repeated")), max(room, 0))
        down, across = (_times(self._cell.get(f"{TABLE}number-{what}-spanned")) for what in ("rows", "columns"))
        if down > 1:
            self._merges.add(Merge(self._number, self._number + down - 1, len(self._cells), len(self._cells) + across - 1), value)
        if across > 1:
            self.opened.banners.add(self._number)
        self._cells += [value] * times

    def _end_row(self) -> None:
        times, told = _times(self._row.get(TABLE + "number-rows-repeated")), self.opened.told
        if any(cell is not None for cell in self._cells):
            if self._merges.fill(self._number, self._cells):
                told["merged rows"] = told.get("merged rows", 0) + 1
            if self._row.get(TABLE + "visibility") in HIDDEN:
                told["hidden rows"] = told.get("hidden rows", 0) + times
            self.ready.append((self._number, times, self._cells))
        self._number += times


def _rows(path: Path, sheet: _Sheet) -> Rows:
    for _ in _parsed(path, sheet):
        for first, times, cells in sheet.ready:
            for number in range(first, first + times):
                yield number, list(cells)
        sheet.ready = []
        if sheet.is_over:
            return


def _parsed(path: Path, to: "_Sheets | _Sheet") -> Iterator[None]:
    """Feed the XML piece by piece; what was found in one is ready when this yields."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = to.start, to.end, to.words
    parser.StartDoctypeDeclHandler = _refused
    with zipfile.ZipFile(path) as archive, archive.open("content.xml") as file:
        yield from _fed(parser, file)


def _fed(parser: Any, file: IO[bytes]) -> Iterator[None]:
    while piece := file.read(PIECE):
        parser.Parse(piece)
        yield
    parser.Parse(b"", True)
    yield


def _refused(*_: object) -> None:
    raise BadFile(ENTITIES)


def value_of(attributes: Attributes, written: str) -> Cell:
    """The value of a cell by its attributes and the text it shows."""
    kind = attributes.get(CALC + "value-type") or attributes.get(OFFICE + "value-type", "")
    said = attributes.get(OFFICE + "value", "")
    if kind == "error" or written in ERRORS or FAULT.fullmatch(written):
        return {"e": written or "#VALUE!"}
    if kind in ("float", "percentage", "currency") and said:
        return pack(int(said) if said.lstrip("-").isdecimal() else float(said))
    if kind == "boolean":
        return attributes.get(OFFICE + "boolean-value") == "true"
    if kind == "date":
        return _moment(attributes.get(OFFICE + "date-value", ""))
    if kind == "time" and (span := SPAN.fullmatch(attributes.get(OFFICE + "time-value", ""))):
        hours, minutes, seconds = (int(part or 0) for part in span.groups())
        return {"h": f"{hours:02}:{minutes:02}:{seconds:02}"}
    text = written or attributes.get(OFFICE + "string-value", "")
    if not (text or kind) and TABLE + "formula" in attributes:
        return {"f": attributes[TABLE + "formula"].removeprefix("of:")[:100]}
    return text or None


def _moment(said: str) -> Cell:
    """A day, or a day and a time."""
    try:
        found = datetime.fromisoformat(said[:26])
    except ValueError:
        return said or None
    return {"d": said} if len(said) == 10 else {"t": found.isoformat(" ")}


def _times(said: str | None) -> int:
    return int(said) if said and said.isdecimal() and len(said) < 9 else 1
