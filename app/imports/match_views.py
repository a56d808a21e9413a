"""The page on which a person says what the columns mean, and the list of what is kept of that under a name."""
from functools import partial
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app import ui
from app.access import current_actor, requires
from app.errors import Invalid, NotFound
from app.extensions import db
from app.imports import asked, columns, columns_form, mappings, match
from app.imports.blueprint import bp
from app.imports.choices import Choices
from app.imports.frame import mine, page, standing_of
from app.imports.rules import Rules
from app.imports.standing import Standing
from app.imports.targets import targets
from app.imports.words import BLANK
from app.records.registry import named, resources
from app.typed import asks


@bp.get("/imports/<int:import_id>/columns")
@requires("imports.read")
def columns_again(import_id: int) -> Any:
    """The matching page of an import that has a preview already; or with what is kept under a name filled in."""
    found, wanted = standing_of(import_id), request.args.get("mapping", "")
    if found.imported.stage not in ("preview", "match") or found.is_working or found.imported.stage == "match" and not wanted:
        return redirect(url_for(".show", import_id=import_id), 303)
    if not wanted:
        return match_page(found)
    try:
        kept = mappings.find(db.session(), found.imported.resource, wanted)
        return match_page(found, mappings.choices(found.imported, kept, current_actor()), used=kept.id)
    except (NotFound, Invalid) as problem:
        return match_page(found, errors={"mapping": problem.detail}), 422


@bp.post("/imports/<int:import_id>/columns")
@requires("*.import")
@asks(asked.of_columns)
def set_columns(import_id: int) -> Any:
    """Keep what the columns mean, and preview; or only look again, with other fields beside the columns."""
    found = mine(import_id)
    said = _choices(found)
    if "look" in request.form:
        return match_page(found, said)
    keep, actor = request.form.get("keep", ""), current_actor()
    try:
        match.match(import_id, said, by=actor, then=partial(mappings.keep, name=keep, by=actor) if keep.strip() else None)
    except Invalid as problem:
        return match_page(standing_of(import_id), said, problem.errors), 422
    return redirect(url_for(".show", import_id=import_id), 303)


@bp.get("/imports/mappings")
@requires("imports.read")
def kept_mappings() -> str:
    """Everything that is kept under a name, of what the reader may import."""
    actor, session = current_actor(), db.session()
    allowed = [resource.name for resource in resources() if actor.may(f"{resource.name}.import")]
    found = [one for name in allowed for one in mappings.of(session, name)]
    return render_template("imports/mappings.html", found=found, named=named)


@bp.post("/imports/mappings/<int:mapping_id>/remove")
@requires("*.import")
def remove_mapping(mapping_id: int) -> AnyResponse:
    """Forget one."""
    mappings.remove(mapping_id, by=current_actor())
    ui.toast("The mapping is removed")
    return redirect(url_for(".kept_mappings"), 303)


def match_page(found: Standing, said: Choices | None = None, errors: dict[str, str] | None = None, used: int = 0) -> str:
    """The page with what was found out, or with what somebody said last."""
    assert found.batch is not None
    view = columns.view(found.imported, found.batch, current_actor(), said, errors)
    return page("imports/columns.html", found, page=view, marks=asked.NUMBERS, written=asked.DAYS, modes=asked.MODES,
                blanks=asked.BLANKS, totals=asked.TOTALS, signs=columns_form.WORDS, nothing=BLANK, used=used,
                kept=mappings.of(db.session(), found.imported.resource), keep=request.form.get("keep", ""))


def _choices(found: Standing) -> Choices:
    imported = found.imported
    fields = {target.name: target.field for target in targets(current_actor(), named(imported.resource))}
    return columns_form.choices(request.form, len(imported.columns), fields, Rules.of(imported.rules))
