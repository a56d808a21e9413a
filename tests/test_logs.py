"""What is logged: lines that can be read by machines, with the request they belong to and without secrets."""
import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from app import logs
from app.logs import HIDDEN, clean, redact

SECRETS = ("br_0123abcd_" + "x" * 43, "sk_live_" + "a" * 24, "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
           "shpat_0123456789abcdef", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl")


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("place", ["{}", "before {} after", "https://example.com/?x={}&y=1", '{{"a": "{}"}}'])
def test_what_looks_like_a_secret_is_covered_wherever_it_stands(secret, place):
    said = clean(place.format(secret))
    assert secret not in said
    assert HIDDEN in said


@pytest.mark.parametrize(("text", "left"), [
    ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer [hidden]"),
    ("postgresql://backroom:pa55@db/backroom", "postgresql://backroom:[hidden]@db/backroom"),
    ("redis://:pa55@cache:6379/0", "redis://:[hidden]@cache:6379/0"),
    ("POST /hooks/stripe/9f8e7d6c5b4a HTTP/1.1", "POST /hooks/stripe/[hidden] HTTP/1.1"),
    ("POST /hooks/shippo/9f8e7d6c5b4a?key=tell-nobody HTTP/1.1", "POST /hooks/shippo/[hidden] HTTP/1.1"),
    ("GET /welcome/9f8e7d6c5b4a3210 HTTP/1.1", "GET /welcome/[hidden] HTTP/1.1"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", HIDDEN)])
def test_only_the_secret_part_is_covered(text, left):
    assert clean(text) == left


@pytest.mark.parametrize("text", ["order 10482 is shipped", "https://example.com:8080/path", "12:30:45", "a@b.example", "ask_test_1234567890",
                                  "/hooks/stripe", "token is missing"])
def test_ordinary_words_stay(text):
    assert clean(text) == text


@pytest.mark.parametrize("name", ["password", "new_password", "secret", "SECRET_KEY", "api_key", "apiKey", "Authorization", "Cookie",
                                  "access_token", "Stripe-Signature", "csrf_token", "private_key", "client_secret"])
def test_what_is_called_like_a_secret_is_covered_at_any_depth(name):
    event = {"event": "x", name: "plain", "headers": {name: ["plain"]}, "many": [{"deep": ({name: "plain"},)}]}
    assert "plain" not in json.dumps(redact(None, "info", event))


@pytest.mark.parametrize("name", ["lease_token", "event", "status", "key", "order"])
def test_other_names_are_left_alone(name):
    assert redact(None, "info", {name: "value"}) == {name: "value"}


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text() | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_anything_can_be_cleaned(value):
    clean(value)


def test_what_never_ends_is_cut():
    loop: dict[str, object] = {}
    loop["again"] = loop
    assert "…" in repr(clean(loop))


def test_a_line_is_json_with_the_request_it_belongs_to_and_its_error(capsys, caplog):
    logs.init("INFO")
    with structlog.contextvars.bound_contextvars(request_id="7f3a-91c0-4be2-0000"):
        structlog.get_logger("app.tests").info("something.happened", order=7, password="pa55")
        try:
            raise ValueError(f"with {SECRETS[1]}")
        except ValueError:
            logging.getLogger("werkzeug").exception("a library %s", "complains")
    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert ours | {"timestamp": ""} == {"event": "something.happened", "order": 7, "password": HIDDEN, "level": "info", "logger": "app.tests",
                                        "request_id": "7f3a-91c0-4be2-0000", "timestamp": ""}
    assert theirs["event"] == "a library complains"
    assert theirs["request_id"] == "7f3a-91c0-4be2-0000"
    assert "ValueError" in theirs["exception"]
    assert SECRETS[1] not in theirs["exception"]
    assert "pa55" not in caplog.text, "other handlers get no secrets either"
    logs.init("WARNING")


@pytest.mark.parametrize(("level", "said"), [("INFO", False), ("DEBUG", True)])
def test_a_form_that_is_too_old_is_no_matter_for_whoever_runs_it(capsys, level, said):
    logs.init(level)
    logging.getLogger("flask_wtf.csrf").info("The CSRF token is missing.")
    logs.init("WARNING")
    assert ("CSRF" in capsys.readouterr().err) == said


def test_what_is_below_the_level_is_not_said(capsys):
    logs.init("WARNING")
    structlog.get_logger("app.tests").info("too.quiet")
    assert "too.quiet" not in capsys.readouterr().err


def test_starting_twice_says_everything_once(capsys):
    for _ in range(3):
        logs.init("WARNING")
    structlog.get_logger("app.tests").warning("once")
    assert capsys.readouterr().err.count("once") == 1
