"""The pages on which the rows of a preview are mended: one row, one column, and the workbook that comes back."""
from io import BytesIO
from typing import Any

from flask import Response, flash, redirect, render_template, request, send_file, url_for
from werkzeug.wrappers import Response as AnyResponse

from app import ui
from app.access import check, current_actor, requires, takes_files
from app.errors import BadRequest, Conflict, Invalid
from app.extensions import db
from app.files import cells
from app.imports import making, mended, mending, replacing, workbook
from app.imports.asked import of_mending, of_replacing
from app.imports.blueprint import bp
from app.imports.refused import file_name, said
from app.imports.replacing import Wish
from app.imports.sheet import mark_of
from app.imports.standing import Standing, standing
from app.records.batches import REFUSED, Batch
from app.records.fields import Choice, Reference
from app.records.registry import named
from app.typed import asks

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/imports/<int:import_id>/rows/<int:number>")
@requires("*.import")
def row(import_id: int, number: int) -> Any:
    """Every cell of one row, to be mended."""
    found, _ = _mine(import_id)
    if found.imported.stage != "preview" or found.is_working:
        return redirect(url_for(".show", import_id=import_id), 303)
    return _row_page(found, number)


@bp.post("/imports/<int:import_id>/rows/<int:number>")
@requires("*.import")
@asks(of_mending)
def mend_row(import_id: int, number: int) -> Any:
    """Mend its cells, leave it out, or take it after all; then back, or on to the next refused row."""
    found, batch = _mine(import_id)
    edition, typed = request.form.get("edition", type=int), _typed()
    if edition is None:
        raise BadRequest("The form does not say which state of the row it is about. Load the page again.")
    try:
        if "leave" in request.form:
            mending.leave(import_id, number, request.form["leave"] == "1", edition, by=current_actor())
        else:
            mending.mend(import_id, number, typed, edition, by=current_actor())
    except Conflict as problem:
        if found.imported.stage != "preview":
            raise
        return _row_page(_mine(import_id)[0], number, typed, problem.detail), 409
    return _after(import_id, batch, number)


@bp.post("/imports/<int:import_id>/again")
@requires("*.import")
def plan_all(import_id: int) -> AnyResponse:
    """Work the whole preview out anew."""
    _mine(import_id)
    mending.all_again(import_id, by=current_actor())
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.post("/imports/<int:import_id>/create")
@requires("*.import")
def create_missing(import_id: int) -> AnyResponse:
    """Create the records a field names in vain. Pressed twice, it is the same as once."""
    _mine(import_id)
    try:
        making.make(import_id, request.form.get("field", ""), by=current_actor())
    except Conflict as problem:
        flash(problem.detail)
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.post("/imports/<int:import_id>/created/take-back")
@requires("*.import")
def take_created_back(import_id: int) -> AnyResponse:
    """Move to the trash what was created for an import that has not run."""
    _mine(import_id)
    making.unmake(import_id, by=current_actor())
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.get("/imports/<int:import_id>/replace")
@requires("*.import")
def find(import_id: int) -> Any:
    """What to find in which column, and how many rows it would change."""
    found, batch = _mine(import_id)
    if found.imported.stage != "preview" or found.is_working:
        return redirect(url_for(".show", import_id=import_id), 303)
    wish = _wish(request.args)
    is_asked = "put" in request.args and (wish.find or wish.is_whole)
    return _find_page(found, wish, replacing.count(db.session(), batch, wish) if is_asked else None)


@bp.post("/imports/<int:import_id>/replace")
@requires("*.import")
@asks(of_replacing)
def replace(import_id: int) -> Any:
    """Do it in every row; what was changed after it had been counted is counted first."""
    found, batch = _mine(import_id)
    wish = _wish(request.form)
    if (request.args.get("of", wish.find), request.args.get("was", wish.put)) != (wish.find, wish.put):
        counted = replacing.count(db.session(), batch, wish)
        return _find_page(found, wish, counted, "Something else was counted. Look at what would change now.")
    try:
        changed = replacing.replace(import_id, wish, by=current_actor())
    except Invalid as problem:
        return _find_page(found, wish, None, problem.detail), 422
    if changed is not None:
        ui.toast(f"Replaced in {changed:,} {'row' if changed == 1 else 'rows'}")
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.get("/imports/<int:import_id>/workbook")
@requires("imports.read")
def mending_workbook(import_id: int) -> Response:
    """The refused rows to be mended in a spreadsheet program."""
    found, batch = _standing(import_id)
    if not found.refused:
        raise Conflict("No row of this import is refused.")
    file = BytesIO()
    workbook.write(found.imported, batch, file)
    file.seek(0)
    name = file_name(found.imported, "xlsx").replace("-refused.", "-to-mend.")
    return send_file(file, XLSX, as_attachment=True, download_name=name)


