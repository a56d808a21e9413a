"""One verb for many events: what a filter finds is counted, frozen at a number, and done in steps that survive a crash."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import audit
from app.access import check
from app.audit import Actor
from app.errors import Conflict, Invalid
from app.jobs.enqueue import enqueue
from app.jobs.work import Work
from app.transaction import transaction
from app.webhooks import log, retry
from app.webhooks.models import Endpoint, Event

Verb = Literal["retry", "ignore"]
KIND = "webhooks.many"
LARGEST = 10_000     # events in one go
A_STEP = 200
SHOWN = 20           # groups of a preview
WORTH: dict[str, ColumnElement[bool]] = {
    "retry": or_(Event.status.in_(("dead", "done", "cancelled")), and_(Event.status == "waiting", Event.attempts > 0)),
    "ignore": Event.status.in_(("dead", "waiting")),
}
"""To which events a verb does anything."""
VERBS: dict[str, Callable[..., bool]] = {"retry": retry.again, "ignore": retry.let_be}


@dataclass(frozen=True)
class Group:
    """How many of them say this word of the provider and stand like this."""

    said: str
    status: str
    error: str
    count: int


@dataclass(frozen=True)
class Preview:
    """What a verb would be done to. `until`: the number of the newest; what comes later is left alone."""

    count: int
    until: int
    groups: list[Group]
    is_too_many: bool


def preview(session: Session, verb: Verb, question: log.Asked) -> Preview:
    """How many it would be, by kind and error, the most frequent first."""
    chosen = (select(Event.id, Event.said, Event.status, func.coalesce(Event.last_error, "").label("error"))
              .where(*which(verb, question)).order_by(Event.id.desc()).limit(LARGEST + 1).subquery())
    alike = (chosen.c.said, chosen.c.status, chosen.c.error)
    rows = session.execute(select(*alike, func.count(), func.max(chosen.c.id)).group_by(*alike)
                           .order_by(func.count().desc(), *alike)).all()
    count = sum(row[3] for row in rows)
    groups = [Group(*row[:4]) for row in rows]
    return Preview(min(count, LARGEST), max((row[4] for row in rows), default=0), groups[:SHOWN], count > LARGEST)


def start(verb: Verb, question: log.Asked, until: int, *, by: Actor) -> int:
    """Do it to all of them up to number `until`, as a job; returns its id. Pressed twice while it runs, it is one job.

    Raises Invalid when there are none, or more than LARGEST.
    """
    with transaction() as session:
        found = log.searched(session, question)
        ids = session.scalars(select(Event.id).where(*which(verb, found), Event.id <= until).limit(LARGEST + 1)).all()
        if not 0 < len(ids) <= LARGEST:
            raise Invalid(f"Narrow the filters down: at most {LARGEST:,} at a time." if ids else "None of them is left.")
        told = {name: value for name, value in question.words.items() if name != "text"}    # that may be personal
        args: dict[str, Any] = {"verb": verb, "status": question.status, "words": told, "until": until,
                                "count": len(ids), "ids": sorted(ids) if "text" in question.words else None}
        asked = f"{question.status} {sorted(question.words.items())}"
        job = enqueue(session, KIND, args, key=f"{verb} {until} {sha256(asked.encode()).hexdigest()}", by=by)
        audit.note(session, by, f"webhooks.{verb}_many", "jobs", job.id, events=len(ids), status=question.status, **told)
        return job.id


def work_through(work: Work, verb: Verb, status: str, words: Mapping[str, str], until: int, count: int,
                 ids: list[int] | None) -> dict[str, int]:
    """Step by step, the rights asked for anew at each. Whoever is worked on at the moment is left alone and counted."""
    with transaction() as session:
        conditions = frozen(session, verb, status, words, until, ids)
    while True:
        check(work.actor, f"webhooks.{verb}")
        with work.transaction(total=count) as session:
            after = work.cursor.get("after", 0)
            events = session.scalars(select(Event).where(*conditions, Event.id > after).order_by(Event.id).limit(A_STEP)
                                     .with_for_update(key_share=True)).all()
            work.cursor.update(_step(session, work, verb, list(events)))
        if len(events) < A_STEP:
            return {"done": work.cursor.get("did", 0), "left_alone": work.cursor.get("left", 0)}
        work.progress(work.cursor["did"] + work.cursor["left"], count)


def which(verb: Verb, question: log.Asked) -> tuple[ColumnElement[bool], ...]:
    """The events the filters find, as far as the verb does anything to them."""
    status = (log.VIEWS[question.status][1],) if question.status else ()
    return (WORTH[verb], *status, *question.conditions)


def frozen(session: Session, verb: Verb, status: str, words: Mapping[str, str], until: int,
           ids: list[int] | None) -> tuple[ColumnElement[bool], ...]:
    """The same events at every step: those of the filters up to a number, or these very ones."""
    if ids is not None:
        return WORTH[verb], Event.id.in_(ids)
    question = log.asked(MultiDict({**words, **({"status": status} if status else {})}), list(session.scalars(select(Endpoint))))
    return (*which(verb, question), Event.id <= until)


def _step(session: Session, work: Work, verb: Verb, events: list[Event]) -> dict[str, int]:
    did = left = 0
    for event in events:
        try:
            did += VERBS[verb](session, event, by=work.actor, job=work.job_id)
        except Conflict:
            left += 1
    return {"after": events[-1].id if events else work.cursor.get("after", 0), "did": work.cursor.get("did", 0) + did,
            "left": work.cursor.get("left", 0) + left}
