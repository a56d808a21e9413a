"""Record pages for one deed each, the same for every resource: to the trash, out of it again, away from its provider."""
from collections.abc import Callable
from typing import Any

from flask import g, redirect, render_template, request, url_for

from app import ui
from app.access import current_actor, requires
from app.errors import BadRequest
from app.extensions import db
from app.records import conflict, detail, query, related
from app.records import save as saving
from app.records.changes import REFUSED, Outcome
from app.records.edit_views import keeper, number_of, shown, version_seen, way_back, way_to_undo
from app.records.registry import named
from app.records.resource import Resource
from app.records.routing import bp

Row = dict[str, Any]


@bp.get("/<resource:resource>/<int:id>/trash")
@requires("{resource}.trash")
def confirm_trash(resource: str, id: int) -> Any:
    """What would become of it, and of what hangs on it."""
    kind, actor = named(resource), current_actor()
    row = query.one(db.session(), kind, id, actor)
    return render_template("records/trash.html", resource=kind, row=row, title=kind.text(row), back=way_back(kind),
                           keeper=keeper(row), hanging=related.hanging(db.session(), kind, id, actor))


@bp.post("/<resource:resource>/<int:id>/trash")
@requires("{resource}.trash")
def trash(resource: str, id: int) -> Any:
    """Into the trash, and back to where somebody came from."""
    back = ui.inside(request.form.get("back"), url_for("records.index", resource=resource))
    return _moved(named(resource), id, saving.trash, "is in the trash", "restore", back)


@bp.post("/<resource:resource>/<int:id>/restore")
@requires("{resource}.restore")
def restore(resource: str, id: int) -> Any:
    """Out of it again, and to the record."""
    kind = named(resource)
    return _moved(kind, id, saving.restore, "is back", "trash", shown(kind, id))


@bp.post("/<resource:resource>/<int:id>/detach")
@requires("{resource}.detach")
def detach(resource: str, id: int) -> Any:
    """Let go of the provider that keeps this record: from now on people write all of its fields."""
    kind, actor = named(resource), current_actor()
    query.one(db.session(), kind, id, actor)
    outcome = saving.update(resource, id, {"account": ""}, version_seen(), by=actor, request_id=g.get("request_id"))
    if outcome.kind in REFUSED:
        return _not_done(kind, id, outcome)
    ui.toast(f"{kind.label} is detached: all of its fields are yours now", **way_to_undo(kind, outcome))
    return redirect(shown(kind, id), 303)


def _moved(kind: Resource, id: int, move: Callable[..., Outcome], said: str, opposite: str, then: str) -> Any:
    """`said` is what has become of it, `opposite` the deed that takes it back, `then` the page that comes next."""
    actor = current_actor()
    row = query.one(db.session(), kind, id, actor)
    outcome = move(kind.name, id, by=actor, request_id=g.get("request_id"), version=_version())
    if outcome.kind in REFUSED:
        return _not_done(kind, id, outcome)
    ui.toast(f"{kind.label} {kind.text(row)} {said}", **_opposite(outcome, kind, opposite))
    return redirect(then, 303)


def _version() -> int | None:
    """The version the button was offered for; a button of a page that does not care names none."""
    return number_of("version") if request.form.get("version") else None


def _opposite(outcome: Outcome, resource: Resource, deed: str) -> dict[str, Any]:
    """The button of the toast that takes it back, for those who may."""
    if outcome.kind != "updated" or not current_actor().may(f"{resource.name}.{deed}"):
        return {}
    return {"url": url_for(f"records.{deed}", resource=resource.name, id=outcome.id), "version": outcome.version}


def _not_done(resource: Resource, id: int, outcome: Outcome) -> tuple[str, int]:
    """The record as it stands, with what stands against it. Raises BadRequest where that is no matter of versions."""
    if outcome.kind != "conflict":
        raise BadRequest(" ".join(outcome.errors.values()), title="This was not saved")
    actor = current_actor()
    row = query.one(db.session(), resource, id, actor)
    seen = number_of("version")
    why = conflict.meanwhile(db.session(), resource, row, seen, actor)
    return detail.page(resource, row, actor, problem=why, since=conflict.since_when(resource, row, seen)), 409
