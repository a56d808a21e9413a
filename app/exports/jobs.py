"""What exports leave for later: writing the file, starting what comes again by itself, saying so, and deleting old files."""
from app.exports import definitions, mailing, run
from app.jobs.registry import job
from app.jobs.work import Work


@job("exports.run", queue="heavy", max_attempts=5, seconds=3600, label="Write an export", page="exports.show")
def write_file(work: Work, export_id: int) -> None:
    """Write the file of an export."""
    run.run(work, export_id)


@job("exports.scheduled", label="Start a scheduled export", page="exports.saved", titles=definitions.titles)
def begin(work: Work, definition_id: int) -> None:
    """Start the export a schedule asks for."""
    definitions.begin(work, definition_id)


@job("exports.mail", max_attempts=8, label="Mail that an export is ready", page="exports.show")
def mail(work: Work, export_id: int) -> dict[str, str]:
    """Mail the link of an export to whom it is for."""
    return mailing.tell(work, export_id)


@job("exports.forget", cron="17 * * * *", label="Delete old exports")
def forget(work: Work) -> dict[str, int]:
    """Delete files whose time is over."""
    return {"deleted": run.forget_old()}
