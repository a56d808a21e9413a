"""Jobs that come again: cron lines in a time zone, fired once by any number of sweepers."""
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import SYSTEM, Actor
from app.errors import Invalid
from app.jobs.enqueue import insert, ring_after
from app.jobs.models import Schedule
from app.jobs.registry import Kind, kind, kinds
from app.transaction import now, transaction


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


def _fire(session: Session, row: Schedule, what: Kind, moment: datetime) -> bool:
    job = insert(session, {
        "kind": row.kind, "queue": what.queue, "args": row.args, "key": f"schedule {row.name}", "run_at": moment,
        "max_attempts": what.max_attempts, "schedule_id": row.id, "fire_at": row.next_at,
        "created_by_kind": row.created_by_kind, "created_by_id": row.created_by_id, "created_by": row.created_by})
    row.last_at, row.next_at = row.next_at, following(row.cron, row.time_zone, moment)
    if job is not None:
        ring_after(session, what.queue)
    return job is not None
