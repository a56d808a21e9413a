"""Imports for programs: send a file, see how far it is and which rows are refused, run it, stop it, take it back."""
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, BinaryIO, cast

from flask import Blueprint, Response, g, jsonify, request, url_for
from werkzeug.datastructures import FileStorage

from app.access import check, current_actor, requires, takes_files
from app.errors import BadRequest, Conflict, Invalid, NotFound
from app.extensions import csrf, db
from app.files import cells
from app.files.kinds import HEAD, unreadable
from app.imports import api_schemas, asking, run, whole
from app.imports.command import located
from app.imports.standing import Standing, standing
from app.imports.upload import twin
from app.records import batches, bodies, openapi, replies
from app.records.batches import ACCEPTED, REFUSED, SKIPPED, BatchRow
from app.records.problems import WrongType, escaped
from app.records.rates import limited

PAGE, MOST = 50, 500
OUTCOMES: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ACCEPTED}, "skipped": SKIPPED, "refused": REFUSED, "undone": ("trashed", "restored"),
    "kept": ("kept",)}
WORDS = {kind: word for word, kinds in OUTCOMES.items() for kind in kinds}
OVER = ("done", "undone", "unreadable", "cancelled")
STATUS = {"match": "needs_mapping", "preview": "ready"}
bp = Blueprint("imports_api", __name__, url_prefix="/api/v1")
csrf.exempt(bp)
limited(bp)
openapi.extend("Imports", api_schemas.paths)


@bp.post("/imports")
@requires("*.import")
@takes_files
def ask_import() -> Response:
    """Keep the file, and queue all that is to be done with it."""
    bodies.only()
    if request.mimetype != "multipart/form-data":
        raise WrongType("Send a form with the file in it: Content-Type: multipart/form-data.")
    file = _file()
    g.body = _stands_for(file)
    return replies.once_outside(current_actor(), lambda: _answer(_ask(file), 202))


@bp.get("/imports/<int:id>")
@requires("imports.read")
def one_import(id: int) -> Response:
    """How an import stands."""
    bodies.only()
    return _answer(id)


@bp.get("/imports/<int:id>/rows")
@requires("imports.read")
def import_rows(id: int) -> Response:
    """A page of its rows, by number."""
    bodies.only("outcome", "after", "limit")
    outcome, after, limit = bodies.together(_outcome, lambda: _number("after", 0, 0, 2**31 - 1),
                                            lambda: _number("limit", PAGE, 1, MOST))
    found = _standing(id)
    rows = batches.page(db.session(), found.batch, outcome and OUTCOMES[outcome], after, limit + 1) if found.batch else []
    here = {"id": id, "outcome": outcome, "limit": request.args.get("limit")}
    more = url_for(".import_rows", **here, after=rows[limit - 1].number, _external=True) if len(rows) > limit else None
    return _sent({"data": [_row(found, row) for row in rows[:limit]], "next": more})


@bp.post("/imports/<int:id>/run")
@requires("*.import")
def run_import(id: int) -> Response:
    """Write the rows of a preview."""
    bodies.only()
    given = bodies.body() if request.content_length or request.headers.get("Transfer-Encoding") else {}
    if given.keys() - {"apply"} or given.get("apply", "good") not in ("good", "all", None):
        raise Invalid("Nothing was done.", errors={"/apply": "Send {\"apply\": \"good\"} or {\"apply\": \"all\"}."})
    return _done(id, lambda: run.run(id, given.get("apply") == "all", by=current_actor()))


@bp.post("/imports/<int:id>/cancel")
@requires("*.import")
def cancel_import(id: int) -> Response:
    """Give it up before it has run, or stop the run."""
    bodies.only()
    return _done(id, lambda: _cancel(id))


@bp.post("/imports/<int:id>/undo")
@requires("*.import")
def undo_import(id: int) -> Response:
    """Take back what it wrote."""
    bodies.only()
    return _done(id, lambda: run.undo(id, by=current_actor()))


def _file() -> FileStorage:
    file = request.files.get("file")
    if file is None or not file.filename or len([*request.files.items(multi=True)]) > 1:
        raise Invalid("Nothing was imported.", errors={"/file": "Send one file, with its name."})
    if twice := [name for name, values in request.form.lists() if len(values) > 1]:
        raise Invalid("Nothing was imported.", errors={f"/{escaped(name)}": "This is sent more than once." for name in twice})
    return file


def _stands_for(file: FileStorage) -> bytes:
    """What an Idempotency-Key stands for: the boundary of a form differs each time, what is in it does not."""
    digest = sha256()
    while piece := file.stream.read(1 << 18):
        digest.update(piece)
    file.stream.seek(0)
    return json.dumps([file.filename, digest.hexdigest(), sorted(request.form.items(multi=True))]).encode()


