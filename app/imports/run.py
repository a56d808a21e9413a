"""The last step of an import: its rows are written to the records, as a job; and back again, if a person takes it back."""
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor
from app.errors import Conflict
from app.files.storage import open_storage
from app.imports import making
from app.imports.match import held, is_planned, shape_of
from app.imports.models import Import
from app.jobs import mend
from app.jobs.asked import is_over
from app.jobs.enqueue import enqueue
from app.jobs.steps import Steps
from app.records import batch_steps
from app.records.applying import Spoilt, apply_whole, check_whole, spoil
from app.records.batch_steps import accepted, end
from app.records.batches import Batch
from app.transaction import lock, now, transaction

KEPT = timedelta(days=30)
WAITING = ("match", "preview", "unreadable")
"""Stages at which an import waits for a person."""


def run(import_id: int, all_or_nothing: bool, *, by: Actor) -> None:
    """Queue the writing. Pressing it twice runs it once. Raises Conflict when the preview is not what would be run."""
    with transaction() as session:
        imported = lock(session, Import, import_id)
        check(by, f"{imported.resource}.import")
        begin(session, imported, all_or_nothing)
        imported.job_id = enqueue(session, "imports.apply", {"import_id": import_id}, key=f"import {import_id}", by=by).id
        audit.note(session, by, "imports.run", "imports", import_id, resource=imported.resource, file=imported.file_name)


def begin(session: Session, imported: Import, all_or_nothing: bool) -> None:
    """From the preview to the run, in the caller's transaction."""
    batch = session.get_one(Batch, imported.batch_id) if imported.batch_id else None
    if imported.stage != "preview" or batch is None or not is_planned(batch):
        raise Conflict("There is no finished preview to run. Load the page to see where this import is.")
    if not accepted(batch):
        raise Conflict("Every row is refused or left out, so there is nothing to import.")
    if all_or_nothing:
        check_whole(batch)
    batch.all_or_nothing, imported.stage, imported.problem = all_or_nothing, "apply", None


def apply(steps: Steps, import_id: int) -> None:
    """Write the rows. After a crash it goes on behind the last chunk that was committed."""
    with steps.transaction() as session:
        imported, batch = held(session, import_id)
        is_whole = imported.stage == "apply" and batch.all_or_nothing
    if is_whole:
        _whole(steps, import_id)
    else:
        batch_steps.apply(steps, partial(held, import_id=import_id), shape_of)


def _whole(steps: Steps, import_id: int) -> None:
    try:
        with steps.transaction() as session:
            imported, batch = held(session, import_id)
            apply_whole(session, batch.id, steps.actor, shape_of(imported, batch))
            end(session, imported, batch, "done")
    except Spoilt as refused:
        with steps.transaction() as session:
            imported, batch = held(session, import_id)
            spoil(session, batch.id, refused.rows)
            imported.stage, imported.problem = "preview", f"{refused.detail} Nothing was written."


def undo(import_id: int, *, by: Actor) -> None:
    """Queue taking back what this import wrote, where nobody has changed it since. Raises Conflict while it still runs."""
    with transaction() as session:
        imported, batch = held(session, import_id)
        check(by, f"{imported.resource}.import")
        if imported.stage not in ("done", "undo") and not (imported.stage == "apply" and is_over(session, imported)):
            raise Conflict("Only an import that has ended can be undone.")
        imported.stage = "undo"
        imported.job_id = enqueue(session, "imports.undo", {"import_id": import_id}, key=f"import {import_id}", by=by).id
        audit.note(session, by, "imports.undo", "imports", import_id, resource=imported.resource, file=imported.file_name)


def take_back(steps: Steps, import_id: int) -> None:
    """Undo every record this import wrote, and those created beside it. After a crash it goes on where it was."""
    batch_steps.take_back(steps, partial(held, import_id=import_id), making.take_back)


def go_on(import_id: int, *, by: Actor) -> None:
    """Queue the step again that was stopped or died; what is committed is not repeated. Raises Conflict while it runs."""
    with transaction() as session:
        imported = lock(session, Import, import_id)
        check(by, f"{imported.resource}.import")
        kind = {"read": "read", "preview": "plan", "apply": "apply", "undo": "undo"}.get(imported.stage)
        if kind is None or not is_over(session, imported):
            raise Conflict("There is nothing to go on with. Load the page to see where this import is.")
        imported.job_id = enqueue(session, f"imports.{kind}", {"import_id": import_id}, key=f"import {import_id}", by=by).id


def stop(import_id: int, *, by: Actor) -> None:
    """Give the import up before it has run, or stop the run after the chunk in hand: what is written stays."""
    with transaction() as session:
        imported = lock(session, Import, import_id)
        check(by, f"{imported.resource}.import")
        job_id = None if is_over(session, imported) else imported.job_id
        if imported.stage in ("read", "match", "preview", "unreadable"):
            imported.stage, imported.finished_at = "cancelled", datetime.now(UTC)
        if job_id is not None:
            with suppress(Conflict):  # it has ended in between
                mend.end(session, job_id, by=by)
        audit.note(session, by, "imports.stop", "imports", import_id, resource=imported.resource, file=imported.file_name)


def forget_old() -> int:
    """Delete the uploads of imports that ended long ago, or that nobody went on with; what became of their rows stays.

    Returns how many.
    """
    with transaction() as session:
        before = now(session) - KEPT
        over = or_(Import.finished_at < before, Import.stage.in_(WAITING) & (Import.created_at < before))
        old = list(session.scalars(select(Import).where(Import.file.is_not(None), over).limit(500)))
        files = [imported.file for imported in old if imported.file]
        for imported in old:
            imported.file = None
    for name in files:
        open_storage().delete(name)
    return len(files)
