"""What records leave for later: the steps of bulk changes, each of which goes on where it was, and forgetting."""
from app.jobs.registry import job
from app.jobs.work import Work
from app.records import bulk_steps, openings, replies


@job("bulk.plan", queue="heavy", max_attempts=5, seconds=1800, label="Preview a bulk change", page="records.bulk_show")
def plan(work: Work, bulk_id: int) -> None:
    """Say what would become of each record."""
    bulk_steps.plan(work, bulk_id)


@job("bulk.apply", queue="heavy", max_attempts=10, seconds=3600, label="Run a bulk change", page="records.bulk_show")
def apply(work: Work, bulk_id: int) -> None:
    """Write the records."""
    bulk_steps.apply(work, bulk_id)


@job("bulk.undo", queue="heavy", max_attempts=10, seconds=3600, label="Undo a bulk change", page="records.bulk_show")
def undo(work: Work, bulk_id: int) -> None:
    """Take back what a bulk change wrote."""
    bulk_steps.take_back(work, bulk_id)


@job("records.forget", cron="47 3 * * *", label="Forget who had records open, and answers of the API")
def forget(work: Work) -> dict[str, int]:
    """Drop what is too old to be shown to anybody, a thousand in a transaction."""
    dropped = 0
    while True:
        with work.transaction() as session:
            some = openings.forget(session)
        dropped += some
        if not some:
            break
    with work.transaction() as session:
        return {"openings": dropped, "replies": replies.forget_old(session)}
