"""The pages of many jobs at once: what would be done to which, and how far it is."""
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.access import can, current_actor, requires
from app.errors import BadRequest, NotFound
from app.extensions import db
from app.jobs import listing, many, words
from app.jobs.models import Job
from app.newest import whole

bp = Blueprint("many", __name__, url_prefix="/many")
MOST = 200      # ticked at once
OFFERED = {"": ("retry", "cancel", "discard"), "dead": ("retry", "discard"), "retrying": ("retry", "cancel"),
           "waiting": ("cancel",), "running": ("cancel",), "cancelled": ("retry",), "done": ()}


@bp.get("/retry")
@requires("jobs.retry")
def ask_retry() -> str:
    return _ask("retry")


@bp.get("/cancel")
@requires("jobs.ignore")
def ask_cancel() -> str:
    return _ask("cancel")


@bp.get("/discard")
@requires("jobs.ignore")
def ask_discard() -> str:
    return _ask("discard")


@bp.post("/retry")
@requires("jobs.retry")
def do_retry() -> Response:
    return _start("retry")


@bp.post("/cancel")
@requires("jobs.ignore")
def do_cancel() -> Response:
    return _start("cancel")


@bp.post("/discard")
@requires("jobs.ignore")
def do_discard() -> Response:
    return _start("discard")


@bp.get("/<int:job_id>")
@requires("jobs.read")
def show(job_id: int) -> str:
    """How far it is, and what came of it."""
    found = db.session.get(Job, job_id) if job_id < 2**63 else None
    if found is None or found.kind != many.KIND:
        raise NotFound(f"There is no such run {job_id}.")
    cursor, question = found.cursor or {}, listing.Asked(found.args["status"], found.args["words"])
    return render_template("jobs/many_run.html", nav="jobs", job=found, verb=found.args["verb"], did=cursor.get("did", 0),
                           left=cursor.get("left", 0), back=_address("jobs.index", question))


def offered(view: str) -> list[many.Verb]:
    """What this person may do to many jobs of a view."""
    return [verb for verb in OFFERED[view] if can(current_actor(), many.NEEDS[verb])]  # type: ignore[misc]


def _ask(verb: many.Verb) -> str:
    session: Session = db.session()
    chosen = _chosen()
    return render_template("jobs/many.html", nav="jobs", verb=verb, found=many.preview(session, verb, chosen), picked=chosen,
                           words=words, views=listing.VIEWS, largest=many.LARGEST, back=_address("jobs.index", chosen.question),
                           action=f"{url_for(f'.do_{verb}')}?{urlencode(list(request.args.items(multi=True)))}")


def _start(verb: many.Verb) -> Response:
    until = whole(request.form.get("until", ""))
    if until is None:
        raise BadRequest("Open the preview first: it says up to which job it holds.")
    return redirect(url_for(".show", job_id=many.start(verb, _chosen(), until, by=current_actor())), 303)


def _chosen() -> many.Chosen:
    """The ticked jobs, or with "all" those the filters find. Raises BadRequest when nothing was ticked."""
    question = listing.asked(MultiDict([(name, value) for name, value in request.args.items() if name not in ("id", "all")]))
    if request.args.get("all"):
        return many.Chosen(question)
    ids = [whole(text) for text in request.args.getlist("id")]
    known = tuple(id for id in ids if id is not None)
    if not 0 < len(known) == len(ids) <= MOST:
        raise BadRequest(f"Go back and tick the jobs you mean, no more than {MOST} at once.")
    return many.Chosen(question, known)


def _address(page: str, question: listing.Asked) -> str:
    given: dict[str, Any] = {**({"status": question.view} if question.view else {}), **question.words}
    return url_for(page) + (f"?{urlencode(given)}" if given else "")
