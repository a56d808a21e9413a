"""Exports kept under a name: saved, shared, run again by a person or by the clock, with the rights that hold at that moment."""
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app import audit, notices
from app.access import NOBODY, check
from app.audit import Actor
from app.errors import BadRequest, Forbidden, Invalid, NotFound
from app.exports import run
from app.exports.models import Definition, Export
from app.exports.rhythm import Rhythm
from app.exports.style import Style
from app.extensions import db
from app.jobs import schedules
from app.jobs.models import Schedule
from app.jobs.work import Work
from app.transaction import lock, transaction

MOST, LONGEST = 100, 60


def of(session: Session, actor: Actor) -> list[Definition]:
    """The saved exports of this person and those shared with them, by name."""
    mine = or_(Definition.owner_id == (actor.id if actor.kind == "staff" else None), Definition.is_shared)
    found = session.scalars(select(Definition).where(mine).order_by(Definition.name, Definition.id).limit(2 * MOST))
    return [one for one in found if actor.may(f"{one.resource}.export")]


def find(session: Session, definition_id: int, actor: Actor) -> Definition:
    """Raises NotFound, also for what is somebody else's and not shared, or of records `actor` may not export."""
    found = session.get(Definition, definition_id) if 0 < definition_id < 2**63 else None
    if found is None or not (is_of(found, actor) or found.is_shared) or not actor.may(f"{found.resource}.export"):
        raise NotFound("There is no such saved export, or it is somebody else's.")
    return found


def titles(many: Sequence[Mapping[str, Any]], actor: Actor) -> list[str]:
    """The names of the saved exports that jobs with these arguments start, "" of one `find` would not find. 1 statement."""
    ids = [args["definition_id"] for args in many]
    rows = db.session.scalars(select(Definition).where(Definition.id.in_(ids)))
    found = {one.id: one.name for one in rows if (is_of(one, actor) or one.is_shared) and actor.may(f"{one.resource}.export")}
    return [found.get(id, "") for id in ids]


def is_of(definition: Definition, actor: Actor) -> bool:
    return actor.kind == "staff" and definition.owner_id == actor.id


def save(name: str, resource: str, query: str, columns: Sequence[str], format: str, style: Style, *, by: Actor,
         shared: bool = False) -> int:
    """Keep it under this name; the same name again changes what it exports. Returns its id.

    Raises Invalid for a name that will not do, and what `run.wanted` raises.
    """
    if by.kind != "staff" or by.id is None:
        raise Forbidden("Only a person has saved exports.")
    name = " ".join(name.split())
    if not name or len(name) > LONGEST or not name.isprintable():
        raise Invalid("Nothing was saved.", errors={"name": f"Give it a name of at most {LONGEST} characters."})
    export = run.wanted(resource, query, columns, format, style, by=by)
    with transaction() as session:
        owned = select(Definition).where(Definition.owner_id == by.id)
        mine = {one.name: one for one in session.scalars(owned.with_for_update())}
        if name not in mine and len(mine) >= MOST:
            raise Invalid("Nothing was saved.", errors={"name": f"You have {MOST} saved exports already. Remove one first."})
        kept = mine.get(name) or Definition(name=name, owner_id=by.id, owner=by.name)
        kept.resource, kept.query, kept.columns, kept.format, kept.style = resource, query, export.columns, format, export.style
        kept.is_shared, kept.changed_at = shared, datetime.now(UTC)
        session.add(kept)
        session.flush()
        audit.note(session, by, "exports.save", "export_definitions", kept.id, name=name, query=query, columns=export.columns,
                   shared=shared)
        return kept.id


def remove(definition_id: int, *, by: Actor) -> None:
    """Forget it and its schedule; files written from it stay their time. Its owner may, and an admin if it is shared."""
    with transaction() as session:
        kept = _owned(session, definition_id, by)
        if schedule := schedule_of(session, kept):
            session.delete(schedule)
        notices.settle(session, _key(kept))
        audit.note(session, by, "exports.remove", "export_definitions", kept.id, name=kept.name)
        session.delete(kept)


