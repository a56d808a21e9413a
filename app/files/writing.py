"""Files for people to take away, written row by row in bounded memory: CSV, XLSX, JSON lines.

A cell is text, a number, a day, a moment (UTC, without a zone) or empty. Text is made harmless for spreadsheet programs; in a
workbook the others are cells of their kind: amounts keep their decimals, days and moments read alike everywhere.
"""
import codecs
import csv
import io
import json
import re
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import chain, islice, zip_longest
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from app.files.cells import EXACT
from app.files.guard import SUSPECT, defuse, shield
from app.files.headers import letter


class Fault(str):
    """An error of a spreadsheet, like #N/A: written as one."""

    __slots__ = ()


Value = str | int | float | Decimal | bool | date | None
LAST_ROW = 1_048_576
LONGEST_TEXT = 32_767
MEASURED = 100     # rows the widths are taken from
TOGETHER = 200     # rows that go into the archive at once
UNSAYABLE = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)))
"""What XML 1.0 has no way to write."""
ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)|\r")
FIRST_DAY, LEAP = datetime(1899, 12, 30), date(1900, 3, 1)  # noqa: DTZ001 (a workbook knows no zones)
DAY = timedelta(days=1)
HEADING, DATE, MINUTES, SECONDS = 1, 2, 3, 4
DECIMALS = {0: 5, 2: 6, 3: 7, 4: 8}
"""The styles of cells, in the order STYLES declares them."""


def csv_writer(file: BinaryIO, headers: Sequence[str], rows: Iterable[Sequence[Value]], delimiter: str = ",",
               encoding: str = "utf-8-sig") -> int:
    """Write UTF-8 with the mark Excel needs, commas unless told otherwise, CRLF (RFC 4180). Returns the number of rows."""
    return csv_ready(file, headers, ([[harmless(value) for value in row]] for row in rows), delimiter, encoding)


def csv_ready(file: BinaryIO, headers: Sequence[str], parts: Iterable[Collection[Sequence[Value]]], delimiter: str = ",",
              encoding: str = "utf-8-sig") -> int:
    """The same of rows that are harmless already, many at a time."""
    count, encoder = 0, codecs.getincrementalencoder(encoding)()     # puts the mark before the first part alone
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(map(defuse, headers))
    for part in parts:
        writer.writerows(part)
        count += len(part)
        file.write(encoder.encode(text.getvalue()))
        text.seek(0)
        text.truncate()
    file.write(encoder.encode(text.getvalue(), final=True))
    return count


def harmless(value: Value) -> Value:
    """The value for a CSV file: text that would be run as a formula is not any more."""
    return defuse(value) if type(value) is str and value[:1] in SUSPECT else value


