"""The jobs of webhooks."""
from typing import Any

from app.jobs.registry import job
from app.jobs.work import Work
from app.webhooks import many


@job(many.KIND, label="Retry or ignore many events")
def do_many(work: Work, **what: Any) -> dict[str, int]:
    """Retry or ignore what a filter of the log found."""
    return many.work_through(work, **what)
