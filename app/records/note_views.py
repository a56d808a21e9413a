"""What staff leave beside a record: notes, and who has it open."""
from typing import Any

from flask import g, redirect, request
from werkzeug.wrappers import Response

from app.access import current_actor, requires
from app.errors import Invalid
from app.extensions import db
from app.records import detail, edit_views, notes, openings, query
from app.records.registry import named
from app.records.resource import Resource
from app.records.routing import bp
from app.typed import Asked, Questions, asks


def _asked(**_: object) -> Questions:
    return {"text": Asked("Note")}


@bp.post("/<resource:resource>/<int:id>/notes")
@requires("{resource}.edit")
@asks(_asked)
def add_note(resource: str, id: int) -> Any:
    kind, actor = named(resource), current_actor()
    row = query.one(db.session(), kind, id, actor)
    text = request.form.get("text", "")
    try:
        notes.add(kind, id, text, by=actor, request_id=g.get("request_id"))
    except Invalid as refused:
        return detail.page(kind, row, actor, draft=text, wrong=refused.errors["text"]), 422
    return _to_notes(kind, id)


@bp.post("/<resource:resource>/<int:id>/notes/<int:note_id>/remove")
@requires("{resource}.edit")
def remove_note(resource: str, id: int, note_id: int) -> Response:
    kind, actor = named(resource), current_actor()
    query.one(db.session(), kind, id, actor)
    notes.remove(kind, id, note_id, by=actor, request_id=g.get("request_id"))
    return _to_notes(kind, id)


@bp.post("/<resource:resource>/<int:id>/opened")
@requires("{resource}.read")
def opened(resource: str, id: int) -> tuple[str, int]:
    """The page tells that it is open; `editing` if it is the form. A page that is only read writes nothing by itself."""
    kind, actor = named(resource), current_actor()
    query.one(db.session(), kind, id, actor)
    openings.keep(db.session(), kind, id, actor, "editing" in request.form)
    return "", 204


def _to_notes(resource: Resource, id: int) -> Response:
    return redirect(f"{edit_views.shown(resource, id)}#h-tl", 303)
