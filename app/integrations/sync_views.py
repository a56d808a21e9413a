"""The pages of syncs: those of a connection, with the buttons that begin them, and one with what it found."""
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, render_template, request, url_for
from flask import redirect as go
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import newest
from app.access import current_actor, requires
from app.errors import BadRequest, Conflict, Invalid
from app.extensions import db
from app.integrations import connections, listing, sync_run, sync_sheet
from app.integrations.models import StoredConnection
from app.integrations.registry import provider
from app.integrations.sync import Sync
from app.integrations.sync_standing import Standing, standing
from app.records import batches
from app.records.batch_standing import PAGE
from app.typed import Asked, asks
from app.ui import toast

bp = Blueprint("syncs", __name__)
MOVED = 100     # records that are missing there, chosen by one link
FROM = {"last": "From where the last one began", "all": "Everything there is", "day": "From a day on"}
QUESTIONS = {"listing": Asked("What"), "from": Asked("How far back", FROM), "day": Asked("From"),
             "every": Asked("Compare", sync_run.EVERY)}


@bp.get("/connections/<int:connection_id>/syncs")
@requires("integrations.read")
def index(connection_id: int) -> str:
    """The syncs of a connection, the newest first; how they begin, and when they come again."""
    stored = connections.get(connection_id)
    before = newest.whole(request.args.get("before", ""))
    query = Standing.seen(current_actor()).where(Sync.connection_id == connection_id).order_by(Sync.id.desc()).limit(PAGE + 1)
    found = [Standing(*row) for row in db.session.execute(query.where(Sync.id < before) if before else query)]
    more = url_for(".index", connection_id=connection_id, before=found[PAGE - 1].sync.id) if len(found) > PAGE else ""
    return render_template(
        "integrations/syncs.html", nav="integrations", stored=stored, by=provider(stored.provider), found=found[:PAGE], more=more,
        first=url_for(".index", connection_id=connection_id) if before else "", listings=listing.of(stored.provider), froms=FROM,
        schedule=sync_run.scheduled(db.session(), connection_id), every=sync_run.EVERY,
        is_working=any(one.is_working for one in found[:PAGE]))


@bp.post("/connections/<int:connection_id>/syncs")
@requires("integrations.refresh")
@asks(lambda **_: QUESTIONS)
def begin(connection_id: int) -> Response:
    """Compare these lists. With one, its page says how far it is."""
    try:
        ids = sync_run.start(connection_id, request.form.getlist("listing"), _since(), by=current_actor(),
                             goes_on=request.form.get("from", "last") == "last")
    except (Invalid, Conflict) as problem:
        flash(problem.detail)
        return go(url_for(".index", connection_id=connection_id), 303)
    if len(ids) == 1:
        return go(url_for(".show", sync_id=ids[0]), 303)
    return go(url_for(".index", connection_id=connection_id), 303)


@bp.post("/connections/<int:connection_id>/syncs/schedule")
@requires("integrations.manage")
@asks(lambda **_: QUESTIONS)
def schedule(connection_id: int) -> Response:
    """Let them come again by themselves, or not."""
    every = request.form.get("every", "")
    sync_run.schedule(connection_id, every, by=current_actor())
    toast(f"Everything is compared {sync_run.EVERY[every].lower()}." if every else "Nothing is compared by itself any more.")
    return go(url_for(".index", connection_id=connection_id), 303)


@bp.get("/syncs/<int:sync_id>")
@requires("integrations.read")
def show(sync_id: int) -> str:
    """How far it is, or what it found."""
    found = standing(db.session(), sync_id, current_actor())
    if found.is_working or found.is_stuck or found.sync.stage == "cancelled":
        return _page("integrations/sync_working.html", found)
    return _rows_page(found)


