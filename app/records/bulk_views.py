"""Pages of bulk changes: choose what is to be done, look at what would happen, run, take back; and the list of all of them."""
import re
import secrets
from typing import Any

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app import ui
from app.access import check, current_actor, requires
from app.errors import BadRequest, Conflict, Invalid
from app.extensions import db
from app.records import batches, bulk_changes, bulk_run, bulk_sheet, forms, listing, selecting
from app.records.asked import asked
from app.records.batch_standing import PAGE
from app.records.bulk_standing import Standing, latest, standing, wish
from app.records.forms import RecordForm
from app.records.registry import named, resources
from app.records.resource import Resource
from app.records.routing import bp
from app.records.selecting import Selection
from app.typed import asks

__all__ = ["bulk_changes"]
ONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")


@bp.app_template_global("bulk_deeds")
def deeds(resource: Resource, in_trash: bool) -> list[str]:
    """What the person of this request may do to many of these at once; export too, if they may."""
    actor = current_actor()
    found = selecting.deeds(resource, actor, in_trash)
    exports = found and actor.may(f"{resource.name}.export") and "exports.new" in current_app.view_functions
    return [*found, "export"] if exports else found


@bp.app_template_global("list_query")
def list_query(args: Any) -> str:
    """The filters of a list as a query string."""
    return listing.query_string(args)


@bp.post("/<resource:resource>/bulk")
@requires("{resource}.bulk")
def bulk_chosen(resource: str) -> Response:
    """From the ticks of a list to the page that asks what is to be done, or to the export."""
    kind = named(resource)
    chosen, deed = selecting.read(kind, request.form), request.form.get("do", "")
    if not chosen.everything and not chosen.ids:
        ui.toast("Tick some rows first")
        return redirect(listing.address(kind, selecting.filtered(chosen.list)), 303)
    if deed == "export":
        return _to_export(chosen)
    if deed not in selecting.RIGHTS:
        abort(404)
    return redirect(url_for(".bulk_choose", resource=resource, do=deed, **_words(chosen)), 303)


@bp.get("/<resource:resource>/bulk")
@requires("{resource}.bulk")
def bulk_choose(resource: str) -> str:
    """What is to be done to the records chosen."""
    kind, deed = named(resource), request.args.get("do", "")
    return _choose_page(selecting.read(kind, request.args), deed, _form(kind, deed, None), set(), secrets.token_urlsafe(18))


@bp.post("/<resource:resource>/bulk/start")
@requires("{resource}.bulk")
@asks(asked)
def bulk_start(resource: str) -> Any:
    """Keep what is to be done, and preview it. Sent twice, it is one bulk change."""
    kind, deed, once = named(resource), request.form.get("do", ""), request.form.get("once", "")
    chosen, form, picked = selecting.read(kind, request.form), _form(kind, deed, request.form), set(request.form.getlist("set"))
    once = once if ONCE.fullmatch(once) else secrets.token_urlsafe(18)
    picked |= {field.name for field in form.fields if deed == "status"}
    try:
        _check_ticks(form, picked)
        values = {field.name: forms.typed(field, form[field.name]) for field in form.fields if field.name in picked}
        bulk_id = bulk_run.start(chosen, deed, values, by=current_actor(), once=once)
    except Invalid as problem:
        form.refuse(problem.errors)
        return _choose_page(chosen, deed, form, picked, once), 422
    return redirect(url_for(".bulk_show", bulk_id=bulk_id), 303)


@bp.get("/bulk")
@requires("bulk.read")
def bulk_index() -> str:
    actor, before = current_actor(), request.args.get("before", type=int)
    found = latest(db.session(), actor, before)
    more = url_for(".bulk_index", before=found[PAGE - 1].bulk.id) if len(found) > PAGE else ""
    may = [resource for resource in resources() if selecting.deeds(resource, actor, False)]
    return render_template("records/bulk/index.html", found=found[:PAGE], more=more, wish=lambda bulk: wish(bulk, actor), may=may,
                           first=url_for(".bulk_index") if before else "")


@bp.get("/bulk/<int:bulk_id>")
@requires("bulk.read")
def bulk_show(bulk_id: int) -> str:
    """The page of the step it has come to."""
    found = standing(db.session(), bulk_id, current_actor())
    if found.is_working or found.is_stuck or found.bulk.stage == "cancelled":
        return _page("records/bulk/working.html", found)
    return _rows_page(found)