def run_now(definition_id: int, *, by: Actor) -> int:
    """Export it with the rights `by` has now. Returns the id of the export."""
    kept = find(db.session(), definition_id, by)
    return run.start(kept.resource, kept.query, kept.columns, kept.format, Style.of(kept.style), by=by, definition_id=kept.id)


def plan(definition_id: int, rhythm: Rhythm, *, by: Actor) -> None:
    """Let it come again by itself, with the rights its owner has each time. Only the owner may: it acts for them."""
    with transaction() as session:
        kept = lock(session, Definition, definition_id)
        if not is_of(kept, by):
            raise Forbidden("A schedule acts for whoever owns the saved export. Save one of your own.")
        check(by, f"{kept.resource}.export")
        row = schedules.schedule(session, f"export {kept.id}", "exports.scheduled", {"definition_id": kept.id}, rhythm.cron,
                                 time_zone=rhythm.zone, by=by)
        row.is_enabled, kept.schedule_id, kept.paused_why = True, row.id, None
        notices.settle(session, _key(kept))
        audit.note(session, by, "exports.schedule", "export_definitions", kept.id, name=kept.name, when=rhythm.said)


def pause(definition_id: int, *, by: Actor) -> None:
    """Let it rest until its owner goes on. Twice is once."""
    with transaction() as session:
        kept = _owned(session, definition_id, by)
        if (schedule := schedule_of(session, kept)) and schedule.is_enabled:
            schedule.is_enabled = False
            audit.note(session, by, "exports.pause", "export_definitions", kept.id, name=kept.name)


def resume(definition_id: int, *, by: Actor) -> None:
    """Go on from now: what was missed meanwhile is not made up for. Raises Forbidden for anybody but the owner."""
    kept = find(db.session(), definition_id, by)
    schedule = schedule_of(db.session(), kept)
    if schedule is None:
        raise NotFound("It has no schedule. Give it one first.")
    plan(definition_id, Rhythm.read(schedule), by=by)


def begin(work: Work, definition_id: int) -> None:
    """Start the export its schedule asks for, for its owner with the rights they have now; once, however often this is tried.

    Where the owner is gone or may not have it any more, the schedule rests and whoever may export such records is told.
    """
    actor = work.actor
    kept = db.session.get(Definition, definition_id)
    if kept is None:
        return
    try:
        if actor is NOBODY:
            raise Forbidden(f"{kept.owner} cannot sign in any more.")
        export = run.wanted(kept.resource, kept.query, kept.columns, kept.format, Style.of(kept.style), by=actor)
    except (BadRequest, Forbidden, NotFound) as problem:
        _rest(work, definition_id, problem.detail)
        return
    with work.transaction(finish=True) as session:
        export.definition_id, export.mail_to = definition_id, actor.id
        run.queue(session, export, by=actor)


def latest(session: Session, definition: Definition, actor: Actor, most: int = 10) -> list[Export]:
    """What was written from it, newest first, as far as `actor` may know of it."""
    found = session.scalars(select(Export).where(Export.definition_id == definition.id).order_by(Export.id.desc()).limit(50))
    return [one for one in found if one.is_of(actor) or actor.may("exports.export")][:most]


def _rest(work: Work, definition_id: int, why: str) -> None:
    with work.transaction(finish=True) as session:
        kept = lock(session, Definition, definition_id)
        kept.paused_why = why
        if schedule := schedule_of(session, kept):
            schedule.is_enabled = False
        notices.tell(session, _key(kept), f"The scheduled export {kept.name} is paused", why, needs=f"{kept.resource}.export",
                     url=f"/exports/saved/{kept.id}")


def _owned(session: Session, definition_id: int, by: Actor) -> Definition:
    found = session.get(Definition, definition_id, with_for_update=True) if 0 < definition_id < 2**63 else None
    if found is None or not (is_of(found, by) or found.is_shared and by.may("settings.manage")):
        raise NotFound("There is no such saved export among yours.")
    return found


def schedule_of(session: Session, definition: Definition) -> Schedule | None:
    """Its schedule, if it has one."""
    return session.get(Schedule, definition.schedule_id) if definition.schedule_id else None


def _key(definition: Definition) -> str:
    return f"export {definition.id} is paused"
