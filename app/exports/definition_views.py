"""The page of a saved export: what it exports, when it comes again, what was written from it."""
from dataclasses import asdict
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app import mail, ui
from app.access import current_actor, requires
from app.errors import Invalid
from app.exports import columns, definitions, rhythm, showing
from app.exports.blueprint import bp
from app.exports.models import Definition, Export
from app.exports.rhythm import Rhythm
from app.exports.standing import standing
from app.extensions import db
from app.jobs.models import Schedule
from app.records.registry import named
from app.typed import Asked, Questions, asks


@bp.get("/exports/saved/<int:definition_id>")
@requires("*.export")
def saved(definition_id: int) -> str:
    return _page(definition_id)


@bp.post("/exports/saved/<int:definition_id>/run")
@requires("*.export")
def run_saved(definition_id: int) -> Response:
    """Export it now, with one's own rights."""
    export_id = definitions.run_now(definition_id, by=current_actor())
    is_there = db.session.get_one(Export, export_id).file is not None
    return redirect(url_for(".show", export_id=export_id, now=1 if is_there else None), 303)


def _asked(**_: object) -> Questions:
    return {"every": Asked("How often", rhythm.EVERY), "at": Asked("Time"), "zone": Asked("Time zone"),
            "weekday": Asked("Day of the week", rhythm.WEEKDAYS), "day": Asked("Day of the month", rhythm.MONTH_DAYS)}


@bp.post("/exports/saved/<int:definition_id>/schedule")
@requires("*.export")
@asks(_asked)
def schedule_saved(definition_id: int) -> Any:
    definitions.find(db.session(), definition_id, current_actor())
    try:
        definitions.plan(definition_id, Rhythm.of(request.form), by=current_actor())
    except Invalid as problem:
        return _page(definition_id, problem.errors), 422
    return _back(definition_id, "The schedule is set.")


@bp.post("/exports/saved/<int:definition_id>/pause")
@requires("*.export")
def pause_saved(definition_id: int) -> Response:
    definitions.pause(definition_id, by=current_actor())
    return _back(definition_id, "The schedule rests.")


@bp.post("/exports/saved/<int:definition_id>/resume")
@requires("*.export")
def resume_saved(definition_id: int) -> Response:
    definitions.resume(definition_id, by=current_actor())
    return _back(definition_id, "The schedule goes on.")


@bp.post("/exports/saved/<int:definition_id>/remove")
@requires("*.export")
def remove_saved(definition_id: int) -> Response:
    definitions.remove(definition_id, by=current_actor())
    ui.toast("The saved export is removed.")
    return redirect(url_for(".index"), 303)


def schedule(definition: Definition) -> tuple[Schedule, Rhythm] | None:
    """When it comes again; None: when somebody runs it."""
    found = definitions.schedule_of(db.session(), definition)
    return None if found is None else (found, Rhythm.read(found))


def _page(definition_id: int, errors: dict[str, str] | None = None) -> str:
    actor = current_actor()
    kept = definitions.find(db.session(), definition_id, actor)
    resource, planned = named(kept.resource), schedule(kept)
    titles = {column.name: column.title for column in columns.offered(actor, resource)}
    past = [standing(db.session(), export.id, actor) for export in definitions.latest(db.session(), kept, actor)]
    shown = planned[1] if planned else Rhythm(zone=str(ui.zone()))
    typed = {**asdict(shown), **(request.form.to_dict() if errors else {})}
    is_mine = definitions.is_of(kept, actor)
    return render_template(
        "exports/saved.html", kept=kept, resource=resource, files=showing.FILES, named=named, planned=planned, past=past,
        rhythm=typed, words=rhythm, zones=showing.zones(shown.zone), errors=errors or {}, is_mine=is_mine, mailed=mail.is_on(),
        may_remove=is_mine or actor.may("settings.manage"), filters=showing.filters(kept.resource, kept.query),
        titles=[titles.get(name, name) for name in kept.columns])


def _back(definition_id: int, said: str) -> Response:
    ui.toast(said)
    return redirect(url_for(".saved", definition_id=definition_id), 303)
