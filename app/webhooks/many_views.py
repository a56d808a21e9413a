"""The pages of many events at once: what would be done to which, and how far it is."""
from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import ui
from app.access import can, current_actor, requires
from app.errors import BadRequest, NotFound
from app.extensions import db
from app.jobs.models import Job
from app.newest import whole
from app.webhooks import log, many, words
from app.webhooks.models import Endpoint

bp = Blueprint("many", __name__, url_prefix="/many")


@bp.get("/retry")
@requires("webhooks.retry")
def ask_retry() -> str:
    return _ask("retry")


@bp.get("/ignore")
@requires("webhooks.ignore")
def ask_ignore() -> str:
    return _ask("ignore")


@bp.post("/retry")
@requires("webhooks.retry")
def do_retry() -> Response:
    return _start("retry")


@bp.post("/ignore")
@requires("webhooks.ignore")
def do_ignore() -> Response:
    return _start("ignore")


@bp.get("/<int:job_id>")
@requires("webhooks.read")
def show(job_id: int) -> str:
    """How far it is, and what came of it."""
    found = db.session.get(Job, job_id) if job_id < 2**63 else None
    if found is None or found.kind != many.KIND:
        raise NotFound(f"There is no such run {job_id}.")
    cursor = found.cursor or {}
    return render_template("webhooks/many_run.html", nav="webhooks", job=found, verb=found.args["verb"], did=cursor.get("did", 0),
                           left=cursor.get("left", 0), back=_list(found.args["status"], found.args["words"]))


def _ask(verb: many.Verb) -> str:
    session: Session = db.session()
    known, question = _question(session)
    found = many.preview(session, verb, log.searched(session, question))
    return render_template("webhooks/many.html", nav="webhooks", verb=verb, found=found, question=question, endpoints=known,
                           words=words, views=log.VIEWS, largest=many.LARGEST, back=_list(question.status, question.words),
                           action=_address(f".do_{verb}", _args(question)))


def _start(verb: many.Verb) -> Response:
    until = whole(request.form.get("until", ""))
    if until is None:
        raise BadRequest("Open the preview first: it says up to which event it holds.")
    job_id = many.start(verb, _question(db.session())[1], until, by=current_actor())
    return redirect(url_for(".show", job_id=job_id), 303)


def _question(session: Session) -> tuple[dict[int, Endpoint], log.Asked]:
    known = {each.id: each for each in session.scalars(select(Endpoint))}
    question = log.asked(request.args, list(known.values()), ui.zone())
    log.check(question, can(current_actor(), "webhooks.sensitive"))
    return known, question


def _args(question: log.Asked) -> dict[str, str]:
    return {**({"status": question.status} if question.status else {}), **question.words}


def _list(status: str, given: Mapping[str, str]) -> str:
    return _address("webhooks.index", {**({"status": status} if status else {}), **given})


def _address(page: str, args: Mapping[str, str]) -> str:
    return url_for(page) + (f"?{urlencode(args)}" if args else "")
