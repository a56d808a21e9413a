"""The pages of exports: what to take, how far it is, the file, and the list of all of them."""
from typing import Any
from urllib.parse import urlencode

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import ui
from app.access import check, current_actor, requires
from app.errors import BadRequest, Invalid
from app.exports import columns, definition_views, definitions, jobs, run, showing, style, wish
from app.exports.blueprint import bp
from app.exports.models import Export
from app.exports.standing import PAGE, latest, standing
from app.exports.wish import Wish
from app.extensions import db
from app.records import query
from app.records.registry import named, resources
from app.typed import Asked, Questions, asks

__all__ = ["bp", "definition_views", "jobs"]


@bp.get("/exports")
@requires("exports.read")
def index() -> str:
    before, actor = request.args.get("before", type=int), current_actor()
    found = latest(db.session(), actor, before)
    more = url_for(".index", before=found[PAGE - 1].export.id) if len(found) > PAGE else ""
    kept = [] if before else [(one, definition_views.schedule(one)) for one in definitions.of(db.session(), actor)]
    return render_template("exports/index.html", found=found[:PAGE], more=more, first=url_for(".index") if before else "",
                           named=named, kept=kept)


@bp.get("/exports/new")
@requires("*.export")
def new() -> str:
    """What to take of the list a person comes from: `resource` and its `query`; filters may stand in the address themselves.

    `saved` is a saved export to begin with, `again` one that was written.
    """
    if again := request.args.get("again", type=int):
        return _form(Wish.written(run.visible(db.session(), again, current_actor())))
    if saved := request.args.get("saved", type=int):
        return _form(Wish.kept(definitions.find(db.session(), saved, current_actor())))
    beside = [(name, value) for name, value in request.args.items(multi=True) if name not in ("resource", "query")]
    asked = "&".join(filter(None, (request.args.get("query", ""), urlencode(beside))))
    return _form(Wish(request.args.get("resource", ""), asked))


def _asked(**_: object) -> Questions:
    """What the form asks, in words."""
    fields = {field.name: field.title for one in resources() for field in one.fields}
    return {"resource": Asked("Which records", {one.name: one.plural for one in resources()}), "query": Asked("Filters"),
            "format": Asked("Kind of file", showing.FILES), "columns": Asked("Column", fields),
            "delimiter": Asked("Between values", style.DELIMITERS), "encoding": Asked("Encoding", style.ENCODINGS),
            "values": Asked("Days and numbers", style.VALUES), "zone": Asked("Time zone"), "lines": Asked("Lines", style.LINES),
            "name": Asked("Name")}


@bp.post("/exports")
@requires("*.export")
@asks(_asked)
def create() -> Any:
    wished = _typed()
    if not wished.names:
        return _form(wished, "Choose at least one column."), 422
    export_id = run.start(wished.resource, wished.query, wished.names, wished.format, wished.style, by=current_actor())
    is_there = db.session.get_one(Export, export_id).file is not None
    return redirect(url_for(".show", export_id=export_id, now=1 if is_there else None), 303)


@bp.post("/exports/saved")
@requires("*.export")
@asks(_asked)
def save() -> Any:
    """Keep what the form says under a name."""
    wished = _typed()
    try:
        kept = definitions.save(wished.name, wished.resource, wished.query, wished.names or (), wished.format, wished.style,
                                by=current_actor(), shared=wished.shared)
    except (Invalid, BadRequest) as problem:
        return _form(wished, " ".join(problem.errors.values()) or problem.detail), 422
    ui.toast("The export is saved.")
    return redirect(url_for(".saved", definition_id=kept), 303)


@bp.get("/exports/<int:export_id>")
@requires("exports.read")
def show(export_id: int) -> str:
    found = standing(db.session(), export_id, current_actor())
    resource = named(found.export.resource)
    titles = {column.name: column.title for column in columns.offered(current_actor(), resource)}
    return render_template("exports/show.html", found=found, export=found.export, resource=resource, files=showing.FILES,
                           fetch=found.is_ready and "now" in request.args,
                           filters=showing.filters(found.export.resource, found.export.query),
                           titles=[titles.get(name, name) for name in found.export.columns])


@bp.get("/exports/<int:export_id>/file")
@requires("exports.read")
def download(export_id: int) -> Response:
    """The file, for those who may have it now."""
    return showing.file_of(run.take(export_id, by=current_actor()))


def _typed() -> Wish:
    """What was sent. Raises Forbidden, NotFound and BadRequest for what the form does not offer."""
    wished = Wish.typed(request.form)
    check(current_actor(), f"{named(wished.resource).name}.export")
    if wished.format not in run.FORMATS:
        raise BadRequest("A file is CSV, XLSX or JSON lines. Go back and choose one.")
    return wished


def _form(wished: Wish, error: str = "") -> str:
    resource, actor = named(wished.resource), current_actor()
    check(actor, f"{resource.name}.export")
    found, offered = run.asked(resource, wished.query, actor), columns.offered(actor, resource)
    return render_template("exports/new.html", resource=resource, query=wished.query, filters=found.filters, search=found.search,
                           trashed=found.trashed, count=query.count(db.session(), found), wish=wished, error=error,
                           groups=wish.groups(offered), places=wish.places(wished, actor, resource, offered), files=showing.FILES,
                           choices=style.CHOICES, zones=showing.zones(wished.style.zone), most=run.AT_ONCE)
