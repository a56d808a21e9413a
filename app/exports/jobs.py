"""What exports leave for later: writing the file, and deleting it when its time is over."""
from app.exports import run
from app.jobs.registry import job
from app.jobs.work import Work


@job("exports.run", queue="heavy", max_attempts=5, seconds=3600, label="Write an export", page="exports.show")
def write_file(work: Work, export_id: int) -> None:
    """Write the file of an export."""
    run.run(work, export_id)


@job("exports.forget", cron="17 * * * *", label="Delete old exports")
def forget(work: Work) -> dict[str, int]:
    """Delete files whose time is over."""
    return {"deleted": run.forget_old()}
