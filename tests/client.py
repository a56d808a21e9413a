"""Browsers for tests: every request in a context of its own, as in life; one kind carries the form token by itself."""
import re
from typing import Any

from flask import Flask, current_app, has_app_context
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from app.extensions import db

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
SAFE = ("GET", "HEAD", "OPTIONS")


class Client(FlaskClient):
    """A browser. Nothing of one request, or of the test around it, is left in `g` for the next."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        self._end_reading()
        kwargs.setdefault("buffered", True)
        try:
            with self.application.app_context():
                return super().open(*args, **kwargs)
        finally:
            self._end_reading()

    def _end_reading(self) -> None:
        """What the test read so far must not hide what the request writes."""
        if has_app_context() and current_app._get_current_object() is self.application:  # type: ignore[attr-defined]
            db.session.rollback()


class SignedInClient(Client):
    """A browser in which somebody is signed in. Unsafe requests carry the form token, unless `with_token` is switched off."""

    user_id: int
    with_token = True

    @classmethod
    def entered(cls, app: Flask, user_id: int, secret: str) -> "SignedInClient":
        client = cls(app, app.response_class, use_cookies=True)
        client.user_id = user_id
        with client.session_transaction() as cookie:
            cookie["_user_id"] = secret
            cookie["csrf_token"] = "0" * 40
        return client

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if self.with_token and kwargs.get("method", "GET").upper() not in SAFE:
            kwargs["headers"] = {"X-CSRFToken": self.form_token(), **dict(kwargs.get("headers") or {})}
        return super().open(*args, **kwargs)

    def form_token(self) -> str:
        """What a form of ours would carry in `csrf_token`."""
        with self.session_transaction() as cookie:
            raw = cookie["csrf_token"]
        key = self.application.secret_key
        assert isinstance(key, str)
        return str(URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps(raw))


def form_token(page: TestResponse) -> str:
    """The token of the first form on a page."""
    found = TOKEN.search(page.text)
    assert found, "there is no form on this page"
    return found[1]
