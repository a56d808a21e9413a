"""The pages of connections: a new one, one with how it stands, its form, its test."""
from flask import Blueprint, render_template, request, url_for
from flask import redirect as go
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.access import current_actor, requires, shows_again
from app.errors import Invalid
from app.extensions import db
from app.integrations import call_log, connected, connections, forms, limiter, words
from app.integrations.models import Call, StoredConnection
from app.integrations.provider import Provider
from app.integrations.registry import provider, providers
from app.typed import asks
from app.ui import toast

bp = Blueprint("connections", __name__, url_prefix="/connections")
Answer = str | tuple[str, int] | Response
SHOWN = 8       # calls on the page of a connection


@bp.get("/new")
@requires("integrations.manage")
def new() -> str:
    """First of which provider, then what it takes to be let in there."""
    name = request.args.get("provider", "")
    if not name:
        return render_template("integrations/connection_which.html", nav="integrations", providers=[
            each for each in providers() if each.api])
    return _form_page(provider(name), forms.form(connections.api_of(name)))


@bp.post("/new")
@requires("integrations.manage")
@shows_again
@asks(forms.questions)
def create() -> Answer:
    speaks = provider(request.form.get("provider", ""))
    form = forms.form(connections.api_of(speaks.name))
    if form.validate():
        try:
            made = connections.add(speaks.name, forms.wanted(form), by=current_actor())
        except Invalid as problem:
            _show_errors(form, problem)
        else:
            toast("The connection is saved. Test it now.")
            return go(url_for(".show", connection_id=made), 303)
    return _form_page(speaks, form), 422


@bp.get("/<int:connection_id>")
@requires("integrations.read")
def show(connection_id: int) -> str:
    """How it stands, what is left of its limits, its last calls; after a test what came of that."""
    stored = connections.get(connection_id)
    api, connection, session = connections.api_of(stored.provider), connections.described(stored), db.session()
    last = session.scalars(select(Call).where(Call.connection_id == stored.id).order_by(Call.id.desc()).limit(SHOWN)).all()
    tested = call_log.latest(session, stored.id, Call.op == connections.TEST) if "tested" in request.args else None
    quota = next((each for each in last if each.quota), None)
    return render_template("integrations/connection.html", nav="integrations", stored=stored, by=provider(stored.provider),
                           api=api, base=connection.base, words=words, calls=last, tested=tested, quota=quota,
                           left=limiter.left(connection, api.limit), blocked=limiter.blocked_until(connection))


@bp.post("/<int:connection_id>/test")
@requires("integrations.manage")
def test(connection_id: int) -> Response:
    """Ask the provider something harmless. The page says what came of it."""
    connections.test(connection_id)
    return go(url_for(".show", connection_id=connection_id, tested=1), 303)


@bp.get("/<int:connection_id>/edit")
@requires("integrations.manage")
def edit(connection_id: int) -> str:
    stored = connections.get(connection_id)
    return _form_page(provider(stored.provider), _filled(stored), stored)


@bp.post("/<int:connection_id>/edit")
@requires("integrations.manage")
@shows_again
@asks(forms.questions)
def save(connection_id: int) -> Answer:
    stored = connections.get(connection_id)
    form = _filled(stored)
    if form.validate():
        try:
            connections.edit(connection_id, forms.wanted(form), by=current_actor())
        except Invalid as problem:
            _show_errors(form, problem)
        else:
            toast("The connection is saved.")
            return go(url_for(".show", connection_id=connection_id), 303)
    return _form_page(provider(stored.provider), form, stored), 422


@bp.post("/<int:connection_id>/on")
@requires("integrations.manage")
def switch_on(connection_id: int) -> Response:
    return _switch(connection_id, on=True)


@bp.post("/<int:connection_id>/off")
@requires("integrations.manage")
def switch_off(connection_id: int) -> Response:
    return _switch(connection_id, on=False)


def _switch(connection_id: int, *, on: bool) -> Response:
    connections.switch(connection_id, on=on, by=current_actor())
    toast("It is used again." if on else "Nothing is asked through it any more.")
    return go(url_for(".show", connection_id=connection_id), 303)


def _filled(stored: StoredConnection) -> FlaskForm:
    held = {"name": stored.name, "address": stored.address, "is_sandbox": stored.is_sandbox}
    return forms.form(connections.api_of(stored.provider), held=held, hints=stored.hints)


def _form_page(by: Provider, form: FlaskForm, stored: StoredConnection | None = None) -> str:
    return render_template("integrations/connection_form.html", nav="integrations", by=by, form=form, stored=stored)


def _show_errors(form: FlaskForm, problem: Invalid) -> None:
    for name, sentence in problem.errors.items():
        field = next((each for each in (name, forms.OWN + name) if each in form), "name")
        form[field].errors = [sentence]


@connected.register
def _ties(provider_name: str) -> list[connected.Tie]:
    """Its connections, for the page of integrations."""
    found = db.session.scalars(select(StoredConnection).where(StoredConnection.provider == provider_name)
                               .order_by(StoredConnection.id))
    return [connected.Tie("Connection, sandbox" if each.is_sandbox else "Connection", each.name, each.account, words.light(each),
                          url_for("integrations.connections.show", connection_id=each.id)) for each in found]
