"""The jobs of webhooks."""
from typing import Any

from app.jobs.registry import job
from app.jobs.work import Work
from app.webhooks import many, retention, watch


@job(many.KIND, label="Retry or ignore many events")
def do_many(work: Work, **what: Any) -> dict[str, int]:
    """Retry or ignore what a filter of the log found."""
    return many.work_through(work, **what)


@job("webhooks.watch", cron="*/10 * * * *", label="Look for silent endpoints")
def look(work: Work) -> dict[str, int]:
    """Count what came in by the hour, and tell staff when an endpoint fell silent."""
    with work.transaction() as session:
        return watch.watch(session)


@job("webhooks.prune", cron="40 3 * * *", seconds=1800, label="Drop old webhooks")
def prune(work: Work) -> dict[str, int]:
    """Drop bodies, receipts, attempts and events that are older than they are kept."""
    return retention.prune(work)
