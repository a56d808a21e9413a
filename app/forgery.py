"""Unsafe requests come from pages of ours and carry their token; a stranger's is refused before its body is read."""
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError

from app.access import NOBODY, current_actor
from app.config import config
from app.errors import BadRequest, Forbidden, Unauthorised
from app.extensions import csrf

SAFE = ("GET", "HEAD", "OPTIONS")
WITHOUT_TOKEN = ("/hooks/", "/api/")   # a signature or a bearer token proves who sends; cookies count for nothing there
TYPED_AGAIN = ("password", "secret")   # never written into a page


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
        return None if getattr(view, "shows_again", False) else _sent_too_late(own)
    return None


def comes_from_us() -> bool | None:
    """Whether the browser says that a page of ours sends this; None when it says nothing (Fetch Metadata, RFC 6454 Origin)."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site not in ("same-origin", "none"):
        return False
    if origin is not None:
        return origin.lower() in {request.host_url.rstrip("/").lower(), (config().public_url or "").lower()}
    return True if site == "same-origin" else None


def _sent_signed_out(own: bool | None, view: Any) -> Response:
    if own is not True or getattr(view, "takes_files", False):
        raise Unauthorised("You were signed out in the meantime; what you sent was not saved. Sign in and do it again.")
    return _again(401, signed_out=True)


def _sent_too_late(own: bool | None) -> Response:
    if own is not True:
        raise BadRequest("Its form is too old or incomplete, so nothing was saved. Go back, load the page again and repeat what "
                         "you did.", title="This page was open for too long")
    return _again(400, signed_out=False)


def _again(status: int, *, signed_out: bool) -> Response:
    """A page that shows what was typed, to be sent once more by a press; files and passwords have to be given again."""
    typed = [(name, value) for name, values in request.form.lists() for value in values if name != "csrf_token"]
    secret = {name for name, _ in typed if any(word in name.lower() for word in TYPED_AGAIN)}
    page = render_template("errors/again.html", typed=[pair for pair in typed if pair[0] not in secret], secret=sorted(secret),
                           files=bool(request.files), signed_out=signed_out, request_id=g.request_id, wide=True)
    return make_response(page, status)
