"""Addresses: numbers in them are the digits 0 to 9, and one with a slash too many leads to the page that was meant."""
from flask import Flask, current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import IntegerConverter, RequestRedirect


class Number(IntegerConverter):
    """`<int:id>`, in ASCII digits: what looks like another number to one reader is no address of ours."""

    regex = "[0-9]+"


def init_app(app: Flask) -> None:
    """Read numbers in routes by our rule; before any route is made."""
    app.url_map.converters["int"] = Number


def meant() -> str | None:
    """The page of ours that is asked for with a slash too many at its end, None if there is none. Programs write it right."""
    adapter = current_app.create_url_adapter(request)
    if request.method not in ("GET", "HEAD") or request.path.startswith("/api/v") or adapter is None:
        return None
    path = request.path.rstrip("/")
    if path == request.path:
        return None
    try:
        endpoint, values = adapter.match(path)
    except (HTTPException, RequestRedirect):
        return None
    asked = request.query_string.decode("ascii", "ignore")
    return adapter.build(endpoint, values) + (f"?{asked}" if asked else "")