@bp.post("/imports/<int:import_id>/mended")
@requires("*.import")
@takes_files
def take_mended(import_id: int) -> AnyResponse:
    """The same workbook, mended."""
    _mine(import_id)
    file = request.files.get("file")
    if file is None or not file.filename:
        raise BadRequest("Choose the workbook you mended. Go back and try again.")
    mended.take(import_id, file.stream, by=current_actor())
    return redirect(url_for(".show", import_id=import_id), 303)


def _after(import_id: int, batch: Batch, number: int) -> AnyResponse:
    """Where one goes from a row: back to where it was opened, or to the next that is refused."""
    session = db.session()
    now = mending.one(session, batch, number)
    word = mark_of(now.outcome).word
    ui.toast(f"Row {number} is now: {word}" if word != "Refused" else f"Row {number} is still refused")
    following = mending.next_after(session, batch, number, REFUSED) if request.form.get("then") == "next" else None
    if following is not None:
        return redirect(url_for(".row", import_id=import_id, number=following), 303)
    return redirect(ui.inside(request.form.get("back"), url_for(".show", import_id=import_id)), 303)


def _row_page(found: Standing, number: int, typed: dict[int, str] | None = None, conflict: str = "") -> str:
    imported, batch = found.imported, found.batch
    assert batch is not None
    now = mending.one(db.session(), batch, number)
    typed = typed or {}
    fields = [_field(column, cells.text(now.cells[place]) if place < len(now.cells) else "", typed.get(place), now.errors or {})
              for place, column in enumerate(imported.columns)]
    return render_template("imports/row.html", found=found, imported=imported, resource=named(imported.resource), row=now,
                           fields=fields, notes=[f"{title}: {why}" if title else why for title, why in said(imported, now)],
                           conflict=conflict, mark=mark_of(now.outcome), before=None, at=2, letters={},
                           back=ui.inside(request.values.get("back"), url_for(".show", import_id=imported.id)))


def _field(column: dict[str, Any], now: str, typed: str | None, errors: dict[str, str]) -> dict[str, Any]:
    """A cell to mend: what is in its input, and what the row says by now where that is something else."""
    is_other = typed is not None and typed != now
    return {"header": column["header"], "text": typed if is_other else now, "was": now, "now": now if is_other else None,
            "why": errors.get(column["field"] or "-", ""), "is_used": bool(column["field"])}


def _find_page(found: Standing, wish: Wish, counted: replacing.Found | None, error: str = "") -> str:
    columns, resource = found.imported.columns, named(found.imported.resource)
    field = resource.field(columns[wish.position]["field"] or "") if 0 <= wish.position < len(columns) else None
    return render_template("imports/replace.html", found=found, imported=found.imported, resource=resource,
                           choices=[state.title for state in field.choices] if isinstance(field, Choice) else [],
                           lookup=field.to if isinstance(field, Reference) else "", wish=wish, counted=counted, error=error,
                           before=None, at=2, letters={})


def _typed() -> dict[int, str]:
    """The cells somebody wrote in: those the form shows as they were are nobody's."""
    given = {int(name[5:]): value for name, value in request.form.items() if name.startswith("cell-") and name[5:].isdecimal()}
    return {place: value for place, value in given.items() if request.form.get(f"was-{place}") != value}


def _wish(said: Any) -> Wish:
    return Wish(said.get("column", 0, type=int), said.get("find", "")[:1000], said.get("put", "")[:1000],
                said.get("whole") == "1", said.get("case") == "1")


def _mine(import_id: int) -> tuple[Standing, Batch]:
    """One that may be acted on, and its rows. Raises NotFound, Forbidden or Conflict."""
    found = _standing(import_id)
    check(current_actor(), f"{found[0].imported.resource}.import")
    return found


def _standing(import_id: int) -> tuple[Standing, Batch]:
    found = standing(db.session(), import_id, current_actor())
    if found.batch is None:
        raise Conflict("This import has no rows yet. Load its page to see where it is.")
    return found, found.batch
