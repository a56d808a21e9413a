"""Find and replace over one column of an import: counted before it is done, and only the rows it changes are planned again."""
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from re import IGNORECASE, Pattern, compile, escape
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.audit import Actor
from app.errors import Invalid
from app.files import cells
from app.files.cells import Cell
from app.imports.match import held, plan
from app.imports.mending import editable, keep, plan_again
from app.jobs.enqueue import enqueue
from app.jobs.work import Work
from app.records.batches import Batch, rows_table
from app.transaction import transaction

AT_ONCE, CHUNK, SHOWN = 2_000, 500, 5
COUNTED = 20_000
"""Rows that are looked at to count; beyond, the count is "at least"."""


@dataclass(frozen=True)
class Wish:
    """What to find in the column at this position, and what to put there."""

    position: int
    find: str
    put: str
    is_whole: bool = False       # only cells that hold nothing else
    has_case: bool = False       # capitals count


@dataclass(frozen=True)
class Found:
    rows: int
    is_capped: bool
    samples: list[tuple[int, str, str]]        # (row, old, new)


def count(session: Session, batch: Batch, wish: Wish) -> Found:
    """How many rows it would change, and the first of them."""
    made: list[tuple[int, str, str]] = []
    found, after, seen = 0, 0, 0
    while seen < COUNTED and (rows := _rows(session, batch, after, CHUNK)):
        changed = _changed(rows, wish)
        made += [(number, cells.text(old), cells.text(row[wish.position])) for number, old, row in changed[:SHOWN - len(made)]]
        found, after, seen = found + len(changed), rows[-1].number, seen + len(rows)
    return Found(found, seen < batch.rows, made)


def replace(import_id: int, wish: Wish, *, by: Actor) -> int | None:
    """Do it; returns how many rows were changed, None when a job does it. Raises Invalid, or Conflict past the preview."""
    if not wish.find and not wish.is_whole:
        raise Invalid("Type what to find, or choose whole cells to fill those that are blank.")
    with transaction() as session:
        imported, batch = editable(session, import_id, by)
        if not 0 <= wish.position < len(imported.columns):
            raise Invalid("The file has no such column. Load the page again.")
        audit.note(session, by, "imports.replace", "imports", import_id, resource=imported.resource,
                   column=imported.columns[wish.position]["header"], find=wish.find[:200], put=wish.put[:200])
        if batch.rows > AT_ONCE:
            imported.job_id = enqueue(session, "imports.replace", {"import_id": import_id, "wish": asdict(wish)},
                                      key=f"import {import_id}", by=by).id
            return None
        changed = _do(session, batch, _rows(session, batch, 0, AT_ONCE), wish, by)
        plan_again(session, imported, batch, by)
        return changed


def run(work: Work, import_id: int, wish: Wish) -> None:
    """The same for many rows, as a job: after a crash it goes on behind the last rows it changed, then it plans them."""
    step, more = partial(_step, work, import_id, wish), True
    while more:
        with work.transaction() as session:
            more = step(session)
    plan(work, import_id)


def _step(work: Work, import_id: int, wish: Wish, session: Session) -> bool:
    imported, batch = held(session, import_id)
    rows = _rows(session, batch, work.cursor.get("after", 0), CHUNK) if imported.stage == "preview" else []
    if rows:
        _do(session, batch, rows, wish, work.actor)
        work.cursor["after"] = rows[-1].number
    return bool(rows)


def _do(session: Session, batch: Batch, rows: Sequence[Any], wish: Wish, by: Actor) -> int:
    changed = _changed(rows, wish)
    if changed:
        keep(session, batch, {number: row for number, _, row in changed}, by)
    return len(changed)


def _rows(session: Session, batch: Batch, after: int, limit: int) -> Sequence[Any]:
    return session.execute(select(rows_table.c.number, rows_table.c.cells).where(
        rows_table.c.batch_id == batch.id, rows_table.c.number > after).order_by(rows_table.c.number).limit(limit)).all()


def _changed(rows: Sequence[Any], wish: Wish) -> list[tuple[int, Cell, list[Cell]]]:
    """(row, the cell there was, all cells as they would be) of the rows it would change."""
    found, pattern, place = [], _pattern(wish), wish.position
    for row in rows:
        old = row.cells[place] if place < len(row.cells) else None
        text = cells.text(old)
        new = pattern.sub(lambda _: wish.put, text)
        if new != text:
            padded = [*row.cells, *[None] * (place + 1 - len(row.cells))]
            found.append((row.number, old, [*padded[:place], new or None, *padded[place + 1:]]))
    return found


def _pattern(wish: Wish) -> Pattern[str]:
    sought = rf"\A\s*{escape(wish.find.strip())}\s*\Z" if wish.is_whole else escape(wish.find) or r"\Z\A."
    return compile(sought, 0 if wish.has_case else IGNORECASE)
