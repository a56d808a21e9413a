"""Users, for those who manage them: add, give a role, switch off and on, make a one-time link."""
from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.wrappers import Response

from app import ui
from app.access import ROLES, current_actor, requires, shows_again
from app.accounts import sessions, users
from app.accounts.blueprint import bp
from app.accounts.forms import AddUser, written
from app.accounts.settings_views import page
from app.config import config
from app.errors import Conflict, Invalid


@bp.route("/settings/users", methods=["GET", "POST"])
@requires("users.manage")
@shows_again
def users_page() -> ResponseReturnValue:
    """Everybody with an account. A new one is answered by the link to hand over, which is shown once."""
    form, link = AddUser(), ""
    if form.validate_on_submit():
        try:
            user_id = users.add(written(form.email), form.role.data, name=written(form.name), by=current_actor(),
                                request_id=g.request_id)
        except Conflict as problem:
            form.email.errors = [problem.detail]
        except Invalid as problem:
            form.email.errors = list(problem.errors.values())
        else:
            link = link_for(users.make_link(user_id, by=current_actor(), request_id=g.request_id))
            form = AddUser(formdata=None)
    return _users_page(form, link)


@bp.post("/settings/users/<int:user_id>/role")
@requires("users.manage")
def change_role(user_id: int) -> Response:
    """Give another role; it holds from the next request on."""
    users.change_role(user_id, request.form.get("role", ""), by=current_actor(), request_id=g.request_id)
    ui.toast("The role is changed. It holds at once.")
    return redirect(url_for(".users_page"), 303)


@bp.post("/settings/users/<int:user_id>/switch")
@requires("users.manage")
def switch_user(user_id: int) -> Response:
    """Off: signed out everywhere, tokens stop. On: the password of before lets in again."""
    on = request.form.get("on") == "1"
    if user_id == current_user.user_id and not on:
        raise Conflict("Ask another admin to do it.", title="Nobody switches their own account off")
    users.switch(user_id, on, by=current_actor(), request_id=g.request_id)
    ui.toast("The account is on again." if on else "The account is off, its sessions have ended.")
    return redirect(url_for(".users_page"), 303)


@bp.post("/settings/users/<int:user_id>/link")
@requires("users.manage")
def make_link(user_id: int) -> ResponseReturnValue:
    """A new one-time link, for whoever has no password yet or forgot it."""
    link = link_for(users.make_link(user_id, by=current_actor(), request_id=g.request_id))
    return _users_page(AddUser(formdata=None), link)


def link_for(secret: str) -> str:
    """The address to hand over."""
    return config().address + url_for("accounts.welcome", link=secret)


def _users_page(form: AddUser, link: str) -> ResponseReturnValue:
    return page("accounts/users.html", ".users_page", form, users=users.everybody(), roles=list(ROLES), link=link,
                me=current_user.user_id, signed_in=sessions.count_by_user())
