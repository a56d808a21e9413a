"""What imports leave for later: reading, planning, writing and undoing, each a step that goes on where it was."""
from typing import Any

from app.imports import making, match, mended, read, replacing, run, whole
from app.imports.command import Wishes
from app.jobs.registry import job
from app.jobs.work import Work


@job("imports.read", queue="heavy", max_attempts=3, seconds=900, label="Read a file", page="imports.show")
def read_file(work: Work, import_id: int) -> None:
    """Stage the rows of an upload."""
    read.read(work, import_id)


@job("imports.plan", queue="heavy", max_attempts=5, seconds=1800, label="Preview an import", page="imports.show")
def plan_rows(work: Work, import_id: int) -> None:
    """Say what would become of each row."""
    match.plan(work, import_id)


@job("imports.replace", queue="heavy", max_attempts=5, seconds=1800, label="Find and replace", page="imports.show")
def replace_cells(work: Work, import_id: int, wish: dict[str, Any]) -> None:
    """Replace in one column, and plan the rows that changed."""
    replacing.run(work, import_id, replacing.Wish(**wish))


@job("imports.mend", queue="heavy", max_attempts=3, seconds=900, label="Take mended rows", page="imports.show")
def mend_rows(work: Work, import_id: int, file: str) -> None:
    """Put the rows of a mended workbook in their places, and plan them."""
    mended.read(work, import_id, file)


@job("imports.make", queue="heavy", max_attempts=5, seconds=1800, label="Create missing records", page="imports.show")
def make_records(work: Work, import_id: int, field: str) -> None:
    """Create the records that a field names in vain, and plan the rows that name them."""
    making.run(work, import_id, field)


@job("imports.unmake", queue="heavy", max_attempts=5, seconds=1800, label="Take created records back", page="imports.show")
def unmake_records(work: Work, import_id: int) -> None:
    """Move what was created beside an import to the trash, and plan its rows anew."""
    making.taken_back(work, import_id)


@job("imports.apply", queue="heavy", max_attempts=10, seconds=3600, label="Run an import", page="imports.show")
def apply_rows(work: Work, import_id: int) -> None:
    """Write the rows to the records."""
    run.apply(work, import_id)


@job("imports.whole", queue="heavy", max_attempts=10, seconds=3600, label="Import a file", page="imports.show")
def whole_import(work: Work, import_id: int, **wishes: Any) -> None:
    """All of it in one go, as a program asked for it."""
    whole.whole(work, import_id, Wishes(**wishes))


@job("imports.undo", queue="heavy", max_attempts=10, seconds=3600, label="Undo an import", page="imports.show")
def undo_rows(work: Work, import_id: int) -> None:
    """Take back what an import wrote."""
    run.take_back(work, import_id)


@job("imports.forget", cron="37 3 * * *", label="Delete old uploads")
def forget(work: Work) -> dict[str, int]:
    """Delete the files of imports that ended long ago."""
    return {"deleted": run.forget_old()}
