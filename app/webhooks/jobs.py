"""The jobs of webhooks."""
from datetime import datetime
from typing import Any

from app.jobs.registry import job
from app.jobs.work import Work
from app.webhooks import health, many, retention, watch


@job(many.KIND, label="Retry or ignore many events", page="webhooks.many.show")
def do_many(work: Work, **what: Any) -> dict[str, int]:
    """Retry or ignore what a filter of the log found."""
    return many.work_through(work, **what)


@job("webhooks.watch", cron="*/10 * * * *", label="Look for silent endpoints")
def look(work: Work) -> dict[str, int]:
    """Count what came in by the hour, and tell staff when an endpoint fell silent."""
    counted_to: datetime | None = None
    while True:
        with work.transaction() as session:
            counted_to = health.roll(session, counted_to)
            if counted_to is None:
                return watch.watch(session)


@job("webhooks.prune", cron="40 3 * * *", seconds=1800, label="Drop old webhooks")
def prune(work: Work) -> dict[str, int]:
    """Drop bodies, receipts, attempts and events that are older than they are kept."""
    return retention.prune(work)
