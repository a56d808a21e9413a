"""Exports for programs: ask for one, see how far it is, fetch the file."""
from typing import Any

from flask import Blueprint, Response, jsonify, url_for

from app.access import check, current_actor, requires
from app.errors import BadRequest, Invalid, NotFound
from app.exports import api_schemas, columns, run, showing
from app.exports.standing import Standing, standing
from app.exports.style import Style
from app.extensions import csrf, db
from app.records import bodies, openapi, replies
from app.records.problems import escaped
from app.records.rates import limited
from app.records.registry import named

STYLED = ("delimiter", "encoding", "values", "zone", "lines")
KNOWN = ("resource", "query", "columns", "format", *STYLED)
bp = Blueprint("exports_api", __name__, url_prefix="/api/v1")
csrf.exempt(bp)
limited(bp)
openapi.extend("Exports", api_schemas.paths)


@bp.post("/exports")
@requires("*.export")
def ask_export() -> Response:
    """An export of a list. Up to 2,000 rows are there when this is answered."""
    bodies.only()
    given = _given(bodies.body())
    return replies.once_outside(current_actor(), lambda: _answer(_start(given), 202))


@bp.get("/exports/<int:id>")
@requires("exports.read")
def one_export(id: int) -> Response:
    """How an export stands."""
    bodies.only()
    return _answer(id)


@bp.get("/exports/<int:id>/file")
@requires("exports.read")
def export_file(id: int) -> Any:
    """The file."""
    bodies.only()
    response = showing.file_of(run.take(_small(id), by=current_actor()))
    response.vary.add("Authorization")
    return response


def _start(given: dict[str, Any]) -> int:
    """The id of the export. What cannot be had is told by its place in the body."""
    actor, names = current_actor(), given.get("columns")
    try:
        resource = named(given["resource"])
        check(actor, f"{resource.name}.export")
        names = [column.name for column in columns.usual(actor, resource)] if names is None else names
        style = Style.of({name: given[name] for name in STYLED if name in given})
        return run.start(resource.name, given.get("query", ""), names, given.get("format", "csv"), style, by=actor)
    except NotFound as problem:
        raise Invalid("Nothing was exported.", errors={"/resource": problem.detail}) from None
    except BadRequest as problem:
        raise Invalid(f"Nothing was exported. {problem.detail}", title=problem.title, errors={
            f"/{name}" if name in KNOWN else "/query": f"{'' if name in KNOWN else f'{name}: '}{sentence}"
            for name, sentence in problem.errors.items()}) from None


def _given(body: dict[str, Any]) -> dict[str, Any]:
    """What was sent, each of its type; null is as if it was left out."""
    given = {name: value for name, value in body.items() if value is not None}
    errors = {f"/{escaped(name)}": "There is no such member." for name in body if name not in KNOWN}
    for name, value in given.items():
        if name == "columns":
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                errors["/columns"] = "This is not a list of names."
        elif name in KNOWN and not isinstance(value, str):
            errors[f"/{name}"] = "This is not text. Send a string."
    if "resource" not in given:
        errors["/resource"] = "Say which records."
    if errors:
        raise Invalid("Nothing was exported. Correct what is named under errors and send it again.", errors=errors)
    return given


def _answer(id: int, status: int = 200) -> Response:
    found = standing(db.session(), _small(id), current_actor())
    response = jsonify(_told(found))
    response.status_code = 201 if status == 202 and found.is_ready else status
    if status == 202:
        response.headers["Location"] = url_for(".one_export", id=found.export.id, _external=True)
    response.vary.add("Authorization")
    return response


def _told(found: Standing) -> dict[str, Any]:
    export, job = found.export, found.job
    return {"id": export.id, "resource": export.resource, "query": export.query, "columns": export.columns,
            "format": export.format, "style": export.style, "status": found.word, "rows": export.rows, "size": export.size,
            "done": job.progress_done if job else export.rows, "total": job.progress_total if job else export.rows,
            "created_at": _moment(export.created_at), "expires_at": _moment(export.expires_at),
            "file": url_for(".export_file", id=export.id, _external=True) if found.is_ready else None}


def _moment(value: Any) -> str | None:
    return None if value is None else value.replace(tzinfo=None).isoformat() + "Z"


def _small(id: int) -> int:
    if id >= 2**63:
        raise NotFound("There is no such export.")
    return id
