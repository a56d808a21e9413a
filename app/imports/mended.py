"""Refused rows mended in a spreadsheet program come back: they replace those of the same import, and only they are planned."""
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.audit import Actor
from app.config import config
from app.files.cells import Cell
from app.files.limits import BadFile
from app.files.reading import Row, read_rows
from app.files.storage import Readable, fresh_name, open_storage
from app.imports.match import held, plan
from app.imports.matching import EDITION, ROW_OF, is_ours
from app.imports.mending import editable, keep
from app.imports.models import Import
from app.imports.read import LIMITS
from app.jobs.enqueue import enqueue
from app.jobs.work import Work
from app.records.batches import Batch, rows_table
from app.transaction import transaction

CHUNK, NAMED = 500, 10
OTHER = "This is not the workbook of this import: take “Workbook to mend” here, mend that, and upload it again."
Tally = dict[str, Any]


def take(import_id: int, stream: Readable, *, by: Actor) -> None:
    """Keep the mended workbook and queue its reading. Raises TooLarge, or Conflict past the preview."""
    storage = open_storage()
    kept = storage.save(stream, fresh_name("imports", ""), most=config().max_upload_bytes)
    try:
        with transaction() as session:
            imported, _ = editable(session, import_id, by)
            imported.job_id = enqueue(session, "imports.mend", {"import_id": import_id, "file": kept.name},
                                      key=f"import {import_id}", by=by).id
            audit.note(session, by, "imports.mend", "imports", import_id, resource=imported.resource)
    except BaseException:
        storage.delete(kept.name)
        raise


def read(work: Work, import_id: int, file: str) -> None:
    """Put its rows in the place of those they were, and plan them. After a crash it starts over."""
    tally: Tally = {"mended": 0, "same": 0, "strange": [], "late": []}
    try:
        with open_storage().local(file) as path, read_rows(path, None, LIMITS) as reading:
            rows = iter(reading.rows)
            while some := list(islice(rows, CHUNK)):
                with work.transaction() as session:
                    imported, batch = held(session, import_id)
                    places = _places(imported, reading.about.headers)
                    if imported.stage == "preview":
                        _replace(session, batch, len(imported.columns), _said(some, places), tally, work.actor)
    except BadFile as problem:
        tally = {"problem": problem.detail}
    with work.transaction() as session:
        imported, _ = held(session, import_id)
        imported.about = imported.about | {"mended": tally}
    open_storage().delete(file)
    plan(work, import_id)


def _places(imported: Import, headers: Sequence[str]) -> Mapping[Any, int]:
    """{position in the import, "row" or "edition": position in the workbook}. Raises BadFile for that of another import."""
    at = {header: place for place, header in enumerate(headers)}
    if (row := at.get(f"{ROW_OF} {imported.id}")) is None:
        raise BadFile(OTHER)
    places: dict[Any, int] = {position: at[column["header"]] for position, column in enumerate(imported.columns)
                              if column["header"] in at and not is_ours(column["header"])}
    return places | {"row": row} | ({"edition": at[EDITION]} if EDITION in at else {})


def _said(rows: Sequence[Row], places: Mapping[Any, int]) -> dict[int, tuple[int | None, dict[int, Cell]]]:
    """{row of the import: (its edition when it was taken, {position: cell})}. Rows without a number have 0."""
    found = {}
    for _, row in rows:
        cells = {name: row[place] if place < len(row) else None for name, place in places.items()}
        number, edition = _whole(cells.pop("row")), _whole(cells.pop("edition", None))
        found[number or 0] = edition, cells
    return found


def _replace(session: Session, batch: Batch, width: int, said: Mapping[int, tuple[int | None, dict[int, Cell]]], tally: Tally,
             by: Actor) -> None:
    known = {row.number: row for row in session.execute(select(
        rows_table.c.number, rows_table.c.cells, rows_table.c.edition).where(
        rows_table.c.batch_id == batch.id, rows_table.c.number.in_(said)))}
    changed = {}
    for number, (edition, cells) in said.items():
        if (row := known.get(number)) is None:
            _name(tally["strange"], number)
            continue
        now = [*row.cells, *[None] * (width - len(row.cells))]
        new = [cells.get(place, cell) for place, cell in enumerate(now)]
        if new == now:
            tally["same"] += 1
        elif edition is not None and edition != row.edition:
            _name(tally["late"], number)
        else:
            changed[number] = new
    tally["mended"] += len(changed)
    keep(session, batch, changed, by)


def _name(numbers: list[int], number: int) -> None:
    if len(numbers) < NAMED:
        numbers.append(number)


def _whole(cell: Cell) -> int | None:
    if isinstance(cell, str) and cell.strip().isdecimal():
        return int(cell)
    return cell if type(cell) is int else None
