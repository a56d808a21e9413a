"""The last step of an import: its rows are written to the records, as a job; and back again, if a person takes it back."""
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor
from app.errors import Conflict
from app.files.storage import open_storage
from app.imports.match import is_planned, shape_of
from app.imports.models import Import
from app.imports.steps import Steps
from app.jobs import mend
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.records import batches
from app.records.applying import Spoilt, apply_chunk, apply_whole, check_whole, spoil
from app.records.batches import ACCEPTED, Batch
from app.records.undoing import undo_chunk
from app.transaction import lock, now, transaction

KEPT = timedelta(days=30)


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
    if not any(batch.plans.get(outcome) for outcome in ACCEPTED):
        raise Conflict("Every row is refused or left out, so there is nothing to import.")
    if all_or_nothing:
        check_whole(batch)
    batch.all_or_nothing, imported.stage, imported.problem = all_or_nothing, "apply", None


def apply(steps: Steps, import_id: int) -> None:
    """Write the rows. After a crash it goes on behind the last chunk that was committed."""
    with steps.transaction() as session:
        imported = lock(session, Import, import_id)
        if imported.stage != "apply" or imported.batch_id is None:
            return
        batch = session.get_one(Batch, imported.batch_id)
        whole, total = batch.all_or_nothing, sum(batch.plans.get(outcome, 0) for outcome in ACCEPTED)
    if whole:
        _whole(steps, import_id, total)
    else:
        _chunks(steps, import_id, total)


def _chunks(steps: Steps, import_id: int, total: int) -> None:
    more, done = True, 0
    while more:
        with steps.transaction(done=done, total=total) as session:
            imported, batch = _held(session, import_id)
            if imported.stage != "apply":
                return
            more = apply_chunk(session, batch.id, steps.actor, shape_of(imported, batch))
            done = sum(batch.outcomes.values())
            if not more:
                _end(session, imported, batch, "done")
    with steps.transaction(done=done, total=total):    # how far the last chunk came is known when it is through
        pass


def _whole(steps: Steps, import_id: int, total: int) -> None:
    try:
        with steps.transaction(done=total, total=total) as session:
            imported, batch = _held(session, import_id)
            apply_whole(session, batch.id, steps.actor, shape_of(imported, batch))
            _end(session, imported, batch, "done")
    except Spoilt as refused:
        with steps.transaction() as session:
            imported, batch = _held(session, import_id)
            spoil(session, batch.id, refused.rows)
            imported.stage, imported.problem = "preview", f"{refused.detail} Nothing was written."


def undo(import_id: int, *, by: Actor) -> None:
    """Queue taking back what this import wrote, where nobody has changed it since. Raises Conflict while it still runs."""
    with transaction() as session:
        imported, batch = _held(session, import_id)
        check(by, f"{imported.resource}.import")
        if imported.stage not in ("done", "undo") and not (imported.stage == "apply" and is_over(session, imported)):
            raise Conflict("Only an import that has ended can be undone.")
        imported.stage = "undo"
        imported.job_id = enqueue(session, "imports.undo", {"import_id": import_id}, key=f"import {import_id}", by=by).id
        audit.note(session, by, "imports.undo", "imports", import_id, resource=imported.resource, file=imported.file_name)


def take_back(steps: Steps, import_id: int) -> None:
    """Undo every record this import wrote. After a crash it goes on where it was."""
    more, done = True, 0
    while more:
        with steps.transaction(done=done) as session:
            imported, batch = _held(session, import_id)
            if imported.stage != "undo":
                return
            more = undo_chunk(session, batch.id, steps.actor)
            done = sum(batch.undone.values())
            if not more:
                _end(session, imported, batch, "undone")
    with steps.transaction(done=done):
        pass


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
        audit.note(session, by, "imports.stop", "imports", import_id, resource=imported.resource, file=imported.file_name)
    if job_id is not None:
        with suppress(Conflict):  # it has ended in between
            mend.cancel(job_id, by=by)


def forget_old() -> int:
    """Delete the uploads of imports that ended long ago; what became of their rows stays. Returns how many."""
    with transaction() as session:
        ended = Import.finished_at < now(session) - KEPT
        old = list(session.scalars(select(Import).where(Import.file.is_not(None), ended).limit(500)))
        files = [imported.file for imported in old if imported.file]
        for imported in old:
            imported.file = None
    for name in files:
        open_storage().delete(name)
    return len(files)


def is_over(session: Session, imported: Import) -> bool:
    """Whether no job works on it, or will."""
    job = session.get(Job, imported.job_id) if imported.job_id else None
    return job is None or job.status in ("done", "dead", "cancelled")


def _held(session: Session, import_id: int) -> tuple[Import, Batch]:
    imported = lock(session, Import, import_id)
    return imported, session.get_one(Batch, imported.batch_id)


def _end(session: Session, imported: Import, batch: Batch, stage: str) -> None:
    batch.outcomes = batches.counts(session, batch)
    imported.stage, imported.finished_at = stage, datetime.now(UTC)
