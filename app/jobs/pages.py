"""Where to see what a job works on."""
from typing import Any

from flask import current_app, url_for

from app.jobs.models import Job, Schedule
from app.jobs.registry import kind, kinds


def works_on(job: Job | Schedule) -> str | None:
    """The page of what it works on, by those of its arguments the address asks for. None where there is none."""
    endpoint = kind(job.kind).page if job.kind in {known.name for known in kinds()} else ""
    if endpoint not in current_app.view_functions:
        return None
    wanted = next(current_app.url_map.iter_rules(endpoint)).arguments
    known: dict[str, Any] = {"job_id": job.id, "id": job.args.get("record_id"), **job.args}
    values = {name: known.get(name) for name in wanted}
    return None if None in values.values() else url_for(endpoint, **values)