@bp.post("/syncs/<int:sync_id>/apply")
@requires("integrations.bulk")
def apply(sync_id: int) -> Response:
    """Write what was chosen to the records. Pressed twice, it is the same as once."""
    try:
        sync_run.run(sync_id, only=request.form.get("only", ""), rows=_numbers(), by=current_actor())
    except Conflict as problem:
        flash(problem.detail)
    return go(url_for(".show", sync_id=sync_id), 303)


@bp.post("/syncs/<int:sync_id>/undo")
@requires("integrations.bulk")
def undo(sync_id: int) -> Response:
    """Take back what was written. Pressed twice, it is the same as once."""
    try:
        sync_run.undo(sync_id, by=current_actor())
    except Conflict as problem:
        flash(problem.detail)
    return go(url_for(".show", sync_id=sync_id), 303)


@bp.post("/syncs/<int:sync_id>/<any(stop, 'go-on'):verb>")
@requires("integrations.refresh")
def act(sync_id: int, verb: str) -> Response:
    """Stop it, or go on with it."""
    (sync_run.stop if verb == "stop" else sync_run.go_on)(sync_id, by=current_actor())
    return go(url_for(".show", sync_id=sync_id), 303)


def _since() -> datetime | None:
    """From when on, as the form says. Raises Invalid."""
    if request.form.get("from") != "day":
        return None
    try:
        return datetime.combine(date.fromisoformat(request.form.get("day", "")), time(), UTC)
    except ValueError:
        raise Invalid("Write the day from which on to compare, like 2026-06-12.") from None


def _numbers() -> list[int]:
    """The rows that are ticked, if only those are meant. Raises Conflict when none is."""
    if request.form.get("only") != "ticked":
        return []
    found = [number for text in request.form.getlist("row") if (number := newest.whole(text)) is not None]
    if not found:
        raise Conflict("Tick some rows first.")
    return found


def _page(template: str, found: Standing, **values: Any) -> str:
    stored = db.session.get_one(StoredConnection, found.sync.connection_id)
    return render_template(template, nav="integrations", found=found, sync=found.sync, batch=found.batch, resource=found.resource,
                           stored=stored, by=provider(stored.provider), label=found.label(stored), **values)


def _rows_page(found: Standing) -> str:
    session: Session = db.session()
    if wrong := [name for name in request.args if name not in ("rows", "id", "after")]:
        raise BadRequest("Take the filter away or correct it.", errors=dict.fromkeys(wrong, "This list has no such filter."))
    counts = batches.counts(session, found.batch)
    tab, outside = request.args.get("rows", ""), request.args.get("id", "").strip()
    tab = tab if tab in sync_sheet.TABS else ""
    after = newest.whole(request.args.get("after", "")) or 0
    rows, last = sync_sheet.rows(session, found, tab, outside, after, current_actor())
    offered = sync_sheet.tabs(found, counts)
    return _page("integrations/sync.html", found, rows=rows, tab=tab, outside=outside, counts=counts,
                 tabs=[(word, _address(found, name, outside), number, name == tab) for name, word, number in offered],
                 number=None if outside else sum(number for name, _, number in offered if name == tab),
                 first=_address(found, tab, outside) if after else "", more=_address(found, tab, outside, last) if last else "",
                 clear=_address(found, tab, ""), here=url_for(".show", sync_id=found.sync.id),
                 gone=_gone(session, found))


def _address(found: Standing, tab: str, outside: str, after: int | None = None) -> str:
    query = {name: value for name, value in (("rows", tab), ("id", outside), ("after", after)) if value}
    return url_for(".show", sync_id=found.sync.id) + (f"?{urlencode(query)}" if query else "")


def _gone(session: Session, found: Standing) -> str:
    """The records that are missing there, as the page of bulk changes takes them; "" for none, or too many to choose."""
    columns = batches.rows_table.c
    absent = (columns.batch_id == found.batch.id, columns.outcome == "absent")
    ids = session.scalars(select(columns.record_id).where(*absent).limit(MOVED + 1)).all()
    return ",".join(map(str, ids)) if 0 < len(ids) <= MOVED else ""
