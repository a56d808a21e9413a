"""What goes wrong is said: to a person on a page, to a program as problem+json, to both without our inside."""
from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

from app import create_app
from app.config import Config
from app.errors import Problem
from tests.client import Client
from tests.served import raising, served

pytestmark = pytest.mark.alike


@pytest.fixture(scope="module")
def other(settings: Config, made: Flask) -> Iterator[Flask]:
    """An application of its own with those pages, served as on a laptop."""
    yield from served(create_app(replace(settings, max_body_bytes=100_000, max_upload_bytes=300_000)))


@pytest.fixture
def browser(other: Flask, app: Flask) -> Client:
    return other.test_client()  # type: ignore[return-value]


def test_an_unexpected_error_is_logged_with_its_number_and_shown_without_its_inside(browser, caplog):
    answer = browser.get("/tests/fault")
    assert answer.status_code == 500
    assert "This page could not be built" in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    assert "ZeroDivision" not in answer.text
    assert "a secret of the inside" not in answer.text
    assert any(record.exc_info and record.exc_info[0] is ZeroDivisionError for record in caplog.records)


def test_a_program_gets_problem_json(browser):
    answer = browser.get("/api/v1/tests/conflict")
    assert (answer.status_code, answer.mimetype) == (409, "application/problem+json")
    assert answer.json == {"type": "about:blank", "title": "Somebody was faster", "status": 409, "detail": "Look again.",
                           "errors": [{"parameter": "name", "detail": "It is Bob now."}], "request_id": answer.headers["X-Request-Id"]}
    assert browser.get("/api/v1/tests/fault").json["title"] == "This page could not be built"
    assert browser.get("/hooks/tests/conflict").mimetype == "application/problem+json"


def test_a_person_gets_a_page_that_says_what_happened_and_what_to_do(browser):
    answer = browser.get("/tests/conflict")
    assert answer.status_code == 409
    for words in ("Somebody was faster", "Look again.", "It is Bob now.", answer.headers["X-Request-Id"], "/tests/conflict"):
        assert words in answer.text


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_when_it_is_worth_trying_again_is_said(browser, prefix):
    answer = browser.get(f"{prefix}/tests/wait")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 90


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_a_database_that_is_away_is_a_503_and_worth_trying_again(browser, prefix):
    answer = browser.get(f"{prefix}/tests/database")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    assert "gone" not in answer.text
    assert "Retry-After" in answer.headers


def test_a_wrong_method_says_which_are_right(browser):
    answer = browser.get("/logout")
    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


def test_an_error_page_that_fails_itself_is_still_an_answer(other, browser, monkeypatch):
    monkeypatch.setitem(other.jinja_env.globals, "asset", None)
    answer = browser.get("/tests/fault")
    assert answer.status_code == 500
    assert answer.mimetype == "text/plain"
    assert answer.headers["X-Request-Id"] in answer.text


def test_addresses_in_an_error_page_are_text(browser):
    assert "<script>alert" not in browser.get("/<script>alert(1)</script>").text
    assert "<script>alert" not in browser.get("/nothing?x=<script>alert(1)</script>").text


@pytest.mark.parametrize("path", ["/%00", "/%ff%fe", "/settings/sessions/99999999999999999999999999/end", "/..%2f..%2fetc/passwd",
                                  "/static/..%2f..%2fapp/config.py", "/static/%00", "/" + "a" * 5_000, "/login?next=%00", "/login?next=%ff"])
def test_no_address_crashes_a_page(sign_in, path):
    assert sign_in("admin").get(path).status_code < 500


def test_a_page_opened_by_a_script_is_refused_not_led_to_the_form(browser):
    assert browser.get("/settings", headers={"Sec-Fetch-Dest": "empty"}).status_code == 401
    assert browser.get("/settings", headers={"Sec-Fetch-Dest": "document"}).status_code == 303


def test_a_problem_is_a_page_whatever_its_kind(browser, other):
    for status in (400, 403, 404, 409, 412, 422, 428, 503):
        problem = Problem("What to do.", title=f"Kind {status}")
        problem.status = status
        other.view_functions["fault"] = raising(problem)
        answer = browser.get("/tests/fault")
        assert (answer.status_code, f"Kind {status}" in answer.text, "What to do." in answer.text) == (status, True, True)
    other.view_functions["fault"] = raising(ZeroDivisionError("a secret of the inside"))
