"""Users, for those who manage them: add, give a role, switch off and on, make a one-time link."""
from typing import NamedTuple

from flask import g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.wrappers import Response

from app import ui
from app.access import ROLES, current_actor, requires, shows_again
from app.accounts import sessions, shown_once, users
from app.accounts.blueprint import bp
from app.accounts.forms import AddUser, written
from app.accounts.settings_views import page
from app.config import config
from app.errors import Conflict, Invalid, Problem
from app.typed import Asked, asks


@bp.route("/settings/users", methods=["GET", "POST"])
@requires("users.manage")
@shows_again
@asks(AddUser)
def users_page() -> ResponseReturnValue:
    """Everybody with an account, and a new one: it is answered by the link to hand over, which is shown once."""
    form = AddUser()
    if form.validate_on_submit():
        try:
            user_id = users.add(written(form.email), form.role.data, name=written(form.name), by=current_actor(),
                                request_id=g.request_id)
        except Conflict as problem:
            form.email.errors = [problem.detail]
        except Invalid as problem:
            form.email.errors = list(problem.errors.values())
        else:
            return _with_link(user_id)
    return _users_page(form)


@bp.post("/settings/users/<int:user_id>/role")
@requires("users.manage")
@asks(lambda **_: {"role": Asked("Role", {role: role.capitalize() for role in ROLES})})
def change_role(user_id: int) -> ResponseReturnValue:
    """Give another role; it holds from the next request on. What stands against it is said beside the choice."""
    role = request.form.get("role", "")
    try:
        users.change_role(user_id, role, by=current_actor(), request_id=g.request_id)
    except (Conflict, Invalid) as problem:
        return _users_page(AddUser(formdata=None), Refused(user_id, problem, role))
    ui.toast("The role is changed. It holds at once.")
    return redirect(url_for(".users_page"), 303)


@bp.post("/settings/users/<int:user_id>/switch")
@requires("users.manage")
def switch_user(user_id: int) -> ResponseReturnValue:
    """Off: signed out everywhere, tokens stop. On: the password of before lets in again."""
    on = request.form.get("on") == "1"
    try:
        if user_id == current_user.user_id and not on:
            raise Conflict("Ask another admin to do it.", title="Nobody switches their own account off")
        users.switch(user_id, on, by=current_actor(), request_id=g.request_id)
    except Conflict as problem:
        return _users_page(AddUser(formdata=None), Refused(user_id, problem))
    ui.toast("The account is on again." if on else "The account is off, its sessions have ended.")
    return redirect(url_for(".users_page"), 303)


@bp.post("/settings/users/<int:user_id>/link")
@requires("users.manage")
def make_link(user_id: int) -> Response:
    """A new one-time link, for whoever has no password yet or forgot it."""
    return _with_link(user_id)


def link_for(secret: str) -> str:
    """The address to hand over."""
    return config().address + url_for("accounts.welcome", link=secret)


class Refused(NamedTuple):
    """What was not done to somebody, and the role chosen for them if that was it."""

    user_id: int
    problem: Problem
    role: str | None = None

    @property
    def sentence(self) -> str:
        return " ".join(self.problem.errors.values()) or f"{self.problem.title}. {self.problem.detail}"


def _with_link(user_id: int) -> Response:
    shown_once.hand_over("link", link_for(users.make_link(user_id, by=current_actor(), request_id=g.request_id)))
    return redirect(url_for(".users_page"), 303)


def _users_page(form: AddUser, refused: Refused | None = None) -> ResponseReturnValue:
    return page("accounts/users.html", ".users_page", form, refused.problem.status if refused else 200, users=users.everybody(),
                roles=list(ROLES), link=shown_once.take("link"), me=current_user.user_id,
                signed_in=sessions.count_by_user(), refused=refused)
