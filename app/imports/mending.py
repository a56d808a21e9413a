"""Rows of a preview mended by hand: their cells, and whether they are taken at all. Only what changed is planned again."""
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor
from app.errors import Conflict, NotFound
from app.files import cells
from app.files.cells import Cell
from app.imports.match import held, is_planned, left_out, shape_of
from app.imports.models import Import
from app.jobs.asked import is_over
from app.jobs.enqueue import enqueue
from app.records import batches
from app.records.batches import Batch, rows_table
from app.records.planning import plan_chunk
from app.transaction import transaction

AT_ONCE = 3
"""Chunks that are planned while a person waits; a job does more."""


def mend(import_id: int, number: int, said: Mapping[int, str], edition: int, *, by: Actor) -> None:
    """Put other texts into cells of a row, {position: text}, and plan it again; a text that is there already changes nothing.

    `edition` is how often the row had been mended when it was read: raises Conflict when somebody did so since. Raises NotFound.
    """
    with transaction() as session:
        imported, batch = editable(session, import_id, by)
        row = _row(session, batch, number, edition)
        found = mended(row.cells or [], said, len(imported.columns))
        if found != row.cells:
            keep(session, batch, {number: found}, by)
            audit.note(session, by, "imports.mend", "imports", import_id, resource=imported.resource, row=number)
            plan_again(session, imported, batch, by)


def leave(import_id: int, number: int, out: bool, edition: int, *, by: Actor) -> None:
    """Leave a row out, or take it after all, even one that looks like a total. Raises as `mend` does."""
    with transaction() as session:
        imported, batch = editable(session, import_id, by)
        _row(session, batch, number, edition)
        session.execute(update(rows_table).where(rows_table.c.batch_id == batch.id, rows_table.c.number == number).values(
            is_left=out, edition=rows_table.c.edition + 1, mended_by=by.name))
        audit.note(session, by, "imports.mend", "imports", import_id, resource=imported.resource, row=number, left_out=out)
        batches.again(session, batch, [number])
        plan_again(session, imported, batch, by)


def all_again(import_id: int, *, by: Actor) -> None:
    """Plan every row anew: records may have changed since the preview was made."""
    with transaction() as session:
        imported, batch = editable(session, import_id, by)
        batches.forget(session, batch)
        imported.problem = None
        plan_again(session, imported, batch, by)


def editable(session: Session, import_id: int, by: Actor) -> tuple[Import, Batch]:
    """An import with a finished preview, locked, and its batch. Raises Forbidden or Conflict."""
    imported, batch = held(session, import_id)
    check(by, f"{imported.resource}.import")
    if imported.stage != "preview":
        raise Conflict("This import is past its preview, so its rows cannot be mended any more.")
    if not is_over(session, imported) or not is_planned(batch):
        raise Conflict("The preview is being worked out. Wait until that has ended, then mend the row.")
    return imported, batch


def mended(row: list[Any], said: Mapping[int, str], width: int) -> list[Cell]:
    """The cells with other texts in them, where they differ from what a person reads there."""
    found: list[Cell] = [*row, *[None] * (width - len(row))]
    for position, text in said.items():
        if 0 <= position < width and text.replace("\r\n", "\n") != cells.text(found[position]).replace("\r\n", "\n"):
            found[position] = text or None
    return found if found[:len(row)] != row or any(cell is not None for cell in found[len(row):]) else row


def keep(session: Session, batch: Batch, found: Mapping[int, list[Cell]], by: Actor) -> None:
    """Write the cells of these rows and take their plans back."""
    for number, row in found.items():
        session.execute(update(rows_table).where(rows_table.c.batch_id == batch.id, rows_table.c.number == number).values(
            cells=row, edition=rows_table.c.edition + 1, mended_by=by.name))
    batches.again(session, batch, found)


def plan_again(session: Session, imported: Import, batch: Batch, by: Actor) -> None:
    """Plan the rows that have no plan: few here and now, many as a job."""
    session.flush()
    shape = shape_of(imported, batch)
    for _ in range(AT_ONCE):
        if not plan_chunk(session, batch.id, by, shape, leave=left_out(imported)):
            return
    imported.job_id = enqueue(session, "imports.plan", {"import_id": imported.id}, key=f"import {imported.id}", by=by).id


def one(session: Session, batch: Batch, number: int) -> Any:
    """A row as it is now. Raises NotFound."""
    row = session.execute(select(rows_table).where(rows_table.c.batch_id == batch.id, rows_table.c.number == number)).first()
    if row is None:
        raise NotFound(f"The file has no row {number}.")
    return row


def next_after(session: Session, batch: Batch, number: int, outcomes: Collection[str]) -> int | None:
    """The next row with one of these outcomes, from the top again at the end."""
    return session.scalars(select(rows_table.c.number).where(
        rows_table.c.batch_id == batch.id, rows_table.c.outcome.in_(outcomes), rows_table.c.number != number)
        .order_by(rows_table.c.number < number, rows_table.c.number).limit(1)).first()


def _row(session: Session, batch: Batch, number: int, edition: int) -> Any:
    row = one(session, batch, number)
    if row.edition != edition:
        raise Conflict(f"{row.mended_by} changed row {number} since you opened it, so nothing was saved. "
                       "Below is the row as it is now, with what you typed.")
    return row
