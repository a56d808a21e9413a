"""The short way in: what is kept is answered at once; whatever else comes is answered as everywhere."""
import io
import json

import pytest
from flask import request
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from app.webhooks import door, receive
from tests.webhooks.conftest import STRIPE_SECRET, event, events, receipts, signed


@pytest.fixture
def asked(app):
    """The addresses of all requests that went the long way."""
    found = []

    def note():
        found.append(request.path)
    app.before_request_funcs.setdefault(None, []).insert(0, note)
    yield found
    app.before_request_funcs[None].remove(note)


@pytest.fixture
def knock_at(app, endpoint):
    """A post with whatever is odd about it: `knock_at(body, QUERY_STRING="x=1")`."""
    path = endpoint().path

    def post(body=None, secret=STRIPE_SECRET, **environ):
        body = body or json.dumps(event("payment_succeeded")).encode()
        return app.test_client().post(path, data=body, headers=signed("stripe", body, secret), environ_overrides=environ)
    return post


def test_what_is_kept_is_asked_nothing_that_pages_ask(knock_at, asked):
    answer = knock_at()

    assert (answer.status_code, asked, len(events())) == (200, [], 1)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"]
    assert "Set-Cookie" not in answer.headers


@pytest.mark.alike
@pytest.mark.parametrize("more", [
    {}, {"HTTP_HOST": "localhost"}, {"HTTP_HOST": "localhost:80"}, {"HTTP_HOST": "[::1]:8000"}, {"SCRIPT_NAME": "/shop"},
    {"HTTP_STRIPE_SIGNATURE": "t=1,v1=a", "HTTP_X_ODD__NAME": "é", "CONTENT_TYPE": "text/plain"}, {"CONTENT_TYPE": ""}, {"REMOTE_ADDR": "::1"}])
def test_a_provider_is_shown_the_post_as_any_request_would_be(app, more):
    environ = {**EnvironBuilder("/hooks/stripe/to-ken_1", method="POST", data=b"{}").get_environ(), **more}
    request = Request(environ)

    receipt = door._receipt(environ, b"{}")

    assert (receipt.url, dict(receipt.headers), receipt.remote_ip) == (request.url, dict(request.headers), request.remote_addr)


def test_a_refusal_is_decided_once_and_said_as_all_errors_are(knock_at, asked):
    answer = knock_at(secret="whsec_of_somebody_else")

    assert (answer.status_code, len(asked), events()) == (400, 1, [])
    assert answer.mimetype == "application/problem+json"
    assert [(each.verdict, each.more) for each in receipts()] == [("rejected", 0)]


@pytest.mark.parametrize(("odd", "status"), [
    ({"HTTP_HOST": "evil.example"}, 400), ({"QUERY_STRING": "a=1"}, 200), ({"QUERY_STRING": "a=%FF"}, 400), ({"CONTENT_LENGTH": "9999"}, 400),
    ({"CONTENT_LENGTH": "9" * 12}, 413), ({"CONTENT_LENGTH": "²"}, 400), ({"PATH_INFO": "/hooks/stripe/nobody"}, 404),
    ({"PATH_INFO": "/hooks/stripe/"}, 404), ({"PATH_INFO": "/hooks//x"}, 404)])
def test_what_is_odd_goes_the_long_way(knock_at, asked, odd, status):
    assert knock_at(**odd).status_code == status
    assert len(asked) == 1
    assert len(events()) == (status == 200)


def test_a_sender_that_hangs_up_in_the_middle_is_refused(knock_at):
    class Gone(io.BytesIO):
        def read(self, *_):
            raise OSError("gone")

    assert knock_at(**{"wsgi.input": Gone()}).status_code == 400
    assert events() == []


def test_a_fault_of_ours_is_a_fault_and_nothing_is_kept(knock_at, app, monkeypatch):
    monkeypatch.setattr(receive, "Arrival", lambda *_: 1 / 0)
    monkeypatch.setattr(app, "testing", False)

    assert knock_at().status_code == 500
    assert events() == []
