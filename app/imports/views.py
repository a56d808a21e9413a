"""The pages of an import: upload, columns, preview, run and result, and the list of all of them."""
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from flask import Response, flash, redirect, render_template, request, send_file, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse

from app import ui
from app.access import check, current_actor, requires, takes_files
from app.config import config
from app.errors import BadRequest, Conflict, Invalid, TooLarge
from app.extensions import db
from app.files.kinds import HEAD, unreadable
from app.files.limits import Options
from app.imports import after_views, asked, jobs, match_views, mend_views, read, refused, run, sheet, template
from app.imports.blueprint import bp
from app.imports.frame import mine, page, standing_of
from app.imports.making import made
from app.imports.match_views import match_page
from app.imports.missing import missing
from app.imports.standing import NEEDS, Standing, latest, needy
from app.imports.upload import shown_name, upload
from app.records import batches
from app.records.batch_standing import PAGE
from app.records.registry import named, resources
from app.sizes import size
from app.typed import asks
from app.web_errors import translate

KINDS = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
Tab = tuple[str, str, int | None, bool]
__all__ = ["after_views", "bp", "jobs", "match_views", "mend_views"]


@bp.get("/imports")
@requires("imports.read")
def index() -> str:
    """All of them, or with `needs` those of late that need a person for the same."""
    needs, before = request.args.get("needs", ""), request.args.get("before", type=int)
    needy = _needy(needs)
    if needs:
        return _list(needy[needs], _tabs(needy, needs))
    found = latest(db.session(), current_actor(), before)
    more = url_for(".index", before=found[PAGE - 1].imported.id) if len(found) > PAGE else ""
    return _list(found[:PAGE], _tabs(needy, ""), more, url_for(".index") if before else "")


@bp.get("/imports/new")
@requires("imports.read")
def new() -> str:
    return _upload_form(request.args.get("resource", ""))


@bp.post("/imports")
@requires("*.import")
@takes_files
@asks(asked.of_upload)
def create() -> Any:
    """Keep the upload, unread. What is wrong with it, as far as that can be told unread, is said on the form."""
    resource, file = request.form.get("resource", ""), request.files.get("file")
    allowed = _allowed()
    if resource in {one.name for one in resources()}:
        check(current_actor(), f"{resource}.import")
    try:
        if file is None or not file.filename:
            raise Invalid("Choose a file first.")
        if resource not in {one.name for one in allowed}:
            raise Invalid("Choose what the rows are.")
        import_id = upload(_readable(file), file.filename, resource, by=current_actor())
    except (BadRequest, Invalid, TooLarge) as problem:
        return _upload_form(resource, problem.detail, file.filename if file else ""), 422
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> Any:
    """An upload beyond every measure is not read, so nothing of its form is known."""
    if request.endpoint != f"{bp.name}.create":
        return translate(error)
    most = size(config().max_upload_bytes)
    return _upload_form("", f"The file is larger than {most}. Split it, or save it without pictures."), 413


@bp.get("/imports/<int:import_id>")
@requires("imports.read")
def show(import_id: int) -> str:
    """The page of the step it has come to."""
    found = standing_of(import_id)
    if found.is_working or found.is_stuck:
        return page("imports/working.html", found)
    if found.imported.stage == "match":
        return match_page(found)
    if found.imported.stage in ("unreadable", "cancelled"):
        return page("imports/ended.html", found, made=made(db.session(), found.imported))
    return _rows_page(found)


@bp.post("/imports/<int:import_id>/read")
@requires("*.import")
@asks(asked.of_reading)
def read_again(import_id: int) -> AnyResponse:
    """Read the same file another way."""
    mine(import_id)
    row = request.form.get("header_row", "").strip()
    if row and not (row.isascii() and row.isdecimal() and 0 < int(row) < 10_000):
        raise BadRequest("The row with the headings is a number from 1 on. Go back and type it again.")
    delimiter = {"tab": "\t"}.get(request.form.get("delimiter", ""), request.form.get("delimiter", ""))
    options = Options(request.form.get("sheet") or None, int(row) if row else None, request.form.get("encoding") or None,
                      delimiter if delimiter in (",", ";", "\t", "|") else None)
    read.again(import_id, options, by=current_actor())
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.post("/imports/<int:import_id>/run")
@requires("*.import")
@asks(asked.of_run)
def start_run(import_id: int) -> AnyResponse:
    """Write the rows to the records. Pressed twice, it is the same as once."""
    mine(import_id)
    try:
        run.run(import_id, request.form.get("all") == "1", by=current_actor())
    except Conflict as problem:
        flash(problem.detail)
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.post("/imports/<int:import_id>/<any(stop, undo, 'go-on'):verb>")
@requires("*.import")
def act(import_id: int, verb: str) -> AnyResponse:
    """Stop it, take it back, or go on with it."""
    mine(import_id)
    {"stop": run.stop, "undo": run.undo, "go-on": run.go_on}[verb](import_id, by=current_actor())
    if verb == "stop":
        ui.toast("The import is stopped")
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.get("/imports/<int:import_id>/refused")
@requires("imports.read")
def refused_rows(import_id: int) -> Response:
    """The refused rows as a file like the upload, with a column that says what to mend."""
    found = standing_of(import_id)
    if found.batch is None or not found.refused:
        raise Conflict("No row of this import was refused.")
    file = cast(BinaryIO, SpooledTemporaryFile(max_size=2**22))  # noqa: SIM115 (sent, then closed with the response)
    refused.write(found.imported, found.batch, file)
    file.seek(0)
    kind = "csv" if found.imported.about.get("format", "csv") == "csv" else "xlsx"
    return send_file(cast(BytesIO, file), KINDS[kind], as_attachment=True, download_name=refused.file_name(found.imported, kind))


