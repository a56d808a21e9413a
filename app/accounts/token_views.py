"""One's own API tokens. A token is shown on the page after the press, once, and kept nowhere."""
from datetime import UTC, datetime

from flask import g, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from werkzeug.wrappers import Response

from app import ui
from app.access import current_actor, requires, shows_again
from app.accounts import shown_once, tokens
from app.accounts.blueprint import bp
from app.accounts.forms import AddToken, written
from app.accounts.settings_views import page
from app.typed import asks


@bp.route("/settings/tokens", methods=["GET", "POST"])
@requires("account.manage")
@shows_again
@asks(AddToken)
def tokens_page() -> ResponseReturnValue:
    """The tokens one has, and a new one."""
    form = AddToken()
    if form.validate_on_submit():
        days = int(form.days.data) if form.days.data else None
        shown_once.hand_over("token", tokens.add(current_user.user_id, written(form.name), days=days, by=current_actor(),
                                                 request_id=g.request_id))
        return redirect(url_for(".tokens_page"), 303)
    return page("accounts/tokens.html", ".tokens_page", form, made=shown_once.take("token"), now=datetime.now(UTC),
                tokens=tokens.of(current_user.user_id))


@bp.post("/settings/tokens/<int:token_id>/revoke")
@requires("account.manage")
def revoke_token(token_id: int) -> Response:
    """The token stops working at once."""
    tokens.revoke(token_id, user_id=current_user.user_id, by=current_actor(), request_id=g.request_id)
    ui.toast("The token is revoked.")
    return redirect(url_for(".tokens_page"), 303)
