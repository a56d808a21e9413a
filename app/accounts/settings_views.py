"""One's own account: profile, password, sessions; and the settings of the installation."""
from flask import current_app, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from app import settings as stored
from app import ui
from app.access import can, current_actor, requires, shows_again
from app.accounts import forms, sessions, users
from app.accounts.blueprint import bp
from app.accounts.signing_in import change_password
from app.config import config
from app.counting import counted
from app.errors import Invalid, TooManyRequests
from app.transaction import transaction
from app.typed import asks

PAGES = ((".settings", "Profile", "account.manage"), (".password", "Password", "account.manage"),
         (".sessions_page", "Sessions", "account.manage"), (".tokens_page", "API tokens", "account.manage"),
         (".users_page", "Users", "users.manage"), (".installation", "Installation", "settings.manage"))
BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
            ("curl/", "curl"))
SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
           ("Linux", "Linux"))


@bp.route("/settings", methods=["GET", "POST"])
@requires("account.manage")
@shows_again
@asks(forms.Profile)
def settings() -> ResponseReturnValue:
    """Name, time zone, looks."""
    form = forms.Profile(config().time_zone, data={"name": current_user.name, "time_zone": current_user.time_zone or ""})
    if form.validate_on_submit():
        users.set_profile(current_user.user_id, forms.written(form.name), form.time_zone.data or None, by=current_actor(),
                          request_id=g.request_id)
        ui.toast("The profile is saved.")
        return redirect(url_for(".settings"), 303)
    return page("accounts/profile.html", ".settings", form)


@bp.route("/settings/password", methods=["GET", "POST"])
@requires("account.manage")
@shows_again
@asks(forms.ChangePassword)
def password() -> ResponseReturnValue:
    """Another password; every other session ends."""
    form = forms.ChangePassword()
    if form.validate_on_submit():
        try:
            change_password(current_user.user_id, forms.written(form.old), forms.written(form.password),
                            keep=current_user.session_id, by=current_actor(), request_id=g.request_id)
        except Invalid as problem:
            for name, sentence in problem.errors.items():
                form[name].errors = [sentence]
        except TooManyRequests as problem:
            form.old.errors = [problem.detail]
        else:
            ui.toast("The password is changed. You are signed out everywhere else.")
            return redirect(url_for(".password"), 303)
    return page("accounts/password.html", ".password", form)


@bp.get("/settings/sessions")
@requires("account.manage")
def sessions_page() -> ResponseReturnValue:
    """Where one is signed in."""
    return page("accounts/sessions.html", ".sessions_page", opened=sessions.opened_by(current_user.user_id),
                here=current_user.session_id)


@bp.post("/settings/sessions/<int:session_id>/end")
@requires("account.manage")
def end_session(session_id: int) -> Response:
    """Sign out there."""
    with transaction() as session:
        ended = sessions.end(session, current_user.user_id, session_id)
    ui.toast("You are signed out there." if ended else "That session had ended already.")
    return redirect(url_for(".sessions_page"), 303)


@bp.post("/settings/sessions/end-others")
@requires("account.manage")
def end_other_sessions() -> Response:
    """Sign out everywhere else."""
    with transaction() as session:
        ended = sessions.end(session, current_user.user_id, but=current_user.session_id)
    ui.toast(f"You are signed out in {counted(ended, 'other place')}.")
    return redirect(url_for(".sessions_page"), 303)


@bp.route("/settings/installation", methods=["GET", "POST"])
@requires("settings.manage")
@shows_again
@asks(lambda **_: forms.asked(stored.declared()))
def installation() -> ResponseReturnValue:
    """What holds for everybody."""
    declared = stored.declared()
    form = forms.installation(declared)
    if form.validate_on_submit():
        with transaction() as session:
            changed = [setting for setting in declared if forms.value_of(form, setting) != setting.get()]
            for setting in changed:
                setting.set(session, forms.value_of(form, setting), by=current_actor())
        ui.toast("The settings are saved." if changed else "Nothing was changed.")
        return redirect(url_for(".installation"), 303)
    return page("accounts/installation.html", ".installation", form, declared=declared, config=config())


@bp.app_template_filter("browser")
def browser(agent: str) -> str:
    """ "Firefox on Linux", as far as a User-Agent tells."""
    names = [word for mark, word in BROWSERS if mark in agent][:1]
    systems = [word for mark, word in SYSTEMS if mark in agent][:1]
    return " on ".join(names + systems) or agent[:40] or "Unknown"


def page(template: str, current: str, form: FlaskForm | None = None, status: int = 200, **values: object) -> ResponseReturnValue:
    """A page under Settings with its tabs; 422 when its form was refused."""
    tabs = [(word, url_for(endpoint), None, endpoint == current) for endpoint, word, needs in PAGES
            if can(current_actor(), needs) and f"accounts{endpoint}" in current_app.view_functions]
    refused = form is not None and form.is_submitted() and bool(form.errors)
    return render_template(template, form=form, tabs=tabs, nav="settings", **values), 422 if refused else status