def _ask(file: FileStorage) -> int:
    try:
        resource = asking.resource_of(request.form)
    except NotFound as problem:
        raise Invalid("Nothing was imported.", errors={"/resource": problem.detail}) from None
    check(current_actor(), f"{resource.name}.import")
    wishes = asking.wished(request.form, resource, current_actor())
    head = file.stream.read(HEAD)
    file.stream.seek(0)
    if (sentence := unreadable(head)) is not None:
        raise Invalid("Nothing was imported.", errors={"/file": sentence})
    return whole.ask(cast(BinaryIO, file.stream), file.filename or "", resource.name, wishes, by=current_actor())


def _done(id: int, act: Callable[[], None]) -> Response:
    """The answer once a verb is through, the same under the same key."""
    found = _standing(id)
    check(current_actor(), f"{found.imported.resource}.import")

    def answered() -> Response:
        act()
        return _answer(id, 202)
    return replies.once_outside(current_actor(), answered)


def _cancel(id: int) -> None:
    found = _standing(id)
    if not found.is_working and found.imported.stage in OVER:
        raise Conflict("This import is over, so there is nothing to cancel.")
    run.stop(id, by=current_actor())


def _outcome() -> str | None:
    said = bodies.once("outcome")
    if said is not None and said not in OUTCOMES:
        raise BadRequest("", errors={"outcome": f"There is no such outcome. Send one of: {', '.join(OUTCOMES)}."})
    return said


def _number(name: str, default: int, least: int, most: int) -> int:
    said = bodies.once(name)
    if said is None:
        return default
    if not (said.isascii() and said.isdecimal() and least <= int(said[:12]) <= most):
        raise BadRequest("", errors={name: f"This is not a whole number from {least} to {most}."})
    return int(said)


def _standing(id: int) -> Standing:
    if id >= 2**63:
        raise NotFound("There is no such import.")
    return standing(db.session(), id, current_actor())


def _answer(id: int, status: int = 200) -> Response:
    response = _sent(_told(_standing(id)))
    response.status_code = status
    if status == 202:
        response.headers["Location"] = url_for(".one_import", id=id, _external=True)
    return response


def _sent(body: Any) -> Response:
    response = jsonify(body)
    response.vary.add("Authorization")
    return response


def _told(found: Standing) -> dict[str, Any]:
    imported, batch, job = found.imported, found.batch, found.job
    before = twin(db.session(), imported)
    return {"id": imported.id, "resource": imported.resource, "file_name": imported.file_name, "size": imported.size,
            "sha256": imported.sha256, "status": _status(found), "step": "over" if imported.stage in OVER else imported.stage,
            "problem": imported.problem or (job.last_error if job and job.status == "dead" else None),
            "mapping": {column["header"]: column["field"] for column in imported.columns},
            "mode": batch.mode if batch else None, "match": batch.key if batch else None, "counts": _counts(found),
            "undone": dict(batch.undone) if batch else {}, "same_as": before.id if before else None,
            "done": job.progress_done if job else None, "total": job.progress_total if job else None,
            "created_by": imported.created_by, "created_at": _moment(imported.created_at),
            "finished_at": _moment(imported.finished_at), "rows": url_for(".import_rows", id=imported.id, _external=True)}


def _status(found: Standing) -> str:
    job, stage = found.job, found.imported.stage
    if job is not None and job.status in ("waiting", "running") and stage not in OVER:
        return str(job.status)
    if found.is_stuck:
        return "failed" if job is not None and job.status == "dead" else "stopped"
    return STATUS.get(stage, stage)


def _counts(found: Standing) -> dict[str, int] | None:
    batch = found.batch
    if batch is None or not batch.plans:
        return None
    said = batch.outcomes if found.imported.stage in ("done", "undo", "undone") else batch.plans
    return {"rows": batch.rows, **{kind: said.get(kind, 0) for kind in ACCEPTED}, "skipped": batches.skipped(said),
            "refused": batches.refused(said)}


def _row(found: Standing, row: BatchRow) -> dict[str, Any]:
    pairs = zip(found.imported.columns, row.cells or (), strict=False)
    values = {column["header"]: cells.text(cell) for column, cell in pairs if cell is not None}
    return {"row": row.number, "outcome": WORDS.get(row.outcome or ""), "record_id": row.record_id, "values": values,
            "errors": located(found.imported, row)}


def _moment(value: Any) -> str | None:
    return None if value is None else value.replace(tzinfo=None).isoformat() + "Z"
