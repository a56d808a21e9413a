"""Unsafe requests come from pages of ours and carry their token; a stranger's is refused before its body is read."""
import hmac
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask import session as cookie
from flask_wtf.csrf import CSRFError, generate_csrf
from itsdangerous import BadData, URLSafeTimedSerializer

from app.access import NOBODY, current_actor
from app.config import config
from app.errors import BadRequest, Forbidden, Unauthorised
from app.extensions import csrf
from app.typed import Questions, question, questions, shown

SAFE = ("GET", "HEAD", "OPTIONS")
WITHOUT_TOKEN = ("/hooks/", "/api/")   # a signature or a bearer token proves who sends; cookies count for nothing there
TYPED_AGAIN = ("password", "secret")   # never written into a page
NOTE, FORMER = "sent_again", "former_csrf_token"
GOOD_FOR = 12 * 3600                   # seconds a page that says "sign in first" can be sent from


def init_app(app: Flask) -> None:
    """Called once who acts is known."""
    app.before_request(guard)


def guard() -> Response | None:
    """Let an unsafe request through only if it comes from a page of ours and carries its token.

    Another site's request is refused. A page of ours that is too old is not: a view marked `@shows_again` shows its form
    again, any other is answered by a page from which what was typed can be sent once more.
    """
    if request.method in SAFE or request.path.startswith(WITHOUT_TOKEN) or request.endpoint is None:
        return None
    own = comes_from_us()
    if own is False:
        raise Forbidden("It was sent from a page of another site. If that was you, do it from a page of Backroom.",
                        title="This did not come from Backroom")
    view = current_app.view_functions[request.endpoint]
    if getattr(view, "permission", None) is not None and current_actor() is NOBODY:
        return _sent_signed_out(own, view)
    try:
        csrf.protect()
    except CSRFError:
        if own is True and _sent_from_before_signing_in():
            g.csrf_valid = True
            return None
        return None if getattr(view, "shows_again", False) else _sent_too_late(own, view)
    return None


def remember(token: str | None) -> None:
    """Keep the form token this browser had before it signed in: what it was sent then can be sent once more, by one press."""
    if token is not None:
        cookie[FORMER] = token


def comes_from_us() -> bool | None:
    """Whether the browser says that a page of ours sends this; None when it says nothing (Fetch Metadata, RFC 6454 Origin)."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is not None:
        return origin.lower() in {request.host_url.rstrip("/").lower(), (config().public_url or "").lower()}
    return True if site == "same-origin" else None


def _sent_from_before_signing_in() -> bool:
    """Whether this comes from the page that told this very browser, at this very address, to sign in first."""
    try:
        token, path = _notes().loads(request.form.get(NOTE, ""), max_age=GOOD_FOR)
    except (BadData, ValueError, TypeError):
        return False
    return path == request.path and hmac.compare_digest(str(token), str(cookie.get(FORMER, "")))


def _sent_signed_out(own: bool | None, view: Any) -> Response:
    if own is not True or getattr(view, "takes_files", False):
        raise Unauthorised("You were signed out in the meantime; what you sent was not saved. Sign in and do it again.")
    generate_csrf()     # there is a token to remember from now on
    return _again(401, view, note=str(_notes().dumps([cookie["csrf_token"], request.path])))


def _sent_too_late(own: bool | None, view: Any) -> Response:
    if own is not True:
        raise BadRequest("Its form is too old or incomplete, so nothing was saved. Go back, load the page again and repeat what "
                         "you did.", title="This page was open for too long")
    return _again(400, view)


def _again(status: int, view: Any, note: str = "") -> Response:
    """A page that shows what was typed, to be sent once more by a press; files and passwords have to be given again."""
    asked = questions(view, request.view_args or {})
    sent = [(name, value) for name, values in request.form.lists() for value in values if name not in ("csrf_token", NOTE)]
    secret = {name: _label(asked, name) for name, _ in sent if _is_secret(asked, name)}
    carried = [pair for pair in sent if pair[0] not in secret]
    page = render_template("errors/again.html", carried=carried, typed=shown(asked, carried), secret=secret, note=note,
                           files=bool(request.files), signed_out=status == 401, request_id=g.request_id, wide=True)
    return make_response(page, status)


def _is_secret(asked: Questions, name: str) -> bool:
    found = question(asked, name)
    return found is not None and found.is_secret or any(word in name.lower() for word in TYPED_AGAIN)


def _label(asked: Questions, name: str) -> str:
    found = question(asked, name)
    return found.label if found is not None else name.replace("_", " ").capitalize()


def _notes() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="sent once more after signing in")
