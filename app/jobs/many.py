"""One verb for many jobs: those ticked, or all a filter finds, are counted, frozen at a number, and done in steps."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app import audit
from app.access import check
from app.audit import Actor
from app.errors import Conflict, Invalid
from app.jobs import listing, mend
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.jobs.work import Work
from app.transaction import transaction

Verb = Literal["retry", "cancel", "discard"]
KIND = "jobs.many"
LARGEST = 10_000     # jobs in one go
A_STEP = 200
SHOWN = 20           # groups of a preview
WORTH: dict[str, ColumnElement[bool]] = {
    "retry": or_(Job.status.in_(("dead", "cancelled")), and_(Job.status == "waiting", Job.attempts > 0)),
    "cancel": or_(Job.status == "waiting", and_(Job.status == "running", Job.cancel_requested_at.is_(None))),
    "discard": Job.status == "dead",
}
"""To which jobs a verb does anything."""
VERBS: dict[str, Callable[..., bool]] = {"retry": mend.again, "cancel": mend.stop, "discard": mend.give_up}
NEEDS = {"retry": "jobs.retry", "cancel": "jobs.ignore", "discard": "jobs.ignore"}


@dataclass(frozen=True)
class Chosen:
    """What a person chose in the list: these very jobs, or (`ids` is None) all the filters find."""

    question: listing.Asked
    ids: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Group:
    """How many of a kind stand like this, for the same reason."""

    kind: str
    status: str
    attempts: bool
    error: str
    count: int


@dataclass(frozen=True)
class Preview:
    """What a verb would be done to. `until`: the number of the newest; what is queued later is left alone."""

    count: int
    until: int
    groups: list[Group]
    is_too_many: bool


def preview(session: Session, verb: Verb, chosen: Chosen) -> Preview:
    """How many it would be, by kind and error, the most frequent first."""
    tried, error = (Job.attempts > 0).label("tried"), func.coalesce(Job.last_error, "").label("error")
    some = (select(Job.id, Job.kind, Job.status, tried, error)
            .where(*which(verb, chosen)).order_by(Job.id.desc()).limit(LARGEST + 1).subquery())
    alike = (some.c.kind, some.c.status, some.c.tried, some.c.error)
    rows = session.execute(select(*alike, func.count(), func.max(some.c.id)).group_by(*alike)
                           .order_by(func.count().desc(), *alike)).all()
    count = sum(row[4] for row in rows)
    groups = [Group(*row[:5]) for row in rows]
    return Preview(min(count, LARGEST), max((row[5] for row in rows), default=0), groups[:SHOWN], count > LARGEST)


def start(verb: Verb, chosen: Chosen, until: int, *, by: Actor) -> int:
    """Do it to all of them up to number `until`, as a job; returns its id. Pressed twice while it runs, it is one job.

    Raises Invalid when there are none, or more than LARGEST.
    """
    question = chosen.question
    with transaction() as session:
        found = session.scalars(select(Job.id).where(*which(verb, chosen), Job.id <= until).limit(LARGEST + 1)).all()
        if not 0 < len(found) <= LARGEST:
            raise Invalid(f"Narrow the filters down: at most {LARGEST:,} at a time." if found else "None of them is left.")
        ids = None if chosen.ids is None else sorted(chosen.ids)
        args: dict[str, Any] = {"verb": verb, "status": question.view, "words": dict(question.words), "until": until,
                                "count": len(found), "ids": ids}
        asked = f"{question.view} {sorted(question.words.items())} {ids}"
        job = enqueue(session, KIND, args, key=f"{verb} {until} {sha256(asked.encode()).hexdigest()}", by=by)
        audit.note(session, by, f"jobs.{verb}_many", "jobs", job.id, jobs=len(found), status=question.view, **question.words)
        return job.id


def work_through(work: Work, verb: Verb, status: str, words: Mapping[str, str], until: int, count: int,
                 ids: list[int] | None) -> dict[str, int]:
    """Step by step, the rights asked for anew at each. What cannot be done to one is left alone and counted."""
    conditions = which(verb, Chosen(listing.Asked(status, words), None if ids is None else tuple(ids)))
    while True:
        check(work.actor, NEEDS[verb])
        with work.transaction(total=count) as session:
            after = work.cursor.get("after", 0)
            jobs = session.scalars(select(Job).where(*conditions, Job.id <= until, Job.id > after).order_by(Job.id).limit(A_STEP)
                                   .with_for_update(key_share=True)).all()
            work.cursor.update(_step(session, work, verb, list(jobs)))
        if len(jobs) < A_STEP:
            return {"done": work.cursor.get("did", 0), "left_alone": work.cursor.get("left", 0)}
        work.progress(work.cursor["did"] + work.cursor["left"], count)


def which(verb: Verb, chosen: Chosen) -> tuple[ColumnElement[bool], ...]:
    """The jobs that were chosen, as far as the verb does anything to them."""
    if chosen.ids is not None:
        return WORTH[verb], Job.id.in_(chosen.ids)
    return (WORTH[verb], *chosen.question.all)


def _step(session: Session, work: Work, verb: Verb, jobs: list[Job]) -> dict[str, int]:
    did = left = 0
    for job in jobs:
        try:
            did += VERBS[verb](session, job, by=work.actor, run=work.job_id)
        except Conflict:
            left += 1
    return {"after": jobs[-1].id if jobs else work.cursor.get("after", 0), "did": work.cursor.get("did", 0) + did,
            "left": work.cursor.get("left", 0) + left}
