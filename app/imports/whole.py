"""An import a program asks for in one go: read, matched, planned and applied by one job, without a person in between."""
from app.access import check
from app.audit import Actor
from app.counting import counted
from app.errors import BadRequest
from app.files.storage import Readable
from app.imports import match, read, run
from app.imports.command import Wishes, settle
from app.imports.match import held
from app.imports.models import Import
from app.imports.upload import start
from app.jobs.enqueue import enqueue
from app.jobs.steps import Steps
from app.records.batch_steps import accepted
from app.records.batches import refused
from app.transaction import lock, transaction


def ask(stream: Readable, file_name: str, resource: str, wishes: Wishes, *, by: Actor) -> int:
    """Keep the file and queue all that is to be done with it; the id of the import. Raises as `start` does."""
    check(by, f"{resource}.import")
    import_id = start(stream, file_name, resource, by=by, options=wishes.options)
    with transaction() as session:
        imported = lock(session, Import, import_id)
        args = {"import_id": import_id, "columns": dict(wishes.columns or {}), "mode": wishes.mode, "key": wishes.key,
                "blank": wishes.blank, "decimal": wishes.decimal, "day_first": wishes.day_first, "saved": wishes.saved,
                "all_or_nothing": wishes.all_or_nothing, "dry_run": wishes.dry_run}
        imported.job_id = enqueue(session, "imports.whole", args, key=f"import {import_id}", by=by).id
    return import_id


def whole(steps: Steps, import_id: int, wishes: Wishes) -> None:
    """Take the import as far as was wished. After a crash it goes on where it was.

    Where its columns cannot be matched, or nothing may be written, it stays there and its `problem` says why.
    """
    read.read(steps, import_id)
    if _matched(steps, import_id, wishes):
        match.plan(steps, import_id)
        if not wishes.dry_run and _begun(steps, import_id, wishes.all_or_nothing):
            run.apply(steps, import_id)


def _matched(steps: Steps, import_id: int, wishes: Wishes) -> bool:
    with steps.transaction() as session:
        imported = lock(session, Import, import_id)
        if imported.stage == "match":
            try:
                settle(session, imported, wishes, steps.actor)
            except BadRequest as problem:
                imported.problem = problem.detail
        return imported.stage in ("preview", "apply")


def _begun(steps: Steps, import_id: int, all_or_nothing: bool) -> bool:
    with steps.transaction() as session:
        imported, batch = held(session, import_id)
        if imported.stage != "preview" or not match.is_planned(batch):
            return imported.stage == "apply"
        if not accepted(batch):
            imported.problem = "Every row is refused or left out, so nothing was written."
        elif all_or_nothing and (count := refused(batch.plans)):
            told = counted(count, "row is", "rows are")
            imported.problem = f"{told} refused, and all rows or none were asked for. Nothing was written."
        else:
            run.begin(session, imported, all_or_nothing)
        return imported.stage == "apply"