@bp.post("/bulk/<int:bulk_id>/<any(run, stop, undo, again, 'go-on'):verb>")
@requires("*.bulk")
def bulk_act(bulk_id: int, verb: str) -> Response:
    """Run it, stop it, take it back, go on with it, preview what was refused again. Pressed twice, each is the same as once."""
    standing(db.session(), bulk_id, current_actor())
    verbs = {"run": bulk_run.run, "stop": bulk_run.stop, "undo": bulk_run.undo, "again": bulk_run.again, "go-on": bulk_run.go_on}
    try:
        bulk_id = verbs[verb](bulk_id, by=current_actor()) or bulk_id
    except Conflict as problem:
        flash(problem.detail)
    return redirect(url_for(".bulk_show", bulk_id=bulk_id), 303)


def _words(chosen: Selection) -> dict[str, Any]:
    """The selection as parameters."""
    which = {"all": "1"} if chosen.everything else {"id": ",".join(map(str, chosen.ids))}
    return which | ({"list": chosen.list} if chosen.list else {})


def _to_export(chosen: Selection) -> Response:
    args = chosen.args
    if not chosen.everything:
        args = MultiDict({"id": args["id"]} | ({"trashed": "only"} if chosen.in_trash else {}))
    return redirect(url_for("exports.new", resource=chosen.resource.name, query=listing.query_string(args)), 303)


def _form(resource: Resource, deed: str, posted: Any) -> RecordForm:
    """An empty input for each field that can be set."""
    return RecordForm(resource, selecting.offered(resource, current_actor(), deed), {}, posted)


def _check_ticks(form: RecordForm, picked: set[str]) -> None:
    """What is filled in but not ticked would be lost without a word."""
    lost = [field.name for field in form.fields if field.name not in picked and form[field.name].data]
    if lost:
        raise Invalid(errors=dict.fromkeys(lost, "This is filled in, but not ticked. Tick it, or empty it."))


def _choose_page(chosen: Selection, deed: str, form: RecordForm, picked: set[str], once: str) -> str:
    kind, actor = chosen.resource, current_actor()
    if deed not in selecting.RIGHTS:
        abort(404)
    check(actor, f"{kind.name}.{selecting.RIGHTS[deed]}")
    if not chosen.everything and not chosen.ids:
        raise BadRequest("No record is chosen. Go back to the list and tick some.")
    found = chosen.asked(actor)
    count = selecting.count(db.session(), found)
    return render_template(
        "records/bulk/choose.html", resource=kind, deed=deed, form=form, picked=picked, once=once, selection=chosen, count=count,
        words=_words(chosen), filters=found.filters if chosen.everything else (), search=found.search,
        largest=selecting.LARGEST, too_many=bulk_run.TOO_MANY, back=listing.address(kind, selecting.filtered(chosen.list)))


def _page(template: str, found: Standing, **values: Any) -> str:
    actor = current_actor()
    may = actor.may(f"{found.bulk.resource}.bulk")
    return render_template(template, found=found, bulk=found.bulk, batch=found.batch, resource=found.resource, may=may,
                           wish=wish(found.bulk, actor), **values)


def _rows_page(found: Standing) -> str:
    counts = batches.counts(db.session(), found.batch)
    tab = request.args.get("rows", "")
    tab = tab if tab in bulk_sheet.TABS else ""
    after = request.args.get("after", 0, type=int)
    rows, last = bulk_sheet.rows(db.session(), found, tab, after, current_actor())
    here, offered = url_for(".bulk_show", bulk_id=found.bulk.id), bulk_sheet.tabs(found, counts)
    return _page(
        "records/bulk/rows.html", found, rows=rows, tab=tab, first=f"{here}?rows={tab}" if after else "",
        tabs=[(word, f"{here}?rows={name}", number, name == tab) for name, word, number in offered],
        number=_number(offered, tab), more=f"{here}?rows={tab}&after={last}" if last else "",
        good=counts.get("updated", 0), conflicts=counts.get("conflict", 0))


def _number(offered: list[tuple[str, str, int]], tab: str) -> int:
    """How many rows the tab has."""
    return sum(number for name, _, number in offered if name == tab)
