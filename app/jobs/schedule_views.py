"""The page of what comes again by itself, and what a person may do about it."""
from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.access import current_actor, requires
from app.errors import NotFound
from app.extensions import db
from app.jobs import pages, words
from app.jobs import schedules as verbs
from app.jobs.models import Schedule
from app.jobs.registry import kinds

bp = Blueprint("schedules", __name__, url_prefix="/schedules")
AHEAD = 5       # moments shown


@bp.get("")
@requires("jobs.read")
def index() -> str:
    """What comes again by itself, and when."""
    rows = db.session.scalars(select(Schedule).order_by(Schedule.name)).all()
    titles = _titles(rows)
    named = [(row, titles.get(row.id), pages.works_on(row), verbs.upcoming(row, AHEAD), verbs.is_of(row, current_actor()))
             for row in rows]
    return render_template("jobs/schedules.html", nav="jobs", schedules=named, words=words)


@bp.post("/<int:schedule_id>/run")
@requires("jobs.retry")
def run(schedule_id: int) -> Response:
    job_id, is_new = verbs.run_now(_id(schedule_id), by=current_actor())
    flash(f"Job {job_id} is queued." if is_new else f"Job {job_id} is under way already.")
    return redirect(url_for("jobs.show", job_id=job_id), 303)


@bp.post("/<int:schedule_id>/pause")
@requires("jobs.manage")
def pause(schedule_id: int) -> Response:
    verbs.pause(_id(schedule_id), by=current_actor())
    flash("It is paused. Nothing of it starts by itself until somebody goes on.")
    return redirect(url_for(".index"), 303)


@bp.post("/<int:schedule_id>/resume")
@requires("jobs.manage")
def resume(schedule_id: int) -> Response:
    verbs.resume(_id(schedule_id), by=current_actor())
    flash("It goes on. What was missed meanwhile is not made up for.")
    return redirect(url_for(".index"), 303)


def _id(given: int) -> int:
    if given >= 2**63:
        raise NotFound(f"There is no schedule {given}.")
    return given


def _titles(rows: Sequence[Schedule]) -> dict[int, str]:
    """What these schedules work on is called, by their ids, as far as the reader may know. 1 statement a kind that has names."""
    found: dict[int, str] = {}
    for one in kinds():
        mine = [row for row in rows if row.kind == one.name]
        if one.titles is not None and mine:
            found |= zip([row.id for row in mine], one.titles([row.args for row in mine], current_actor()), strict=True)
    return found
