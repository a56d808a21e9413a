"""The pages of endpoints: the list, one with its address and secrets, a new one."""
from collections import defaultdict
from datetime import datetime

from flask import Blueprint, render_template, url_for
from flask import redirect as go
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import Field

from app.access import can, current_actor, requires, shows_again
from app.config import config
from app.errors import Invalid, NotFound
from app.extensions import db
from app.integrations import connected
from app.integrations.registry import provider
from app.typed import asks
from app.ui import toast
from app.webhooks import endpoints
from app.webhooks.forms import AddEndpoint, AddSecret
from app.webhooks.models import Endpoint, StoredSecret

bp = Blueprint("endpoints", __name__, url_prefix="/endpoints")
Answer = str | tuple[str, int] | Response


@bp.get("")
@requires("endpoints.read")
def index() -> str:
    session: Session = db.session()
    found = list(session.scalars(select(Endpoint).order_by(func.lower(Endpoint.name))))
    return render_template("webhooks/endpoints.html", nav="webhooks", endpoints=found, provider=provider,
                           last=_last_heard(session))


@bp.get("/new")
@requires("endpoints.manage")
def new() -> str:
    return render_template("webhooks/endpoint_new.html", nav="webhooks", form=AddEndpoint())


@bp.post("/new")
@requires("endpoints.manage")
@shows_again
@asks(AddEndpoint)
def create() -> Answer:
    form = AddEndpoint()
    if form.validate():
        try:
            made = endpoints.add(form.provider.data, _typed(form.name), [_typed(form.secret)], by=current_actor(),
                                 account=_typed(form.account) or None)
        except Invalid as problem:
            _show_errors(form, problem)
        else:
            toast(f"{made.name} listens. Give its address to the provider.")
            return go(url_for(".show", endpoint_id=made.id), 303)
    return render_template("webhooks/endpoint_new.html", nav="webhooks", form=form), 422


@bp.get("/<int:endpoint_id>")
@requires("endpoints.manage")
def show(endpoint_id: int) -> str:
    return _page(endpoint_id, AddSecret())


@bp.post("/<int:endpoint_id>/secrets")
@requires("endpoints.manage")
@shows_again
@asks(AddSecret)
def add_secret(endpoint_id: int) -> Answer:
    form = AddSecret()
    if form.validate():
        try:
            endpoints.add_secret(endpoint_id, _typed(form.secret), by=current_actor())
        except Invalid as problem:
            _show_errors(form, problem)
        else:
            toast("The new secret is live. Retire the old one once the provider signs with the new.")
            return go(url_for(".show", endpoint_id=endpoint_id), 303)
    return _page(endpoint_id, form), 422


@bp.post("/<int:endpoint_id>/secrets/<int:secret_id>/retire")
@requires("endpoints.manage")
def retire_secret(endpoint_id: int, secret_id: int) -> Response:
    endpoints.retire_secret(endpoint_id, secret_id, by=current_actor())
    toast("The secret is retired and erased.")
    return go(url_for(".show", endpoint_id=endpoint_id), 303)


@bp.post("/<int:endpoint_id>/on")
@requires("endpoints.manage")
def switch_on(endpoint_id: int) -> Response:
    return _switch(endpoint_id, on=True)


@bp.post("/<int:endpoint_id>/off")
@requires("endpoints.manage")
def switch_off(endpoint_id: int) -> Response:
    return _switch(endpoint_id, on=False)


def _switch(endpoint_id: int, *, on: bool) -> Response:
    endpoints.switch(endpoint_id, on=on, by=current_actor())
    toast("It listens again." if on else "It answers 404 now; providers will try again for some days.")
    return go(url_for(".show", endpoint_id=endpoint_id), 303)


def _page(endpoint_id: int, form: FlaskForm) -> str:
    session: Session = db.session()
    endpoint = session.get(Endpoint, endpoint_id)
    if endpoint is None:
        raise NotFound(f"There is no endpoint {endpoint_id}.")
    secrets = list(session.scalars(select(StoredSecret).where(StoredSecret.endpoint_id == endpoint_id)
                                   .order_by(StoredSecret.id.desc())))
    return render_template("webhooks/endpoint.html", nav="webhooks", endpoint=endpoint, by=provider(endpoint.provider), form=form,
                           secrets=secrets, address=config().address + endpoint.path, last=_last_heard(session)[endpoint_id])


def _typed(field: Field) -> str:
    return str(field.data or "").strip()


def _show_errors(form: FlaskForm, problem: Invalid) -> None:
    for name, sentence in problem.errors.items():
        form[name if name in form else "secret"].errors = [sentence]


def _last_heard(session: Session) -> dict[int, datetime | None]:
    """When each endpoint was last given a post that proved itself, to the minute."""
    latest = select(StoredSecret.endpoint_id, func.max(StoredSecret.used_at)).group_by(StoredSecret.endpoint_id)
    return defaultdict(lambda: None, {id: at for id, at in session.execute(latest)})  # noqa: C416  (rows are not pairs to mypy)


@connected.register
def _ties(provider_name: str) -> list[connected.Tie]:
    """Its endpoints, for the page of integrations."""
    found = db.session.scalars(select(Endpoint).where(Endpoint.provider == provider_name).order_by(Endpoint.id))
    manage = can(current_actor(), "endpoints.manage")
    return [connected.Tie("Webhook endpoint", each.name, each.account,
                          ("ok", "full", "Live") if each.is_enabled else ("mute", "open", "Off"),
                          url_for("webhooks.endpoints.show", endpoint_id=each.id) if manage else "") for each in found]
