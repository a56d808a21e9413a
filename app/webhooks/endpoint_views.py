"""The pages of endpoints: the list, one with its address and secrets, a new one."""
from flask import Blueprint, flash, render_template, request, url_for
from flask import redirect as go
from flask_wtf import FlaskForm
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import Field

from app.access import can, current_actor, requires, shows_again
from app.config import config
from app.errors import Conflict, Invalid, NotFound, Unavailable
from app.extensions import db
from app.integrations import connected
from app.integrations.provider import Provider, Rejected
from app.integrations.registry import find, provider, providers
from app.typed import asks
from app.ui import toast
from app.webhooks import custom_views, endpoint_settings, endpoints, forms, health, testing
from app.webhooks.forms import AddSecret
from app.webhooks.models import Endpoint, StoredSecret
from app.webhooks.receive import NotListed

bp = Blueprint("endpoints", __name__, url_prefix="/endpoints")
bp.register_blueprint(custom_views.bp)
Answer = str | tuple[str, int] | Response


@bp.get("")
@requires("endpoints.read")
def index() -> str:
    """All of them, with what came last and who is silent."""
    session: Session = db.session()
    found = list(session.scalars(select(Endpoint).order_by(func.lower(Endpoint.name))))
    silent = {each.id: silence for each, silence in health.silences(session)}
    return render_template("webhooks/endpoints.html", nav="webhooks", endpoints=found, find=find, silent=silent,
                           waiting=endpoints.without_secret(session),
                           last=health.last_heard(session, [each.id for each in found]))


@bp.get("/new")
@requires("endpoints.manage")
def new() -> str:
    """First of which provider, then what it takes for one of it."""
    name = request.args.get("provider", "")
    if not name:
        return render_template("webhooks/endpoint_which.html", nav="webhooks", providers=providers())
    return _new_page(provider(name), forms.adding(provider(name)))


@bp.post("/new")
@requires("endpoints.manage")
@shows_again
@asks(forms.questions)
def create() -> Answer:
    speaks = provider(request.form.get("provider", ""))
    form = forms.adding(speaks)
    if form.validate():
        secret = _typed(form.secret)
        try:
            made = endpoints.add(speaks.name, _typed(form.name), [secret] if secret else [], by=current_actor(),
                                 account=_typed(form.account) or None, settings=forms.typed(form))
        except Invalid as problem:
            _show_errors(form, problem)
        else:
            toast(_made(speaks, made.name, secret))
            return go(url_for(speaks.own_page or ".show", endpoint_id=made.id), 303)
    return _new_page(speaks, form), 422


@bp.get("/<int:endpoint_id>")
@requires("endpoints.manage")
def show(endpoint_id: int) -> str:
    return _page(endpoint_id, AddSecret())


@bp.route("/<int:endpoint_id>/settings", methods=["GET", "POST"])
@requires("endpoints.manage")
@shows_again
@asks(forms.questions)
def settings(endpoint_id: int) -> Answer:
    """Its clock, its address, who may post, and what its provider has to be told."""
    found = _endpoint(endpoint_id)
    speaks = provider(found.provider)
    form = forms.setting(speaks, endpoint_settings.typed(speaks, found.config), endpoint_settings.mark(found.config))
    if form.validate_on_submit():
        try:
            held = endpoint_settings.typed(speaks, found.config) if speaks.own_page else {}
            endpoints.configure(endpoint_id, held | forms.typed(form), by=current_actor(), seen=form.seen.data)
        except Conflict as problem:
            form.form_errors.append(problem.detail)
        except Invalid as problem:
            _show_errors(form, problem)
        else:
            toast("The settings are saved. They hold within two seconds.")
            return go(url_for(".show", endpoint_id=endpoint_id), 303)
    page = render_template("webhooks/endpoint_settings.html", nav="webhooks", endpoint=found, by=speaks, form=form)
    return (page, 422) if form.is_submitted() else page


