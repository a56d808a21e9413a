"""What holds for every request: its number, the host it may name, the size it may have, the headers its answer carries."""
import re
import secrets
from typing import Any
from urllib.parse import unquote_to_bytes

import structlog
from flask import Flask, Response, current_app, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars
from werkzeug.middleware.proxy_fix import ProxyFix

from app import logs, web_errors
from app.config import LOOPBACK, Config, config
from app.errors import BadRequest

log = structlog.get_logger()
PROBES = ("/healthz", "/readyz", "/metrics")   # asked by address, of whichever machine: their host is not checked
HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?", re.I | re.A)
ROOM_FOR_FORM = 64 * 1024             # what a form with a file adds to the file, in bytes
YEAR = 365 * 86_400
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
          "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}


def flask_settings(config: Config) -> dict[str, Any]:
    """The Flask configuration that follows from ours."""
    return {
        "SECRET_KEY": config.secret_keys[0],
        "SECRET_KEY_FALLBACKS": list(config.secret_keys[1:]),
        "SQLALCHEMY_DATABASE_URI": config.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {"pool_size": 16},   # a thread finds its connection open: opening one costs more than a save
        "MAX_CONTENT_LENGTH": config.max_body_bytes,
        "MAX_FORM_MEMORY_SIZE": config.max_body_bytes,
        "MAX_FORM_PARTS": 1_000,
        "SESSION_COOKIE_NAME": "__Host-backroom" if config.https else "backroom",
        "SESSION_COOKIE_SECURE": config.https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_PATH": "/",
        "PERMANENT_SESSION_LIFETIME": 14 * 86_400,   # of the cookie; the row decides earlier
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PREFERRED_URL_SCHEME": "https" if config.https else "http",
        "WTF_CSRF_CHECK_DEFAULT": False,             # forgery.py asks, in its place among the other questions
        "WTF_CSRF_TIME_LIMIT": None,
        "WTF_CSRF_SSL_STRICT": False,                # Sec-Fetch-Site and Origin say more than Referer
        "BOOTSTRAP_SERVE_LOCAL": True,
        "RATELIMIT_STORAGE_URI": config.limits_storage,
        "RATELIMIT_STORAGE_OPTIONS": {"socket_connect_timeout": 0.2, "socket_timeout": 0.2},
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
    }


def init_app(app: Flask) -> None:
    """First in, last out: called before anything else asks about a request."""
    settings: Config = app.extensions["backroom.config"]
    logs.init(settings.log_level)
    if settings.proxy_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.proxy_hops, x_proto=settings.proxy_hops, x_host=0,  # type: ignore[method-assign]
                                x_port=0, x_prefix=0)
    app.before_request(number)
    app.before_request(check_host)
    app.before_request(check_query)
    app.before_request(allow_size)
    app.after_request(add_headers)
    web_errors.init_app(app)


def number() -> None:
    """Give the request a number of ours, never one sent along: people quote it, logs and the trail carry it."""
    raw = secrets.token_hex(8)
    g.request_id = "-".join(raw[at:at + 4] for at in range(0, 16, 4))
    clear_contextvars()
    bind_contextvars(request_id=g.request_id)


def check_host() -> None:
    """Raise BadRequest for a host that is not ours; links we write must never point to somebody else's."""
    if request.path in PROBES or is_own_host(request.environ.get("HTTP_HOST") or request.host, config()):
        return
    raise BadRequest("This address is not one Backroom answers to. Open it by its own address; whoever runs it can add others: "
                     "PUBLIC_URL and ALLOWED_HOSTS.", title="Wrong address")


def check_query() -> None:
    """Raise BadRequest for parameters that are not UTF-8: whatever they were to find would silently not be found."""
    try:
        unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError:
        raise BadRequest("What stands after the ? in the address is not UTF-8. Write every character that is not plain ASCII as "
                         "its UTF-8 bytes: é is %C3%A9.") from None


def is_loopback(host: str) -> bool:
    """Whether `host` (with or without a port) is a name of this machine itself."""
    found = HOST.fullmatch(host)
    return found is not None and found[1].lower() in LOOPBACK


def is_own_host(host: str, config: Config) -> bool:
    """Whether we serve `host` (with or without a port). Without https only this machine: cookies would travel in clear."""
    found = HOST.fullmatch(host)
    if found is None:
        return False
    name = found[1].lower()
    served = config.allowed_hosts if config.https else LOOPBACK
    return any(name == one.lower() or (one.startswith(".") and name.endswith(one.lower())) for one in served)


def allow_size() -> None:
    """A page that takes files (`@takes_files`) may be sent as much as an upload, all others a form's worth."""
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "takes_files", False):
        request.max_content_length = config().max_upload_bytes + ROOM_FOR_FORM


def add_headers(response: Response) -> Response:
    """Strict headers on every answer; what a person sees signed in is kept by no cache."""
    own = {name.lower() for name, _ in response.headers}
    response.headers.extend({name: value for name, value in HEADERS.items() if name.lower() not in own})
    if "request_id" in g:
        response.headers["X-Request-Id"] = g.request_id
    if config().https:
        response.headers["Strict-Transport-Security"] = f"max-age={YEAR}"
    if not is_static(request.endpoint):
        response.headers.setdefault("Cache-Control", "no-store")
    elif "v" in request.args and response.status_code == 200:
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    return response


def is_static(endpoint: str | None) -> bool:
    return endpoint is not None and (endpoint == "static" or endpoint.endswith(".static"))


