"""The pages of the jobs: the list, one job with its attempts, and what a person may do about it."""
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import cache, commands, ui
from app.access import current_actor, requires
from app.errors import NotFound
from app.extensions import db
from app.jobs import attempts, day, doing, listing, many_views, mend, pages, queues, ring, schedule_views, tiles, words
from app.jobs.jobs import KEPT
from app.jobs.models import Job, Worker
from app.jobs.presence import GONE
from app.newest import Count
from app.transaction import now

bp = Blueprint("jobs", __name__, url_prefix="/jobs")
for rooms in (many_views, schedule_views):
    bp.register_blueprint(rooms.bp)
MOST = 50       # attempts shown on a job's page
FRESH = 5.0     # seconds an answer about the queues as a whole is kept


@bp.get("")
@requires("jobs.read")
def index() -> str:
    """The list, the newest first."""
    session: Session = db.session()
    question = listing.asked(request.args)
    counts, workers = listing.counts(session, question), _workers(session)
    return render_template("jobs/index.html", nav="jobs", page=listing.page(session, question), question=question, words=words,
                           counts=counts, views=listing.VIEWS, address=_address, has_redis=_has_redis(), workers=workers,
                           doing=doing.doing(session, workers),
                           tiles=_tiles(session, counts if not question.words else listing.counts(session, listing.Asked()),
                                        len(workers)),
                           day=_day(session) if question == listing.Asked() else None, keep_days=KEPT.get(),
                           verbs=many_views.offered(question.view), start_worker=commands.line("worker"))


@bp.get("/<int:job_id>")
@requires("jobs.read")
def show(job_id: int) -> str:
    """One job: how far it is, what it came to, every attempt."""
    session: Session = db.session()
    job = session.get(Job, job_id) if job_id < 2**63 else None
    if job is None:
        raise NotFound(f"There is no job {job_id}. Jobs are kept for {KEPT.get()} days after they ended.")
    return render_template("jobs/show.html", nav="jobs", job=job, words=words, page=pages.works_on(job),
                           attempts=attempts.latest(session, "jobs", job_id, MOST))


@bp.post("/<int:job_id>/retry")
@requires("jobs.retry")
def retry(job_id: int) -> Response:
    mend.retry(job_id, by=current_actor())
    ui.toast(f"Job {job_id} is queued again.")
    return redirect(url_for(".show", job_id=job_id), 303)


@bp.post("/<int:job_id>/cancel")
@requires("jobs.ignore")
def cancel(job_id: int) -> Response:
    if mend.cancel(job_id, by=current_actor()):
        ui.toast(f"Job {job_id} is cancelled.", url=url_for(".retry", job_id=job_id), word="Queue it again")
    else:
        ui.toast(f"Job {job_id} stops after its present step.")
    return redirect(url_for(".show", job_id=job_id), 303)


@bp.post("/<int:job_id>/discard")
@requires("jobs.ignore")
def discard(job_id: int) -> Response:
    mend.discard(job_id, by=current_actor())
    ui.toast(f"Job {job_id} is discarded.", url=url_for(".retry", job_id=job_id), word="Retry it")
    return redirect(url_for(".show", job_id=job_id), 303)


def _address(question: listing.Asked, endpoint: str = "jobs.index", **new: object) -> str:
    """The list with the same filters, some of them changed or (None) taken away."""
    given: dict[str, Any] = {"status": question.view, **question.words, **new}
    query = {name: value for name, value in given.items() if value not in (None, "")}
    return url_for(endpoint) + (f"?{urlencode(query)}" if query else "")


def _tiles(session: Session, counts: Mapping[str, Count], workers: int) -> list[tiles.Tile]:
    behind, _ = cache.get("pulse", "", FRESH, _behind)
    finished = cache.get("jobs lately", "", FRESH, lambda: day.lately(session))
    return tiles.tiles(counts, behind, finished, workers, _has_redis())


def _day(session: Session) -> day.Day:
    return cache.get("jobs day", "", FRESH, lambda: day.day(session))


def _has_redis() -> bool:
    return cache.get("redis", "", FRESH, ring.answers)


def _workers(session: Session) -> list[Worker]:
    return list(session.scalars(select(Worker).where(Worker.seen_at > now(session) - GONE).order_by(Worker.started_at)))


def _behind() -> tuple[float, int]:
    """How many seconds the oldest due row of any queue waits, and how many jobs run."""
    session: Session = db.session()
    moment, behind = now(session), 0.0
    for queue in queues.registered():
        oldest = session.execute(select(func.min(queue.table.c.run_at)).where(queue.rows("waiting"))).scalar_one()
        behind = max(behind, 0.0 if oldest is None else (moment - oldest).total_seconds())
    running = session.execute(select(func.count()).select_from(Job).where(Job.status == "running")).scalar_one()
    return behind, running


def _pulse() -> ui.Pulse:
    behind, running = cache.get("pulse", "", FRESH, _behind)
    return ui.Pulse("wait" if behind > tiles.LATE else "ok", f"Queue {tiles.waited(behind)} behind", running)


ui.pulse(_pulse)
ui.mark("jobs", select(Job.id).where(Job.status == "dead"), "dead")
