"""An application with a few pages that do what pages must not, served by itself."""
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from flask import Flask, request
from sqlalchemy.exc import OperationalError

from app.access import public, takes_files
from app.errors import Conflict, TooManyRequests
from app.extensions import db
from tests.client import Client


def served(app: Flask) -> Iterator[Flask]:
    yield with_views(app)
    with app.app_context():
        db.engine.dispose()


def with_views(app: Flask) -> Flask:
    """The application and a few pages that do what pages must not."""
    app.testing = False
    app.test_client_class = Client
    for prefix in ("", "/api/v1", "/hooks"):
        app.add_url_rule(f"{prefix}/tests/fault", f"fault{prefix}", raising(ZeroDivisionError("a secret of the inside")))
        app.add_url_rule(f"{prefix}/tests/conflict", f"conflict{prefix}", raising(
            Conflict("Look again.", title="Somebody was faster", errors={"name": "It is Bob now."})))
        app.add_url_rule(f"{prefix}/tests/wait", f"wait{prefix}", raising(
            TooManyRequests("Wait.", retry=datetime.now(UTC) + timedelta(seconds=90))))
        app.add_url_rule(f"{prefix}/tests/database", f"database{prefix}", raising(OperationalError("SELECT 1", {}, Exception("gone"))))
    app.add_url_rule("/tests/size", "size", public("tests")(lambda: str(len(request.get_data()))), methods=["PUT"])
    app.add_url_rule("/tests/form", "form", public("tests")(lambda: str(len(request.form))), methods=["POST"])
    app.add_url_rule("/tests/upload", "upload", takes_files(public("tests")(lambda: str(request.files["f"].seek(0, 2)))), methods=["POST"])
    app.add_url_rule("/tests/who", "who", public("tests")(lambda: f"{request.remote_addr} {request.scheme} {request.host}"))
    if "/healthz" not in {rule.rule for rule in app.url_map.iter_rules()}:
        app.add_url_rule("/healthz", "health", public("tests")(lambda: "ok"))
    return app


def raising(error: Exception) -> Callable[..., str]:
    @public("tests")
    def view(**_: object) -> str:
        raise error
    return view
