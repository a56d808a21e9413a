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
from app.imports import after_views, asked, columns, jobs, match, mend_views, read, refused, run, sheet, template
from app.imports.blueprint import bp
from app.imports.match import Choices
from app.imports.standing import NEEDS, Standing, latest, needy, standing
from app.imports.upload import shown_name, twin, upload
from app.records import batches
from app.records.batch_standing import PAGE
from app.records.registry import named, resources
from app.sizes import size
from app.typed import asks
from app.web_errors import translate

STEPS = ("File", "Columns", "Preview", "Run")
AT = {"read": 1, "unreadable": 0, "match": 1, "preview": 2, "apply": 3, "done": 4, "undo": 4, "undone": 4, "cancelled": 0}
KINDS = {"csv": "text/csv", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
Tab = tuple[str, str, int | None, bool]
__all__ = ["after_views", "bp", "jobs", "mend_views"]


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
    found = _standing(import_id)
    if found.is_working or found.is_stuck:
        return _page("imports/working.html", found)
    if found.imported.stage == "match":
        return _match_page(found)
    if found.imported.stage in ("unreadable", "cancelled"):
        return _page("imports/ended.html", found)
    return _rows_page(found)


@bp.get("/imports/<int:import_id>/columns")
@requires("imports.read")
def columns_again(import_id: int) -> Any:
    """The matching page of an import that has a preview already."""
    found = _standing(import_id)
    if found.imported.stage != "preview" or found.is_working:
        return redirect(url_for(".show", import_id=import_id), 303)
    return _match_page(found)


@bp.post("/imports/<int:import_id>/columns")
@requires("*.import")
@asks(asked.of_columns)
def set_columns(import_id: int) -> Any:
    """Keep what the columns mean, and preview."""
    found = _mine(import_id)
    said = _choices(len(found.imported.columns))
    try:
        match.match(import_id, said, by=current_actor())
    except Invalid as problem:
        return _match_page(_standing(import_id), said, problem.errors), 422
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.post("/imports/<int:import_id>/read")
@requires("*.import")
@asks(asked.of_reading)
def read_again(import_id: int) -> AnyResponse:
    """Read the same file another way."""
    _mine(import_id)
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
    _mine(import_id)
    try:
        run.run(import_id, request.form.get("all") == "1", by=current_actor())
    except Conflict as problem:
        flash(problem.detail)
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.post("/imports/<int:import_id>/<any(stop, undo, 'go-on'):verb>")
@requires("*.import")
def act(import_id: int, verb: str) -> AnyResponse:
    """Stop it, take it back, or go on with it."""
    _mine(import_id)
    {"stop": run.stop, "undo": run.undo, "go-on": run.go_on}[verb](import_id, by=current_actor())
    if verb == "stop":
        ui.toast("The import is stopped")
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.get("/imports/<int:import_id>/refused")
@requires("imports.read")
def refused_rows(import_id: int) -> Response:
    """The refused rows as a file like the upload, with a column that says what to mend."""
    found = _standing(import_id)
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


def _standing(import_id: int) -> Standing:
    return standing(db.session(), import_id, current_actor())


def _mine(import_id: int) -> Standing:
    """One that may be acted on. Raises NotFound or Forbidden."""
    found = _standing(import_id)
    check(current_actor(), f"{found.imported.resource}.import")
    return found


def _allowed() -> list[Any]:
    actor = current_actor()
    return [resource for resource in resources() if actor.may(f"{resource.name}.import")]


def _page(template: str, found: Standing, **values: Any) -> str:
    stage = found.imported.stage
    return render_template(template, found=found, imported=found.imported, resource=named(found.imported.resource), steps=STEPS,
                           at=AT[stage], letters=asked.LETTERS, before=twin(db.session(), found.imported), **values)


def _match_page(found: Standing, said: Choices | None = None, errors: dict[str, str] | None = None) -> str:
    assert found.batch is not None
    page = columns.view(found.imported, found.batch, current_actor(), said, errors)
    return _page("imports/columns.html", found, page=page, marks=asked.NUMBERS, written=asked.DAYS, modes=asked.MODES,
                 blanks=asked.BLANKS, totals=asked.TOTALS)


def _rows_page(found: Standing) -> str:
    assert found.batch is not None
    counts = batches.counts(db.session(), found.batch)
    tab = request.args.get("rows", "refused" if found.refused else "")
    tab = tab if tab in sheet.TABS else ""
    after = request.args.get("after", 0, type=int)
    rows, more = sheet.rows(db.session(), found, tab, after, current_actor())
    here = url_for(".show", import_id=found.imported.id) + "?rows="
    tabs = sheet.tabs(found, counts)
    return _page(
        "imports/rows.html", found, rows=rows, tab=tab, headers=sheet.shown(found.imported),
        tabs=[(word, here + name, number, name == tab) for name, word, number in tabs],
        number=next((number for name, _, number in tabs if name == tab), 0), first=f"{here}{tab}" if after else "",
        more=f"{here}{tab}&after={rows[-1].number}" if more else "",
        troubles=sheet.troubles(db.session(), found) if tab == "refused" else [],
        good=sum(counts.get(kind, 0) for kind in batches.ACCEPTED), out=batches.skipped(counts),
        skipped=sheet.skipped(counts, found.imported.stage == "preview"), skips_url=f"{here}skipped",
        written=counts.get("created", 0) + counts.get("updated", 0))


def _choices(width: int) -> Choices:
    form = request.form
    order = {"day": True, "month": False}.get(form.get("day_first", ""))
    return Choices([form.get(f"field-{position}") or None for position in range(width)], form.get("mode", "upsert"),
                   form.get("key") or None, form.get("blank", "leave"), form.get("decimal") or None, order,
                   form.get("totals") == "1")
