"""Sign in, sign out, the first password."""
from urllib.parse import urlsplit

from flask import current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response

from app import ui
from app.access import public, shows_again
from app.accounts import sessions
from app.accounts.blueprint import bp
from app.accounts.forms import FirstPassword, SignIn, written
from app.accounts.signing_in import Visit, accept, invited, sign_in, sign_out
from app.errors import Invalid, TooManyRequests

NOWHERE_TO_GO = ("accounts.login", "accounts.logout", "accounts.welcome", "static", "bootstrap.static")


@bp.route("/login", methods=["GET", "POST"])
@public("whoever wants to sign in is not signed in yet")
@shows_again
def login() -> ResponseReturnValue:
    """The form, and the way in."""
    there = destination(request.args.get("next"))
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(there, 303)
    form = SignIn()
    if not form.validate_on_submit():
        too_old = form.is_submitted() and "csrf_token" in form.errors
        return _sign_in_page(form, 400 if form.is_submitted() else 200, "Sign in once more" if too_old else "",
                             "This page was open for too long; nothing else is wrong." if too_old else "")
    try:
        secret = sign_in(written(form.email), written(form.password), visit(), stay=form.stay.data)
    except (Invalid, TooManyRequests) as problem:
        return _sign_in_page(form, problem.status, problem.title, problem.detail)
    sessions.enter(secret, stay=form.stay.data)
    return redirect(there, 303)


@bp.post("/logout")
@public("signing out twice, or after the session ended, is no error")
def logout() -> Response:
    """End the session and forget it in this browser."""
    if current_user.is_authenticated:
        sign_out(current_user.session_id, current_user.user_id, by=current_user.actor, request_id=g.request_id)
    sessions.leave()
    return redirect(url_for(".login"), 303)


@bp.route("/welcome/<link>", methods=["GET", "POST"])
@public("the link itself proves who is meant; it works once and for seven days")
@shows_again
def welcome(link: str) -> ResponseReturnValue:
    """Choose the first password."""
    email, form = invited(link), FirstPassword()
    if form.validate_on_submit():
        try:
            sessions.enter(accept(link, written(form.password), visit()), stay=False)
        except Invalid as problem:
            form.password.errors = [problem.errors["password"]]
        else:
            return redirect("/", 303)
    return render_template("accounts/welcome.html", form=form, email=email), 422 if form.is_submitted() else 200


def destination(there: str | None) -> str:
    """Where to go after signing in: `there` if it is the path of a page of ours that can be opened, else the first page."""
    path = ui.inside(there, "/")
    try:
        endpoint, _ = current_app.create_url_adapter(request).match(urlsplit(path).path, method="GET")  # type: ignore[union-attr]
    except RequestRedirect:
        return path
    except HTTPException:
        return "/"
    return "/" if endpoint in NOWHERE_TO_GO else path


def visit() -> Visit:
    """Where this request comes from."""
    return Visit(request.remote_addr or "", request.user_agent.string, g.request_id)


def _sign_in_page(form: SignIn, status: int, title: str, text: str) -> ResponseReturnValue:
    return render_template("accounts/login.html", form=form, title=title, text=text), status