@bp.get("/imports/templates/<resource:resource>")
@requires("{resource}.import")
def template_file(resource: str) -> Response:
    """A workbook to fill in."""
    file = BytesIO()
    template.write(named(resource), current_actor(), file)
    file.seek(0)
    return send_file(file, KINDS["xlsx"], as_attachment=True, download_name=f"{resource}-template.xlsx")


def _upload_form(resource: str, error: str = "", file_name: str | None = "") -> str:
    return render_template("imports/new.html", allowed=_allowed(), resource=resource, error=error,
                           file_name=shown_name(file_name) if file_name else "", largest=config().max_upload_bytes)


def _readable(file: FileStorage) -> BinaryIO:
    """Its stream, at the beginning. Raises Invalid for what its first bytes show to be no table."""
    head = file.stream.read(HEAD)
    file.stream.seek(0)
    if (sentence := unreadable(head)) is not None:
        raise Invalid(sentence)
    return cast(BinaryIO, file.stream)


def _list(found: list[Standing], tabs: list[Tab], more: str = "", first: str = "") -> str:
    return render_template("imports/index.html", found=found, tabs=tabs, more=more, first=first, named=named, allowed=_allowed())


def _tabs(needy: dict[str, list[Standing]], current: str) -> list[Tab]:
    """All imports, and those that need a person; none while nothing does."""
    some = [(NEEDS[need], url_for(".index", needs=need), len(found), need == current) for need, found in needy.items()
            if found or need == current]
    return [("All", url_for(".index"), None, not current), *some] if some else []


def _needy(needs: str) -> dict[str, list[Standing]]:
    if needs and needs not in NEEDS:
        raise BadRequest(f"Imports are not listed by “{needs[:40]}”. Choose one of {', '.join(NEEDS)}.")
    return needy(db.session(), current_actor())


def _allowed() -> list[Any]:
    actor = current_actor()
    return [resource for resource in resources() if actor.may(f"{resource.name}.import")]


def _rows_page(found: Standing) -> str:
    assert found.batch is not None
    counts = batches.counts(db.session(), found.batch)
    tab = request.args.get("rows", "refused" if found.refused else "")
    tab = tab if tab in sheet.TABS else ""
    after = request.args.get("after", 0, type=int)
    rows, more = sheet.rows(db.session(), found, tab, after, current_actor())
    here = url_for(".show", import_id=found.imported.id) + "?rows="
    tabs = sheet.tabs(found, counts)
    return page(
        "imports/rows.html", found, rows=rows, tab=tab, headers=sheet.shown(found.imported),
        tabs=[(word, here + name, number, name == tab) for name, word, number in tabs],
        number=next((number for name, _, number in tabs if name == tab), 0), first=f"{here}{tab}" if after else "",
        more=f"{here}{tab}&after={rows[-1].number}" if more else "",
        **(_in_the_way(found) if tab == "refused" else {}), made=made(db.session(), found.imported),
        good=sum(counts.get(kind, 0) for kind in batches.ACCEPTED), out=batches.skipped(counts),
        skipped=sheet.skipped(counts, found.imported.stage == "preview"), skips_url=f"{here}skipped",
        written=counts.get("created", 0) + counts.get("updated", 0))


def _in_the_way(found: Standing) -> dict[str, Any]:
    """What the refused rows lack: records that could be created, and everything else."""
    assert found.batch is not None
    imported, actor = found.imported, current_actor()
    is_mended = imported.stage == "preview" and actor.may(f"{imported.resource}.import")
    lacking = missing(db.session(), imported, found.batch, actor) if is_mended else []
    but = {sentence for one in lacking for sentence in one.said}
    return {"missing": lacking, "troubles": sheet.troubles(db.session(), found, but)}
