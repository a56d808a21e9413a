"""The page of the fault lab, in demonstrations alone: how each pretend provider behaves, and what its connection makes of it."""
from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import audit
from app.access import can, current_actor, requires
from app.config import config
from app.errors import BadRequest, NotFound
from app.extensions import db
from app.fakes import lab
from app.integrations import words
from app.integrations.models import Call, StoredConnection
from app.integrations.registry import provider
from app.transaction import transaction
from app.ui import toast

bp = Blueprint("lab", __name__, url_prefix="/integrations/lab")
SHOWN = 12


@bp.get("")
@requires("integrations.manage")
def index() -> str:
    """Every pretend provider with its switch, and the latest calls to them."""
    _check_offered()
    named = [lab.called(name) for name in lab.FAKES]
    found = db.session.scalars(select(StoredConnection).where(StoredConnection.is_sandbox, StoredConnection.name.in_(named)))
    known = {each.provider: each for each in found}
    calls = db.session.scalars(select(Call).where(Call.connection_id.in_([each.id for each in known.values()]))
                               .order_by(Call.id.desc()).limit(SHOWN)).all() if known else []
    return render_template("integrations/lab.html", nav="integrations", calls=calls, words=words, modes=lab.MODES,
                           fakes=[(provider(name), lab.mode(config(), name), known.get(name)) for name in lab.FAKES])


@bp.post("/<name>")
@requires("integrations.manage")
def switch(name: str) -> Response:
    """Let it behave otherwise."""
    _check_offered()
    mode = request.form.get("mode", "")
    if name not in lab.FAKES:
        raise NotFound("There is no such pretend provider.")
    if mode not in lab.MODES:
        raise BadRequest(f"Give one of {', '.join(lab.MODES)}.")
    lab.switch(config(), name, mode)
    with transaction() as session:
        audit.note(session, current_actor(), "integrations.fault", "connections", None, provider=name, mode=mode)
    toast(f"{provider(name).label}: {lab.MODES[mode].text}")
    return redirect(url_for(".index"), 303)


@bp.app_context_processor
def _where() -> dict[str, object]:
    """For the page of integrations: where the lab is, for those who may switch it."""
    offered = lab.is_offered(config()) and can(current_actor(), "integrations.manage")
    return {"fault_lab": url_for("lab.index") if offered else None}


def _check_offered() -> None:
    if not lab.is_offered(config()):
        raise NotFound("The fault lab is part of the demo on one's own machine. It is never there in production.")
