"""The pages of exports: what to take, how far it is, the file, and the list of all of them."""
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response

from app.access import check, current_actor, requires
from app.errors import BadRequest, Forbidden
from app.exports import columns, jobs, run
from app.exports.standing import PAGE, Standing, latest, standing
from app.extensions import db
from app.files.storage import open_storage
from app.records import query
from app.records.registry import named, resources
from app.typed import Asked, Questions, asks

bp = Blueprint("exports", __name__)
KINDS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl",
         "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
FILES = {"csv": "CSV", "xlsx": "Excel (XLSX)", "jsonl": "JSON lines"}
__all__ = ["bp", "jobs"]


@bp.get("/exports")
@requires("exports.read")
def index() -> str:
    before = request.args.get("before", type=int)
    found = latest(db.session(), current_actor(), before)
    more = url_for(".index", before=found[PAGE - 1].export.id) if len(found) > PAGE else ""
    return render_template("exports/index.html", found=found[:PAGE], more=more, first=url_for(".index") if before else "",
                           named=named)


@bp.get("/exports/new")
@requires("*.export")
def new() -> str:
    """What to take of the list a person comes from: `resource` and its `query`; filters may stand in the address themselves."""
    beside = [(name, value) for name, value in request.args.items(multi=True) if name not in ("resource", "query")]
    asked = "&".join(filter(None, (request.args.get("query", ""), urlencode(beside))))
    return _form(request.args.get("resource", ""), asked, None, "csv")


def _asked(**_: object) -> Questions:
    """What the form asks, in words."""
    fields = {field.name: field.title for one in resources() for field in one.fields}
    return {"resource": Asked("Which records", {one.name: one.plural for one in resources()}), "query": Asked("Filters"),
            "format": Asked("Kind of file", FILES), "columns": Asked("Column", fields)}


@bp.post("/exports")
@requires("*.export")
@asks(_asked)
def create() -> Any:
    resource, asked, format = (request.form.get(name, "") for name in ("resource", "query", "format"))
    names = request.form.getlist("columns")
    check(current_actor(), f"{named(resource).name}.export")
    if format not in run.FORMATS:
        raise BadRequest("A file is CSV, XLSX or JSON lines. Go back and choose one.")
    if not names:
        return _form(resource, asked, [], format, "Choose at least one column."), 422
    export_id = run.start(named(resource).name, asked, names, format, by=current_actor())
    return redirect(url_for(".show", export_id=export_id), 303)


@bp.get("/exports/<int:export_id>")
@requires("exports.read")
def show(export_id: int) -> str:
    found = standing(db.session(), export_id, current_actor())
    resource = named(found.export.resource)
    titles = {field.name: field.title for field in columns.offered(current_actor(), resource)}
    return render_template("exports/show.html", found=found, export=found.export, resource=resource,
                           filters=_filters(found), titles=[titles.get(name, name) for name in found.export.columns])


@bp.get("/exports/<int:export_id>/file")
@requires("exports.read")
def download(export_id: int) -> Response:
    """The file, for those who may have it now."""
    export = run.take(export_id, by=current_actor())
    assert export.file is not None
    name = f"{export.resource}-{export.created_at:%Y-%m-%d}-{export.id}.{export.format}"
    response = send_file(open_storage().open(export.file), KINDS[export.format], as_attachment=True, download_name=name)
    response.headers["Cache-Control"] = "no-store"
    if export.size is not None:
        response.content_length = export.size
    return response


def _form(resource_name: str, asked: str, names: list[str] | None, format: str, error: str = "") -> str:
    resource, actor = named(resource_name), current_actor()
    check(actor, f"{resource.name}.export")
    found = run.asked(resource, asked, actor)
    offered, usual = columns.offered(actor, resource), {field.name for field in columns.usual(actor, resource)}
    return render_template("exports/new.html", resource=resource, query=asked, filters=found.filters, search=found.search,
                           trashed=found.trashed, count=query.count(db.session(), found), offered=offered, format=format,
                           ticked=usual if names is None else set(names), error=error)


def _filters(found: Standing) -> list[tuple[str, str]]:
    """What the list was narrowed to, as a person reads it; nothing if they may not read that any more."""
    try:
        asked = run.asked(named(found.export.resource), found.export.query, current_actor())
    except (BadRequest, Forbidden):
        return []
    shown = [(one.title, one.shown) for one in asked.filters]
    shown += [("Search", asked.search)] if asked.search else []
    return shown + ([("Trash", "only what is in it" if asked.trashed == "only" else "with it")] if asked.trashed else [])
