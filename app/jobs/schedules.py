"""Jobs that come again: cron lines in a time zone, fired once by any number of sweepers."""
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import SYSTEM, Actor, note
from app.errors import Conflict, Forbidden, Invalid
from app.jobs.enqueue import OPEN, insert, ring_after
from app.jobs.models import Job, Schedule
from app.jobs.registry import Kind, kind, kinds
from app.transaction import lock, now, repeated, transaction

HOUSE = (None, "system", "command")     # kinds of actors whose schedules are those of the house


def schedule(session: Session, name: str, kind_name: str, args: dict[str, Any], cron: str, *, time_zone: str = "UTC",
             by: Actor = SYSTEM) -> Schedule:
    """Let the job come again whenever `cron` (minute hour day month weekday) says so in this zone; one schedule of a name.

    Raises Invalid with the field that is wrong.
    """
    kind(kind_name)
    if not croniter.is_valid(cron) or len(cron.split()) != 5:
        raise Invalid(errors={"cron": "Write five parts: minute, hour, day, month, weekday, like 30 6 * * 1-5."})
    row = session.execute(select(Schedule).where(Schedule.name == name)).scalar_one_or_none() or Schedule(name=name)
    row.kind, row.args, row.cron, row.time_zone = kind_name, args, cron, time_zone
    row.created_by_kind, row.created_by_id, row.created_by = by.kind, by.id, by.name
    row.next_at = following(cron, time_zone, now(session))
    session.add(row)
    session.flush()
    return row


def following(cron: str, time_zone: str, after: datetime) -> datetime:
    """The next moment after `after`, in UTC.

    A time the clocks skip in spring is the next that is there; one they show twice in autumn comes once, the first time,
    unless the line means every hour.
    """
    times = croniter(cron, after.astimezone(ZoneInfo(time_zone)))
    moment: datetime = times.get_next(datetime)
    while moment.fold and "*" not in cron.split()[1]:
        moment = times.get_next(datetime)
    return moment.astimezone(UTC)


def declare() -> None:
    """Keep a schedule for every kind of job that comes again by itself. Called at the start of a sweeper; safe to race."""
    with transaction() as session:
        known = {row.name: row for row in session.execute(select(Schedule)).scalars()}
        for what in kinds():
            if what.cron and (what.name not in known or known[what.name].cron != what.cron):
                schedule(session, what.name, what.name, {}, what.cron)


def fire() -> int:
    """Queue a job for every schedule whose moment has come; returns how many. Safe to race: a moment fires once.

    Moments that passed while nobody swept fire once, not each. While the last one still runs, the moment is skipped.
    """
    with transaction() as session:
        moment = now(session)
        due = session.execute(select(Schedule).where(Schedule.is_enabled, Schedule.next_at <= moment)
                              .order_by(Schedule.id).with_for_update(skip_locked=True)).scalars().all()
        return sum(_fire(session, row, kind(row.kind), moment) for row in due if row.kind in {what.name for what in kinds()})


@repeated
def run_now(schedule_id: int, *, by: Actor) -> tuple[int, bool]:
    """Queue its job at once, for whoever the schedule acts for; when it comes next stays as it is.

    Returns the id of its open job, and whether that is a new one: pressed twice it is queued once. Raises NotFound, Forbidden
    where it acts for somebody else, and Conflict when this version does not know the job.
    """
    with transaction() as session:
        row = _mine(session, schedule_id, by)
        if row.kind not in {what.name for what in kinds()}:
            raise Conflict("This version of Backroom does not know this job.")
        job = _insert(session, row, kind(row.kind), now(session), None)
        if job is None:
            return _open(session, row), False
        note(session, by, "schedules.run", "schedules", row.id, name=row.name, job=job.id)
        return job.id, True


def pause(schedule_id: int, *, by: Actor) -> None:
    """Let it rest until somebody goes on; a job of it that waits or runs is left alone. Twice is once. Raises NotFound."""
    with transaction() as session:
        row = lock(session, Schedule, schedule_id)
        if row.is_enabled:
            row.is_enabled = False
            note(session, by, "schedules.pause", "schedules", row.id, name=row.name)


def resume(schedule_id: int, *, by: Actor) -> None:
    """Go on from now: what was missed meanwhile is not made up for. Twice is once.

    Raises NotFound, and Forbidden where it acts for somebody else.
    """
    with transaction() as session:
        row = _mine(session, schedule_id, by)
        if not row.is_enabled:
            row.is_enabled, row.next_at = True, following(row.cron, row.time_zone, now(session))
            note(session, by, "schedules.resume", "schedules", row.id, name=row.name)


def upcoming(row: Schedule, count: int) -> list[datetime]:
    """The next so many moments, in UTC; none while it is paused."""
    moments = [row.next_at] if row.is_enabled else []
    while moments and len(moments) < count:
        moments.append(following(row.cron, row.time_zone, moments[-1]))
    return moments


def is_of(row: Schedule, actor: Actor) -> bool:
    """Whether it acts for the house, or for this actor."""
    return row.created_by_kind in HOUSE or (row.created_by_kind, row.created_by_id) == (actor.kind, actor.id)


def _open(session: Session, row: Schedule) -> int:
    found = session.execute(select(Job.id).where(Job.kind == row.kind, Job.key == _key(row), Job.status.in_(OPEN)))
    id = found.scalar_one_or_none()
    if id is None:
        raise Conflict("Its job has ended at this moment. Try again.")
    return id


def _mine(session: Session, schedule_id: int, by: Actor) -> Schedule:
    row = lock(session, Schedule, schedule_id)
    if not is_of(row, by):
        raise Forbidden(f"This schedule acts with the rights of {row.created_by}: only they start it.")
    return row


def _fire(session: Session, row: Schedule, what: Kind, moment: datetime) -> bool:
    job = _insert(session, row, what, moment, row.next_at)
    row.last_at, row.next_at = row.next_at, following(row.cron, row.time_zone, moment)
    return job is not None


def _insert(session: Session, row: Schedule, what: Kind, moment: datetime, fire_at: datetime | None) -> Job | None:
    """Its job for one of its moments, or between them; None while another one is open, or where that moment had its job."""
    job = insert(session, {
        "kind": row.kind, "queue": what.queue, "args": row.args, "key": _key(row), "run_at": moment,
        "max_attempts": what.max_attempts, "schedule_id": row.id, "fire_at": fire_at,
        "created_by_kind": row.created_by_kind, "created_by_id": row.created_by_id, "created_by": row.created_by})
    if job is not None:
        ring_after(session, what.queue)
    return job


def _key(row: Schedule) -> str:
    return f"schedule {row.name}"