def jsonl_writer(file: BinaryIO, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write one JSON object a line. Returns the number of rows."""
    count = 0
    for row in rows:
        count += 1
        file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":"), default=str).encode() + b"\n")
    return count


def xlsx_writer(file: BinaryIO, title: str, headers: Sequence[str], rows: Iterable[Sequence[Value]], *,
                is_local: bool = False) -> int:
    """Write a workbook: bold frozen headings with filters, columns as wide as their first rows, text as text cells, a further
    sheet when one is full. `is_local`: days and moments look as the reader's own spreadsheet program shows them. Returns the
    number of rows.

    ECMA-376 part 1, §18: inline strings, so that nothing has to be kept in memory.
    """
    source = iter(rows)
    first = list(islice(source, MEASURED))
    return xlsx_ready(file, title, headers, first, (list(map(cell, row)) for row in chain(first, source)), is_local=is_local)


def xlsx_ready(file: BinaryIO, title: str, headers: Sequence[str], first: Sequence[Sequence[Value]],
               rows: Iterable[Sequence[str]], *, is_local: bool = False) -> int:
    """The same of rows whose values are written by `cell` already; `first` are the values columns are measured by."""
    count, sheet, source, head = 0, 0, iter(rows), _head(headers, first)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        following = next(source, None)
        while sheet == 0 or following is not None:
            sheet += 1
            with archive.open(f"xl/worksheets/sheet{sheet}.xml", "w", force_zip64=True) as part:
                part.write(head)
                fitting = islice(source if following is None else chain((following,), source), LAST_ROW - 1)
                number = 1
                while some := list(islice(fitting, TOGETHER)):
                    part.write(_rows(number + 1, some).encode())
                    number += len(some)
                part.write(f'</sheetData><autoFilter ref="A1:{letter(len(headers) - 1)}{number}"/></worksheet>'.encode())
            count += number - 1
            following = next(source, None)
        for name, content in _rest(title, sheet, is_local):
            archive.writestr(name, content)
    return count


def cell(value: Value, style: str = "") -> str:
    """A cell of a sheet from after its place on: its kind, style and value. "" if it is empty."""
    if value is None or value == "":
        return ""
    if type(value) is str and value.isascii() and value.isprintable() and value[:1] not in SUSPECT and "_" not in value:
        return _text(value[:LONGEST_TEXT], style)      # nearly always
    if isinstance(value, bool):
        return f' t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float | Decimal) and _is_exact(value):
        return f'{_decimals(value)}><v>{value}</v></c>'
    if isinstance(value, date) and _fits(value):
        return _moment(value) if isinstance(value, datetime) else f' s="{DATE}"><v>{_days(value)}</v></c>'
    if isinstance(value, Fault):
        return f' t="e"><v>{escape(value)}</v></c>'
    text = ESCAPED.sub(lambda found: f"_x{ord(found[0]):04X}_", shield(str(value).translate(UNSAYABLE))[:LONGEST_TEXT])
    return _text(text, style)


def _head(headers: Sequence[str], first: Sequence[Sequence[Value]]) -> bytes:
    """The beginning of a sheet, its headings within."""
    lengths = [max([len(heading) + 3, *(len(str(row[place] if place < len(row) else "").partition("\n")[0]) for row in first)])
               for place, heading in enumerate(headers)]
    widths = "".join(f'<col min="{place}" max="{place}" width="{min(max(length + 2, 8), 60)}" customWidth="1"/>'
                     for place, length in enumerate(lengths, 1))
    headings = _rows(1, [[cell(heading, f' s="{HEADING}"') for heading in headers]])
    return f"{SHEET_HEAD}<cols>{widths}</cols><sheetData>{headings}".encode()


def _rows(number: int, some: Sequence[Sequence[str]]) -> str:
    """Rows from this number on. Their cells get their places column by column, which is quicker than row by row."""
    places = [str(place) for place in range(number, number + len(some))]
    columns = list(zip_longest(*some, fillvalue=""))
    placed = [[f'<c r="{name}{place}"{cell}' if cell else "" for place, cell in zip(places, column, strict=True)]
              for name, column in zip(_letters(len(columns)), columns, strict=True)]
    rows = zip(*placed, strict=True) if placed else ((),) * len(some)
    return "".join([f'<row r="{place}">{"".join(cells)}</row>' for place, cells in zip(places, rows, strict=True)])


@lru_cache(maxsize=100)
def _letters(count: int) -> tuple[str, ...]:
    return tuple(map(letter, range(count)))


def _text(text: str, style: str) -> str:
    return f' t="inlineStr"{style}><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def _is_exact(value: int | float | Decimal) -> bool:
    """Whether the fifteen digits of a spreadsheet are enough."""
    return -EXACT < value < EXACT and not (isinstance(value, Decimal) and len(value.as_tuple().digits) > 15)


def _decimals(value: int | float | Decimal) -> str:
    """The style of an amount; other numbers have none."""
    places = -int(value.as_tuple().exponent) if isinstance(value, Decimal) and value.is_finite() else None
    return f' s="{DECIMALS[places]}"' if places in DECIMALS else ""


def _fits(value: date) -> bool:
    """Whether a workbook can say it: not before March 1900, and no finer than seconds."""
    if isinstance(value, datetime):
        return value.date() >= LEAP and not value.microsecond
    return value >= LEAP


def _days(value: date) -> int:
    return (value - FIRST_DAY.date()).days


def _moment(value: datetime) -> str:
    style = SECONDS if value.second else MINUTES
    return f' s="{style}"><v>{(value.replace(tzinfo=None) - FIRST_DAY) / DAY!r}</v></c>'


def _rest(title: str, sheets: int, is_local: bool) -> Iterator[tuple[str, str]]:
    """Every part of the workbook but the sheets."""
    numbers = range(1, sheets + 1)
    name = escape("".join(c for c in title if c not in "[]:*?/\\'\"")[:25], {'"': "&quot;"})
    named = "".join(f'<sheet name="{name}{f" {n}" if n > 1 else ""}" sheetId="{n}" r:id="rId{n}"/>' for n in numbers)
    yield "xl/workbook.xml", f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{REFERS}"><sheets>{named}</sheets></workbook>'
    links = "".join(f'<Relationship Id="rId{n}" Type="{REFERS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers)
    yield "xl/_rels/workbook.xml.rels", (f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{links}<Relationship '
                                         f'Id="rId0" Type="{REFERS}/styles" Target="styles.xml"/></Relationships>')
    yield "xl/styles.xml", _styles(LOCAL if is_local else {})
    yield "_rels/.rels", (f'{XML}<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
                          f'Type="{REFERS}/officeDocument" Target="xl/workbook.xml"/></Relationships>')
    parts = "".join(f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{KIND}.worksheet+xml"/>' for n in numbers)
    yield "[Content_Types].xml", (
        f'{XML}<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/><Default '
        f'Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override '
        f'PartName="/xl/workbook.xml" ContentType="{KIND}.sheet.main+xml"/><Override PartName="/xl/styles.xml" '
        f'ContentType="{KIND}.styles+xml"/>{parts}</Types>')


XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
REFERS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
SHEET_HEAD = (f'{XML}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" '
              'activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultColWidth="18" '
              'defaultRowHeight="15"/>')
FORMATS = ("yyyy-mm-dd", "yyyy-mm-dd hh:mm", "yyyy-mm-dd hh:mm:ss", "#,##0", "#,##0.00", "#,##0.000", "#,##0.0000")
LOCAL = {0: 14, 1: 22}
"""Of the formats every program shows in its own way (§18.8.30): a day, a day with hour and minute."""


def _styles(local: Mapping[int, int]) -> str:
    """xl/styles.xml: headings, then a style for each of FORMATS, or in its place the built-in format `local` names."""
    formats = "".join(f'<numFmt numFmtId="{number}" formatCode="{code}"/>' for number, code in enumerate(FORMATS, 164))
    used = "".join(f'<xf xfId="0" numFmtId="{local.get(place, 164 + place)}" applyNumberFormat="1"/>'
                   for place in range(len(FORMATS)))
    return (f'{XML}<styleSheet xmlns="{MAIN}"><numFmts count="{len(FORMATS)}">{formats}</numFmts><fonts count="2"><font><sz '
            'val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2">'
            '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
            '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf/>'
            f'</cellStyleXfs><cellXfs count="{len(FORMATS) + 2}"><xf xfId="0"/><xf xfId="0" fontId="1" applyFont="1"/>{used}'
            '</cellXfs><cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>')
