"""The audit pages: everything that happened, and what one request did."""
from typing import Any

from flask import Blueprint, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.access import current_actor, requires
from app.audit import Actor, Audit, Door
from app.extensions import db
from app.records.registry import resources
from app.records.timeline import NAMES
from app.trail import question, words
from app.trail.entries import entries
from app.trail.find import GUARDED, WINDOW, find

bp = Blueprint("trail", __name__)


@bp.get("/trail")
@requires("trail.read")
def index() -> str:
    """What happened, newest first."""
    asked, actor = question.read(request.args), current_actor()
    found = find(db.session(), asked, actor)
    return render_template(
        "trail/index.html", nav="trail", entries=entries(db.session(), found.rows, actor), asked=asked, found=found,
        chips=_chips(db.session(), asked), resources=_choices(actor), doors={door.value: NAMES[door] for door in Door},
        older=found.older and url_for(".index", **_values(asked, "before"), before=found.older), window=WINDOW,
        first=asked.before and url_for(".index", **_values(asked)))


@bp.get("/trail/<request_id>")
@requires("trail.read")
def show(request_id: str) -> str:
    """What one request did, by the number people quote from a page."""
    asked, actor = question.read(MultiDict({"request": request_id})), current_actor()
    found = find(db.session(), asked, actor)
    return render_template("trail/show.html", nav="trail", entries=entries(db.session(), found.rows, actor),
                           request_id=request_id)


def _chips(session: Session, asked: question.Question) -> list[tuple[str, str, str]]:
    """(title, value, the address without it) of each filter; the second of a pair goes with the first."""
    chips = []
    for name, title in (("actor", "Who"), ("resource", "What"), ("door", "Door"), ("day", "Day"), ("request", "Request")):
        if name in asked.words:
            gone = (name, {"resource": "record", "door": "door_id"}.get(name, name))
            chips.append((title, _value(session, asked, name), url_for(".index", **_values(asked, *gone))))
    return chips


def _values(asked: question.Question, *but: str) -> dict[str, Any]:
    return {name: value for name, value in asked.words.items() if name not in but}


def _value(session: Session, asked: question.Question, name: str) -> str:
    if name == "actor" and asked.actor is not None:
        kind, id = asked.actor
        found = session.scalar(select(Audit.actor).where(Audit.actor_kind == kind, Audit.actor_id == id)
                               .order_by(Audit.id.desc()).limit(1))
        return found or asked.words[name]
    if name == "resource":
        plural = {one.name: one.plural for one in resources()} | words.TABLES
        text = plural.get(asked.words[name], asked.words[name])
        return f"{text} {asked.words['record']}" if "record" in asked.words else text
    if name == "door" and asked.door is not None:
        return f"{NAMES[asked.door]} {asked.words.get('door_id', '')}".strip()
    return asked.words[name]


def _choices(actor: Actor) -> list[tuple[str, str]]:
    """(name, words) of what the trail can be narrowed to."""
    records = [(one.name, one.plural) for one in resources() if actor.may(f"{one.name}.read")]
    return records + [(table, text) for table, text in words.TABLES.items() if actor.may(GUARDED.get(table, "trail.read"))]
