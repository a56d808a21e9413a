"""One cell of a list, edited where it stands: its control, and what becomes of it, by the gate and the version of the form."""
from typing import Any

from flask import abort, g, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from app import ui
from app.access import current_actor, requires
from app.extensions import db
from app.records import conflict, forms, listing, query, saved_views, timeline
from app.records import save as saving
from app.records.asked import asked
from app.records.edit_views import TOO_OLD, keeper, saved, shows_again, version_seen, way_back, way_to_undo
from app.records.forms import RecordForm
from app.records.registry import named
from app.records.resource import Resource
from app.records.routing import bp
from app.records.words import lower
from app.typed import asks
from app.ui import moment

Row = dict[str, Any]
PATH = "/<resource:resource>/<int:id>/cell/<name>"


@bp.get(PATH)
@requires("{resource}.edit")
def cell(resource: str, id: int, name: str) -> Any:
    """The control of one field, as a part of a page; asked for as a page, the form of the record with the focus on it."""
    kind = named(resource)
    row = query.one(db.session(), kind, id, current_actor())
    form = _form(kind, row, name)
    if "X-Fragment" not in request.headers:
        return redirect(url_for("records.edit", resource=resource, id=id, at=name), 303)
    return _control(kind, row, form, name, row["version"], why=_in_trash(kind, row))


@bp.post(PATH)
@requires("{resource}.edit")
@shows_again
@asks(asked)
def save_cell(resource: str, id: int, name: str) -> Any:
    """Write one field. Answers the cells of the row as they are now, or the control with what stands against it."""
    kind, actor, seen = named(resource), current_actor(), version_seen()
    row = query.one(db.session(), kind, id, actor)
    form = _form(kind, row, name, request.form)
    if not g.get("csrf_valid"):
        return _control(kind, row, form, name, seen, why=TOO_OLD), 400
    if why := _in_trash(kind, row):
        return _control(kind, row, form, name, seen, why=why), 409
    values = {one: value for one, value in form.values().items() if one == name}
    outcome = saving.update(resource, id, values, seen, by=actor, request_id=g.get("request_id"))
    row = query.one(db.session(), kind, id, actor)
    if outcome.kind in ("updated", "unchanged"):
        if undo := way_to_undo(kind, outcome):
            ui.toast(saved(kind, row, outcome), **undo, then="list", back=way_back(kind))
        return _cells(kind, row)
    if outcome.kind == "conflict":
        why = conflict.meanwhile(db.session(), kind, row, seen, actor)
        return _control(kind, row, form, name, seen, why=why, compare=True), 409
    form.refuse(outcome.errors)
    return _control(kind, row, form, name, seen, why=" ".join(form.sentences) or form[name].errors[0]), 422


def _form(resource: Resource, row: Row, name: str, posted: MultiDict[str, str] | None = None) -> RecordForm:
    """The form of the record, of which one input is shown. Not found where this person writes no such field, or it is no cell."""
    form = forms.build(resource, current_actor(), row, posted, keeper(row))
    if name not in form or resource.require(name).kind == "lines":
        abort(404)
    return form


def _in_trash(resource: Resource, row: Row) -> str:
    """Who moved the record to the trash, "" if it is not there."""
    if row["trashed_at"] is None:
        return ""
    gone = timeline.trashing(db.session(), resource, row)
    who = f" {gone.actor} moved it there on {moment(gone.at)}." if gone is not None else ""
    return f"This {lower(resource.label)} is in the trash.{who} Restore it first."


def _control(resource: Resource, row: Row, form: RecordForm, name: str, seen: int, *, why: str, compare: bool = False) -> str:
    return render_template("records/cell.html", resource=resource, row=row, input=form[name], field=resource.require(name),
                           title=resource.text(row), seen=seen, why=why, compare=compare)


def _cells(resource: Resource, row: Row) -> str:
    """The row as the list of this person shows it, with the toast that takes back what was just written."""
    actor = current_actor()
    shown = saved_views.listed(resource, saved_views.choice(db.session(), resource, actor))
    columns = listing.columns(query.parse(resource, MultiDict(), actor), shown)
    return render_template("records/row.html", resource=resource, row=row, columns=columns)
