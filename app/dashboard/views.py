"""The first page: what needs a person today, and how the last two weeks went."""
from datetime import datetime

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from app import notices, ui
from app.access import current_actor, requires
from app.dashboard import charts
from app.dashboard.tiles import tiles
from app.extensions import db
from app.imports import standing
from app.transaction import transaction

bp = Blueprint("dashboard", __name__)
IMPORTS = 4


@bp.get("/")
@requires("dashboard.read")
def index() -> str:
    """Today."""
    session, actor, now = db.session(), current_actor(), datetime.now(ui.zone())
    imports = standing.latest(session, actor)[:IMPORTS] if actor.may("imports.read") else []
    return render_template("dashboard/index.html", nav="today", now=now, today=f"{now:%A}, {now.day} {now:%B}",
                           tiles=tiles(session, actor), orders=charts.orders_by_day(session, actor),
                           paid=charts.paid_by_day(session, actor),
                           imports=[one for one in imports if one.batch is not None and one.imported.stage == "done"])


@bp.post("/notices/<int:notice_id>/dismiss")
@requires("notices.ignore")
def dismiss(notice_id: int) -> Response:
    """This was heard; nobody is told of it again unless it happens anew."""
    with transaction() as session:
        notices.dismiss(session, notice_id, by=current_actor())
    return redirect(url_for(".index"), 303)
