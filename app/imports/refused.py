"""The refused rows of an import as a file: its columns, and one that says what to mend. Uploaded again, it reads alike."""
import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from typing import BinaryIO

from app.extensions import db
from app.files import cells
from app.files.cells import Cell
from app.files.guard import restore
from app.files.writing import Fault, Value, csv_writer, xlsx_writer
from app.imports.matching import OURS, is_ours
from app.imports.models import Import
from app.records import batches
from app.records.batches import REFUSED, Batch, BatchRow
from app.records.fields import Field
from app.records.registry import named

PAGE = 500
LONGEST = 200      # bytes of a name; systems take 255


def write(imported: Import, batch: Batch, file: BinaryIO) -> int:
    """Write them as a workbook if they came in one, else as CSV with the delimiter they had; returns how many there are."""
    headers = [column["header"] for column in imported.columns if not is_ours(column["header"])] + list(OURS)
    if imported.about.get("format", "csv") != "csv":
        return xlsx_writer(file, imported.about.get("sheet") or "Refused", headers, _rows(imported, batch))
    return csv_writer(file, headers, _rows(imported, batch), imported.about.get("delimiter") or ",")


def file_name(imported: Import, kind: str) -> str:
    """What the file is called: after the upload, in letters no system and no shell minds."""
    stem = imported.file_name.rpartition(".")[0] or imported.file_name
    safe = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", stem)).strip("-.").encode()[:LONGEST].decode(errors="ignore")
    return f"{safe or f'import-{imported.id}'}-refused.{kind}"


def _rows(imported: Import, batch: Batch) -> Iterator[list[Value]]:
    kept = [position for position, column in enumerate(imported.columns) if not is_ours(column["header"])]
    after = 0
    while rows := batches.page(db.session(), batch, REFUSED, after, PAGE):
        for row in rows:
            found = [value(cell) for cell in row.cells or []]
            beyond = found[len(imported.columns):]    # cells without a heading stay, so that they are refused again
            yield [found[position] if position < len(found) else None for position in kept] + [reasons(imported, row)] + beyond
        after = rows[-1].number


def value(cell: Cell) -> Value:
    """What reads back as the same cell. A formula without a value is said to be missing: #N/A."""
    if isinstance(cell, dict):
        return _typed(*next(iter(cell.items())))
    if isinstance(cell, int | float) and not cells.damaged(cell):
        return cell
    return restore(cells.text(cell))


def _typed(kind: str, text: str) -> Value:
    if kind == "d":
        return date.fromisoformat(text)
    if kind == "t":
        return datetime.fromisoformat(text)
    return Fault("#N/A" if kind == "f" else text) if kind in "ef" else text


def reasons(imported: Import, row: BatchRow) -> str:
    """Everything that is wrong with a row in one line: "Status: This is not one of the choices. …"."""
    return " ".join(f"{title}: {sentence}" if title else sentence for title, sentence in said(imported, row))


def said(imported: Import, row: BatchRow) -> list[tuple[str, str]]:
    """(column or field, sentence) for each thing that is wrong; "" where it concerns the whole row."""
    headers = {column["field"]: column["header"] for column in imported.columns if column["field"]}
    return [(headers.get(name) or title(imported.resource, name), sentence) for name, sentence in (row.errors or {}).items()]


def title(resource: str, name: str) -> str:
    """What the field of this name or column is called."""
    field: Field | None = named(resource).field(name) if name else None
    return field.title if field is not None else name.capitalize()
