"""The page of effects, and what a person may do about one: approve, decline, have it looked up."""
from collections.abc import Iterable

from flask import Blueprint, render_template, request, url_for
from flask import redirect as go
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import newest
from app.access import current_actor, requires
from app.audit import Actor
from app.errors import BadRequest
from app.extensions import db
from app.integrations import cancellations, effects, labels, refunds
from app.integrations.models import Effect, StoredConnection
from app.newest import View
from app.records.money import from_minor
from app.records.panels import Panel, Row
from app.records.panels import panel as register_panel
from app.records.resource import Resource
from app.ui import inside, toast

bp = Blueprint("effects", __name__, url_prefix="/effects")
SHOWN = 5
WAITING = select(Effect.id).where(Effect.status.in_(("asked", "ambiguous")))     # for a person
VIEWS: dict[str, View] = {
    "asked": ("Need approval", Effect.status == "asked"), "ambiguous": ("In doubt", Effect.status == "ambiguous"),
    "pending": ("Under way", Effect.status == "pending"), "done": ("Done", Effect.status == "done"),
    "refused": ("Refused", Effect.status.in_(("refused", "declined"))),
}
LIGHTS = {"asked": ("wait", "call", "Needs approval"), "pending": ("busy", "half", "Under way"), "done": ("ok", "full", "Done"),
          "refused": ("bad", "full", "Refused"), "ambiguous": ("bad", "call", "In doubt"),
          "declined": ("mute", "full", "Declined"), "alone": ("bad", "call", "Stopped")}
KINDS = {refunds.KIND: "Refund", cancellations.KIND: "Cancellation", labels.KIND: "Label cancellation"}


@bp.get("")
@requires("integrations.read")
def index() -> str:
    """Everything that was done outside, or is to be, the newest first."""
    session: Session = db.session()
    errors = {name: "This list has no such filter." for name in request.args if name not in ("view", "after", "before")}
    view = request.args.get("view", "")
    if view and view not in VIEWS:
        errors["view"] = f"Give one of {', '.join(VIEWS)}."
    place = newest.place(request.args, errors)
    if errors:
        raise BadRequest("Take the filter away or correct it.", errors=errors)
    page = newest.page(session, Effect, [VIEWS[view][1]] if view else [], place.get("after"), place.get("before"))
    return render_template("integrations/effects.html", nav="integrations", page=page, view=view, views=VIEWS,
                           counts=newest.counts(session, Effect, VIEWS, ()), **_words(session, page.rows))


@bp.post("/<int:effect_id>/approve")
@requires("*.refund")
def approve(effect_id: int) -> Response:
    effects.approve(effect_id, by=current_actor())
    return _back("It is approved, and done now.")


@bp.post("/<int:effect_id>/decline")
@requires("*.refund")
def decline(effect_id: int) -> Response:
    effects.decline(effect_id, by=current_actor())
    return _back("It is declined. Nothing was sent.")


@bp.post("/<int:effect_id>/again")
@requires("*.retry")
def again(effect_id: int) -> Response:
    effects.again(effect_id, by=current_actor())
    return _back("It is looked up at the provider, and done only if it was not.")


def _back(said: str) -> Response:
    toast(said)
    return go(inside(request.form.get("back", ""), url_for("integrations.effects.index")), 303)


def _words(session: Session, shown: Iterable[Effect]) -> dict[str, object]:
    connections = {each.id: each for each in session.scalars(select(StoredConnection))}
    return {"lights": LIGHTS, "kinds": KINDS, "amount": _amount, "connections": connections, "may_decide": _may_decide,
            "alone": effects.left_alone(session, shown)}


def _amount(effect: Effect) -> str:
    """What it is about, in money."""
    minor, currency = effect.asked.get("amount_minor"), effect.asked.get("currency", "")
    return "" if minor is None else f"{from_minor(minor, currency)} {currency}"


def _may_decide(effect: Effect) -> bool:
    """Whether this person is the second one."""
    actor = current_actor()
    return actor.may(effect.kind) and not effects.is_by(effect, actor)


def _panel(resource: Resource, row: Row, actor: Actor) -> Panel | None:
    """On the page of a record: what was done outside for it."""
    if not actor.may("integrations.read"):
        return None
    session: Session = db.session()
    found = effects.of_record(session, resource.name, row["id"], SHOWN)
    if not found:
        return None
    body = render_template("integrations/effects_panel.html", effects=found, back=f"/{resource.name}/{row['id']}", actor=actor,
                           **_words(session, found))
    return Panel("Effects", Markup(body), str(len(found)), url_for("integrations.effects.index"))  # noqa: S704  (escaped there)


register_panel("*", _panel)
