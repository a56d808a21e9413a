"""Going back to an earlier version of a record: what would change, and doing it. The Undo of a toast posts here too."""
from typing import Any

from flask import abort, g, redirect, render_template, request

from app import ui
from app.access import current_actor, requires
from app.extensions import db
from app.records import conflict, query, reverting
from app.records.changes import Outcome
from app.records.edit_views import keeper, number_of, shown, version_seen, way_back, way_to_undo
from app.records.registry import named
from app.records.resource import Resource
from app.records.reverting import Plan
from app.records.routing import bp

Row = dict[str, Any]


@bp.get("/<resource:resource>/<int:id>/revert")
@requires("{resource}.edit")
def confirm_revert(resource: str, id: int) -> Any:
    kind = named(resource)
    row = query.one(db.session(), kind, id, current_actor())
    to = request.args.get("to", type=int)
    if to is None:
        abort(404)
    if row["trashed_at"] is not None:
        return redirect(shown(kind, id), 303)
    return _page(kind, row, _planned(kind, row, to))


@bp.post("/<resource:resource>/<int:id>/revert")
@requires("{resource}.edit")
def revert(resource: str, id: int) -> Any:
    kind, actor = named(resource), current_actor()
    row = query.one(db.session(), kind, id, actor)
    to, seen = number_of("to"), version_seen()
    found = _planned(kind, row, to)
    if not found.differences and not found.problem and not found.left:
        ui.toast(f"{kind.label} {kind.text(row)} is as it was in version {to} already")
        return redirect(shown(kind, id), 303)
    if seen != row["version"]:
        return _too_late(kind, id, to, seen)
    if found.problem or not found.differences:
        return _page(kind, row, found), 409
    outcome = reverting.revert(kind, id, found.values, to, seen, by=actor, request_id=g.get("request_id"))
    if outcome.kind not in ("updated", "unchanged"):
        return _too_late(kind, id, to, seen, outcome)
    ui.toast(f"{kind.label} {kind.text(row)} is back at version {to}", **way_to_undo(kind, outcome))
    return redirect(way_back(kind) if request.form.get("then") == "list" else shown(kind, id), 303)


def _too_late(resource: Resource, id: int, to: int, seen: int, outcome: Outcome | None = None) -> tuple[str, int]:
    """The page once more, of the record as it stands now: nothing was written."""
    actor = current_actor()
    row = query.one(db.session(), resource, id, actor)
    found = _planned(resource, row, to)
    found.problem = conflict.meanwhile(db.session(), resource, row, seen, actor)
    found.since = conflict.since_when(resource, row, seen)
    if outcome is not None and outcome.kind != "conflict":
        found.problem, found.since = " ".join(outcome.errors.values()), ""
    return _page(resource, row, found), 409


def _planned(resource: Resource, row: Row, to: int) -> Plan:
    return reverting.planned(db.session(), resource, row, to, current_actor(), keeper(row))


def _page(resource: Resource, row: Row, plan: Plan) -> str:
    return render_template("records/revert.html", resource=resource, row=row, plan=plan, title=resource.text(row),
                           back=way_back(resource), away=shown(resource, row["id"]))
