"""How a person likes a list: columns, rows a page, and views kept under a name."""
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import ui
from app.access import ROLES, current_actor, requires
from app.errors import BadRequest, Invalid
from app.extensions import db
from app.records import listing, saved_views
from app.records.filters import arguments
from app.records.registry import named
from app.records.resource import Resource
from app.records.routing import bp


@bp.get("/<resource:resource>/columns")
@requires("{resource}.read")
def ask_columns(resource: str) -> Any:
    return _columns_page(named(resource), {})


@bp.post("/<resource:resource>/columns")
@requires("{resource}.read")
def choose_columns(resource: str) -> Any:
    """Keep the ticked columns, in the order of their places."""
    kind, actor = named(resource), current_actor()
    if "everybody" in request.form:
        saved_views.forget_choice(kind, actor)
        flash("The list looks as it does to everybody")
        return _to_list(kind)
    ticked = [field.name for field in saved_views.offered(kind, actor) if field.name in request.form.getlist("column")]
    ticked.sort(key=lambda name: request.form.get(f"place-{name}", type=int) or 99)
    try:
        saved_views.choose(kind, ticked, request.form.get("page_size", 0, type=int), actor)
    except Invalid as error:
        return _columns_page(kind, error.errors), 422
    flash("The columns are saved")
    return _to_list(kind)


@bp.get("/<resource:resource>/views")
@requires("{resource}.read")
def views(resource: str) -> Any:
    return _views_page(named(resource), {}, "")


@bp.post("/<resource:resource>/views")
@requires("{resource}.read")
def save_view(resource: str) -> Any:
    kind, name = named(resource), request.form.get("name", "")
    try:
        saved_views.save(kind, name, request.form.get("keep", ""), current_actor(), shared="shared" in request.form)
    except Invalid as error:
        return _views_page(kind, error.errors, name), 422
    except BadRequest as error:
        return _views_page(kind, {"name": f"This list cannot be read any more. {error.detail}"}, name), 400
    flash(f"The view {' '.join(name.split())} is saved")
    return _to_list(kind)


@bp.post("/<resource:resource>/views/<int:id>/remove")
@requires("{resource}.read")
def remove_view(resource: str, id: int) -> Response:
    saved_views.remove(id, current_actor())
    flash("The view is removed")
    return redirect(url_for(".views", resource=resource), 303)


@bp.post("/<resource:resource>/views/<int:id>/default")
@requires("{resource}.bulk")
def default_view(resource: str, id: int) -> Response:
    """Say which role begins with this view, or does no longer."""
    kind, actor, role = named(resource), current_actor(), request.form.get("role", "")
    if "stop" in request.form:
        saved_views.drop_default(kind, id, role, actor)
        flash(f"For the role {role} the list begins with all {ui.within(kind.plural)} again")
    else:
        saved_views.make_default(kind, id, role, actor)
        flash(f"For the role {role} the list begins with this view")
    return redirect(url_for(".views", resource=resource), 303)


def _columns_page(kind: Resource, errors: dict[str, str]) -> str:
    actor = current_actor()
    chosen = saved_views.choice(db.session(), kind, actor)
    names = saved_views.listed(kind, chosen)
    fields = sorted(saved_views.offered(kind, actor), key=lambda one: names.index(one.name) if one.name in names else len(names))
    return render_template("records/columns.html", resource=kind, fields=fields, names=names, errors=errors,
                           sizes=saved_views.SIZES, size=(chosen.page_size if chosen else None) or 50, back=_list_address(kind))


def _views_page(kind: Resource, errors: dict[str, str], name: str) -> str:
    actor, keep = current_actor(), request.values.get("keep", "")
    found = saved_views.of(db.session(), kind, actor)
    return render_template(
        "records/views.html", resource=kind, views=[(view, listing.address(kind, arguments(view.query))) for view in found],
        errors=errors, name=name, keep=keep, me=actor.id, roles=list(ROLES),
        defaults=saved_views.defaults(db.session(), kind), may_share=saved_views.may_share(actor, kind), back=_list_address(kind))


def _list_address(kind: Resource) -> str:
    """The list with what it was narrowed by."""
    return listing.address(kind, arguments(request.values.get("keep", "")))


def _to_list(kind: Resource) -> Response:
    return redirect(_list_address(kind), 303)
