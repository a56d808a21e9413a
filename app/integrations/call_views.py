"""The pages of the call log: the list, and one call with all its attempts."""
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.access import can, current_actor, requires
from app.errors import NotFound
from app.extensions import db
from app.integrations import call_log, panel, words
from app.integrations.jobs import KEPT
from app.integrations.models import Call, StoredConnection
from app.integrations.registry import find
from app.records.panels import panel as register_panel
from app.records.registry import resources

bp = Blueprint("calls", __name__, url_prefix="/calls")


@bp.get("")
@requires("integrations.read")
def index() -> str:
    """The log, the newest first."""
    session: Session = db.session()
    question = call_log.asked(request.args)
    known = {each.id: each for each in session.scalars(select(StoredConnection))}
    page, counts = call_log.page(session, question), call_log.counts(session, question)
    return render_template("integrations/calls.html", nav="integrations", page=page, question=question, counts=counts,
                           views=call_log.VIEWS, connections=known, words=words, address=_address, keep_days=KEPT.get())


@bp.get("/<int:call_id>")
@requires("integrations.read")
def show(call_id: int) -> str:
    """One attempt and those beside it; what was sent and answered only for who may see what is sensitive."""
    session: Session = db.session()
    call = session.get(Call, call_id) if call_id < 2**63 else None
    if call is None:
        raise NotFound(f"There is no call {call_id}. Calls are kept for {KEPT.get()} days.")
    word = next((each.singular for each in resources() if each.name == call.resource), "")
    return render_template("integrations/call.html", nav="integrations", call=call, attempts=call_log.together(session, call),
                           connection=session.get_one(StoredConnection, call.connection_id), by=find(call.provider), words=words,
                           shows_bodies=can(current_actor(), "integrations.sensitive"), record_word=word)


def _address(question: call_log.Asked, **new: object) -> str:
    """The list with the same filters, some of them changed or (None) taken away."""
    given: dict[str, Any] = {"view": question.view, **question.words, **new}
    query = {name: value for name, value in given.items() if value not in (None, "")}
    return url_for("integrations.calls.index") + (f"?{urlencode(query, safe='/')}" if query else "")


@bp.app_context_processor
def _calls_of() -> dict[str, Any]:
    """`calls_of(job=7)` on any page: how many calls were made for it; 0 for who may not see them."""
    def calls_of(**what: int) -> int:
        return call_log.number_of(db.session(), **what) if can(current_actor(), "integrations.read") else 0
    return {"calls_of": calls_of}


register_panel("*", panel.calls)
