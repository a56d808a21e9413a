"""Where to see what a job works on."""
from flask import current_app, url_for

from app.jobs.models import Job, Schedule
from app.jobs.registry import kind, kinds


def works_on(job: Job | Schedule) -> str | None:
    """The page of what it works on, None where its kind names none."""
    endpoint = kind(job.kind).page if job.kind in {known.name for known in kinds()} else ""
    if endpoint not in current_app.view_functions:
        return None
    return url_for(endpoint, **job.args)
