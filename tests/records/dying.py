"""The application as a server that dies when it is told to, in the midst of a request: by SIGKILL, as a machine would end it."""
import os
import signal
from typing import Any

from flask import Flask, Response, has_request_context, request
from sqlalchemy import event
from sqlalchemy.orm import Session

from app import create_app

HEADER = "X-Die"
"""When: "before commit", or "before answer"."""


def make() -> Flask:
    """For gunicorn: tests.records.dying:make()."""
    app = create_app()
    event.listen(Session, "before_commit", lambda _session: _die("before commit"))

    @app.after_request
    def _answer(response: Response) -> Any:
        _die("before answer")
        return response
    return app


def _die(when: str) -> None:
    if has_request_context() and request.headers.get(HEADER) == when:
        os.kill(os.getpid(), signal.SIGKILL)
