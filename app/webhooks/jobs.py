"""The jobs of webhooks."""
from typing import Any

from app.jobs.registry import job
from app.jobs.work import Work
from app.webhooks import many, watch


@job(many.KIND, label="Retry or ignore many events")
def do_many(work: Work, **what: Any) -> dict[str, int]:
    """Retry or ignore what a filter of the log found."""
    return many.work_through(work, **what)


@job("webhooks.watch", cron="*/10 * * * *", label="Look for silent endpoints")
def look(work: Work) -> dict[str, int]:
    """Count what came in by the hour, and tell staff when an endpoint fell silent."""
    with work.transaction() as session:
        return watch.watch(session)
