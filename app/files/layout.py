"""What a sheet of an XLSX workbook says beside its cells: what is merged, hidden, or computed. One pass over its XML.

ECMA-376 part 1, §18.3.1.13 (col), §18.3.1.55 (mergeCell), §18.3.1.73 (row).
"""
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import join, normpath
from xml.etree import ElementTree

from app.files.merging import MOST, Merge

PIECE = 1 << 20
LAST = 16_384
HEAD = 2_000    # bytes within which a sheet says how its tags begin
REFERS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
HIDDEN = re.compile(rb'<(?:\w+:)?(row|col)\s(?=[^>]*\bhidden="(?:1|true)")([^>]*)>')
MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?\bref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
PREFIXED = re.compile(rb'xmlns:\w+="[^"]*/spreadsheetml/(?:2006/)?main"')
SPAN = re.compile(rb'\b(min|max)="(\d{1,5})"')


@dataclass
class Layout:
    """`hidden_columns` are counted from 0."""

    merges: list[Merge] = field(default_factory=list)
    hidden_rows: int = 0
    hidden_columns: set[int] = field(default_factory=set)
    formulas: bool = False
    prefixed: bool = False      # its tags may have a prefix: <x:f>


def look(path: Path, sheet: str) -> Layout:
    """The layout of a sheet; an empty one where the workbook is built in a way we do not know."""
    found = Layout()
    with zipfile.ZipFile(path) as archive:
        part = part_of(archive, sheet)
        if part is not None:
            for place, piece in enumerate(_pieces(archive, part)):
                found.prefixed = found.prefixed or place == 0 and PREFIXED.search(piece, 0, HEAD) is not None
                _take(found, piece)
    return found


def _pieces(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """Pieces that end where a tag ends, so that no tag is cut in two."""
    left = b""
    with archive.open(part) as file:
        while piece := file.read(PIECE):
            whole, mark, rest = (left + piece).rpartition(b">")
            yield whole + mark
            left = rest[-PIECE:]


def _take(found: Layout, piece: bytes) -> None:
    found.formulas = found.formulas or b"<f" in piece or found.prefixed and b":f" in piece
    if b"hidden=" in piece:
        for kind, attributes in HIDDEN.findall(piece):
            if kind == b"row":
                found.hidden_rows += 1
            else:
                _columns(found, dict(SPAN.findall(attributes)))
    if b"mergeCell" in piece:
        for left, first, right, last in MERGED.findall(piece):
            if len(found.merges) < MOST:
                found.merges.append(Merge(int(first), int(last), column(left), column(right)))


def _columns(found: Layout, span: dict[bytes, bytes]) -> None:
    first = int(span.get(b"min", 1))
    found.hidden_columns.update(range(first - 1, min(int(span.get(b"max", first)), LAST)))


def column(letters: bytes) -> int:
    """The position of a column by its letters, counted from 0."""
    number = 0
    for one in letters:
        number = number * 26 + one - 64
    return number - 1


def part_of(archive: zipfile.ZipFile, sheet: str) -> str | None:
    """The name of the part that holds the sheet."""
    names = set(archive.namelist())
    if not {"xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        return None
    book, links = (_parsed(archive, name) for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"))
    wanted = next((one.get(REFERS) for one in book.iter() if one.tag.endswith("}sheet") and one.get("name") == sheet), None)
    target = next((link.get("Target", "") for link in links.iter() if link.get("Id") == wanted), "")
    part = normpath(join("/xl", target)).lstrip("/")
    return part if wanted and part in names else None


def _parsed(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    return ElementTree.fromstring(archive.read(name))  # noqa: S314 (in the child, under its limits)
