"""The short way in: a post that is kept is answered before anything is set up that only pages need (cookies, forms, limits).

Whatever is out of the ordinary goes the long way, through receive_views.py: other methods, chunked bodies, parameters, unknown
addresses; and every refusal, which is decided here and said there, as all errors are.
"""
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from io import BytesIO
from typing import Any

from flask import Flask, g
from werkzeug.sansio.utils import get_host

from app.config import config
from app.errors import Problem
from app.integrations.provider import Answer, Receipt
from app.protection import HEADERS, YEAR, is_own_host, number
from app.webhooks import live
from app.webhooks.receive import receive

REFUSED = "backroom.refused"      # in the environ: why this post was refused; nobody judges it twice
PLAIN = [*HEADERS.items(), ("Cache-Control", "no-store")]
Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def init_app(app: Flask) -> None:
    """Behind the proxy's headers and before everything else: called first by create_app()."""
    app.wsgi_app = Door(app, app.wsgi_app)  # type: ignore[method-assign]


class Door:
    """Stands before the application."""

    def __init__(self, app: Flask, inside: Wsgi) -> None:
        self.app, self.inside = app, inside

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if is_ordinary(environ):
            with self.app.app_context():
                answer = self._answered(environ)
                if answer is not None:
                    body = answer.body.encode()
                    start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", _headers(answer, len(body)))
                    return [body]
        return self.inside(environ, start_response)

    def _answered(self, environ: Environ) -> Answer | None:
        """What to say to a post that was taken in; None: it goes the long way."""
        _, _, provider, token = environ["PATH_INFO"].split("/")
        number()
        if not is_own_host(environ.get("HTTP_HOST", ""), config()):
            return None
        try:
            largest = live.by_token(provider, token).max_bytes
        except Problem:
            return None
        body = _read(environ, largest)
        if body is None:
            return None
        try:
            return receive(provider, token, _receipt(environ, body))
        except Exception as refused:     # the edge: it is raised again where errors are answered
            environ[REFUSED] = refused
            return None


def is_ordinary(environ: Environ) -> bool:
    """A post of known length, to two words below /hooks/, and nothing in the address beside them."""
    path = environ["PATH_INFO"]
    return bool(path.startswith("/hooks/") and environ["REQUEST_METHOD"] == "POST" and path.count("/") == 3 and path.isascii()
                and not environ.get("QUERY_STRING") and "HTTP_TRANSFER_ENCODING" not in environ
                and environ.get("CONTENT_LENGTH", "").isdecimal())


def _read(environ: Environ, largest: int) -> bytes | None:
    """The body, still there for whoever reads it after us; None if it is too large, or not whole."""
    length = int(environ["CONTENT_LENGTH"])
    if length > largest:
        return None
    try:
        body: bytes = environ["wsgi.input"].read(length)
    except OSError:      # the sender hung up
        body = b""
    environ["wsgi.input"] = BytesIO(body)
    return body if len(body) == length else None


def _receipt(environ: Environ, body: bytes) -> Receipt:
    """The same as Request makes of it, at a fifth of the cost: the address is known to be plain, so nothing is to be quoted."""
    scheme = environ["wsgi.url_scheme"]
    url = f"{scheme}://{get_host(scheme, environ['HTTP_HOST'])}{environ.get('SCRIPT_NAME', '')}{environ['PATH_INFO']}"
    headers = {name[5:].replace("_", "-").title(): value for name, value in environ.items() if name.startswith("HTTP_")}
    headers |= {name.replace("_", "-").title(): environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)}
    return Receipt("POST", url, headers, body, environ.get("REMOTE_ADDR"), datetime.now(UTC))


def _headers(answer: Answer, length: int) -> list[tuple[str, str]]:
    found = [("Content-Type", answer.content_type), ("Content-Length", str(length)), *PLAIN, ("X-Request-Id", g.request_id)]
    return [*found, ("Strict-Transport-Security", f"max-age={YEAR}")] if config().https else found