@bp.post("/<int:endpoint_id>/test")
@requires("endpoints.manage")
def test(endpoint_id: int) -> Response:
    """Post a test event to ourselves, and show what became of it."""
    try:
        event_id = testing.send(endpoint_id, by=current_actor())
    except (Rejected, Unavailable, NotListed) as problem:
        flash(f"The test did not come through. {problem.detail}")
        return go(url_for(".show", endpoint_id=endpoint_id), 303)
    toast("The test event was proven and kept. It changes nothing.")
    return go(url_for("webhooks.show", event_id=event_id), 303)


@bp.post("/<int:endpoint_id>/secrets")
@requires("endpoints.manage")
@shows_again
@asks(AddSecret)
def add_secret(endpoint_id: int) -> Answer:
    form, is_first = AddSecret(), endpoint_id in endpoints.without_secret(db.session())
    if form.validate():
        try:
            endpoints.add_secret(endpoint_id, _typed(form.secret), by=current_actor())
        except Invalid as problem:
            _show_errors(form, problem)
        else:
            toast("The secret is live: posts are taken in now." if is_first
                  else "The new secret is live. Retire the old one once the provider signs with the new.")
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


def _made(speaks: Provider, name: str, secret: str) -> str:
    if speaks.needs_secret and not secret:
        return f"{name} is made. Give its address to {speaks.label}, and paste the secret it shows."
    return f"{name} listens. Give its address to {'the sender' if speaks.own_page else speaks.label}."


def _new_page(speaks: Provider, form: FlaskForm) -> str:
    return render_template("webhooks/endpoint_new.html", nav="webhooks", by=speaks, form=form)


def _endpoint(endpoint_id: int) -> Endpoint:
    found = db.session.get(Endpoint, endpoint_id) if endpoint_id < 2**63 else None
    if found is None:
        raise NotFound(f"There is no endpoint {endpoint_id}.")
    return found


def _page(endpoint_id: int, form: AddSecret) -> str:
    session: Session = db.session()
    endpoint = _endpoint(endpoint_id)
    secrets = list(session.scalars(select(StoredSecret).where(StoredSecret.endpoint_id == endpoint_id)
                                   .order_by(StoredSecret.id.desc())))
    speaks = provider(endpoint.provider)
    waits = endpoint_id in endpoints.without_secret(session)
    return render_template("webhooks/endpoint.html", nav="webhooks", endpoint=endpoint, by=speaks, waits=waits,
                           form=forms.first_secret(speaks, form) if waits else form,
                           secrets=secrets, address=config().address + endpoint.path, health=health.health(session, endpoint),
                           can_test=testing.can_send(speaks), options=_options(speaks, endpoint))


def _options(speaks: Provider, endpoint: Endpoint) -> list[tuple[str, str]]:
    """(label, value) of what it is set to; what holds by default is left out."""
    labels = {name: label for name, (label, _) in forms.COMMON.items()}
    labels |= {} if speaks.own_page else {endpoint_settings.OPTION + each.name: each.label for each in speaks.options}
    return [(labels[name], value) for name, value in endpoint_settings.typed(speaks, endpoint.config).items()
            if value and name in labels]


def _typed(field: Field) -> str:
    return str(field.data or "").strip()


def _show_errors(form: FlaskForm, problem: Invalid) -> None:
    for name, sentence in problem.errors.items():
        form[name if name in form else "secret"].errors = [sentence]


@connected.register
def _ties(provider_name: str) -> list[connected.Tie]:
    """Its endpoints, for the page of integrations."""
    found = db.session.scalars(select(Endpoint).where(Endpoint.provider == provider_name).order_by(Endpoint.id))
    manage, waiting = can(current_actor(), "endpoints.manage"), endpoints.without_secret(db.session())
    return [connected.Tie("Webhook endpoint", each.name, each.account,
                          _status(each, waiting),
                          url_for("webhooks.endpoints.show", endpoint_id=each.id) if manage else "") for each in found]


def _status(endpoint: Endpoint, waiting: set[int]) -> tuple[str, str, str]:
    if not endpoint.is_enabled:
        return "mute", "open", "Off"
    return ("wait", "call", "Waiting for its secret") if endpoint.id in waiting else ("ok", "full", "Live")
