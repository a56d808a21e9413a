"""Records that the rows of a preview name and that are not here are created beside the import, and taken back with it."""
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor, Door
from app.errors import Conflict
from app.imports.match import held, plan
from app.imports.mending import editable
from app.imports.missing import Found, Named, Seeker, reference
from app.imports.models import Import
from app.jobs.asked import is_over
from app.jobs.enqueue import enqueue
from app.jobs.steps import NO_MORE, Far, Steps, in_steps
from app.jobs.work import Work
from app.records import batches
from app.records.applying import apply_chunk
from app.records.batches import REFUSED, Batch, rows_table
from app.records.planning import plan_chunk
from app.records.registry import named
from app.records.resource import Resource
from app.records.undoing import trash_chunk
from app.transaction import lock, transaction

MOST, CHUNK = 10_000, 500
"""Records that are created at once; those beyond it the next time."""
Chunk = Callable[[Session, int, Actor], bool]


class Made(NamedTuple):
    """The records of one resource that were created beside an import, by what became of them."""

    resource: Resource
    created: int
    trashed: int
    kept: int


def make(import_id: int, name: str, *, by: Actor) -> None:
    """Queue the creation of what the field of this name names in vain. Raises NotFound, Forbidden, or Conflict past the preview
    and while it is worked on: pressing it twice creates each once.
    """
    with transaction() as session:
        imported, _ = editable(session, import_id, by)
        field = reference(imported, name)
        check(by, f"{field.to}.create")
        imported.job_id = enqueue(session, "imports.make", {"import_id": import_id, "field": name}, key=f"import {import_id}",
                                  by=by).id
        audit.note(session, by, "imports.make", "imports", import_id, resource=imported.resource, created=field.to)


def run(work: Work, import_id: int, name: str) -> None:
    """Create them in a batch of their own, then plan the rows that name them. After a crash it goes on where it was."""
    if "batch" not in work.cursor:
        _stage(work, import_id, name)
    if work.cursor["batch"] is not None:
        _in_chunks(work, work.cursor["batch"], partial(plan_chunk, shape=None))
        _in_chunks(work, work.cursor["batch"], partial(apply_chunk, shape=None))
    in_steps(work, partial(_again, work, import_id, name))
    plan(work, import_id)


def unmake(import_id: int, *, by: Actor) -> None:
    """Queue taking back what was created beside an import that has not run. Raises Conflict for others: they are undone."""
    with transaction() as session:
        imported = lock(session, Import, import_id)
        check(by, f"{imported.resource}.import")
        if imported.stage not in ("preview", "cancelled") or not is_over(session, imported):
            raise Conflict("This import has run, or is being worked on. Load the page to see where it is.")
        imported.job_id = enqueue(session, "imports.unmake", {"import_id": import_id}, key=f"import {import_id}", by=by).id
        audit.note(session, by, "imports.unmake", "imports", import_id, resource=imported.resource)


def take_back(session: Session, imported: Import, actor: Actor) -> bool:
    """Move to the trash what was created beside the import, unless it was changed since or others refer to it: the next chunk,
    in the caller's transaction; says whether there may be more.
    """
    rows = rows_table.c
    found = session.scalars(select(rows.batch_id).where(
        rows.batch_id.in_([batch.id for batch in beside(session, imported)]), rows.outcome == "created",
        rows.record_id.is_not(None)).limit(1)).first()
    if found is not None:
        trash_chunk(session, found, actor)
    return found is not None


def taken_back(steps: Steps, import_id: int) -> None:
    """All of it, as a job of its own; then every row is planned anew."""
    def step(session: Session) -> Far:
        imported, _ = held(session, import_id)
        return Far(imported.stage in ("preview", "cancelled") and take_back(session, imported, steps.actor))

    in_steps(steps, step)
    with steps.transaction() as session:
        imported, batch = held(session, import_id)
        if imported.stage == "preview":
            batches.forget(session, batch)
    plan(steps, import_id)


def beside(session: Session, imported: Import) -> list[Batch]:
    """The batches of what was created beside it, oldest first."""
    return list(session.scalars(select(Batch).where(
        Batch.id > (imported.batch_id or 0), Batch.door == Door.IMPORT, Batch.door_id == imported.id).order_by(Batch.id)))


def made(session: Session, imported: Import) -> list[Made]:
    """What was created beside it, by resource."""
    columns, found = rows_table.c, dict[str, dict[str, int]]()
    ours = Batch.id.in_([batch.id for batch in beside(session, imported)])
    counted = session.execute(select(Batch.resource, columns.outcome, func.count()).join(Batch, Batch.id == columns.batch_id)
                              .where(ours, columns.record_id.is_not(None)).group_by(Batch.resource, columns.outcome))
    for resource, outcome, count in counted:
        found.setdefault(resource, {})[outcome] = count
    return [Made(named(name), *(of.get(kind, 0) for kind in ("created", "trashed", "kept")))
            for name, of in sorted(found.items()) if of.keys() & {"created", "trashed", "kept"}]


def _stage(work: Work, import_id: int, name: str) -> None:
    """Look at every refused row, then stage whom they name, by the first row that does."""
    found, after, more = Found(), 0, True
    while more:
        with work.transaction() as session:
            imported, batch = held(session, import_id)
            rows = batches.page(session, batch, REFUSED, after, CHUNK) if imported.stage == "preview" else []
            Seeker(imported, batch, reference(imported, name), work.actor).gather(found, rows, MOST)
            after, more = rows[-1].number if rows else 0, len(rows) == CHUNK
    with work.transaction() as session:
        imported, batch = held(session, import_id)
        to = reference(imported, name).to if found and imported.stage == "preview" else None
        work.cursor["batch"] = to and _opened(session, imported, batch, to, [*found.values()])


def _opened(session: Session, imported: Import, batch: Batch, resource: str, found: Sequence[Named]) -> int:
    """Its rows have the numbers of those of the import that name them, so that a timeline leads there."""
    fresh = batches.open_batch(session, resource, Door.IMPORT, door_id=imported.id, mode="create")
    fresh.decimal, fresh.day_first = batch.decimal, batch.day_first
    batches.stage(session, fresh, [(one.number, None, one.values) for one in sorted(found, key=lambda one: one.number)])
    return fresh.id


def _in_chunks(steps: Steps, batch_id: int, chunk: Chunk) -> None:
    def step(session: Session) -> Far:
        return Far(chunk(session, batch_id, steps.actor))
    in_steps(steps, step)


def _again(work: Work, import_id: int, name: str, session: Session) -> Far:
    """Take back the plans of the next rows that named one."""
    imported, batch = held(session, import_id)
    if imported.stage != "preview":
        return NO_MORE
    rows = batches.page(session, batch, REFUSED, work.cursor.get("after", 0), CHUNK)
    numbers = [row.number for row, _ in Seeker(imported, batch, reference(imported, name), work.actor).naming(rows)]
    batches.unplan(session, batch, rows_table.c.number.in_(numbers))
    work.cursor["after"] = rows[-1].number if rows else 0
    return Far(len(rows) == CHUNK)
