"""Unsafe requests: only from pages of ours, with their token; and what happens to whatever was typed when the token is old."""
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from io import BytesIO

import pytest
from flask import Flask, request
from flask_wtf import FlaskForm
from werkzeug.test import TestResponse
from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from app import create_app
from app.access import public, requires, shows_again, takes_files
from app.accounts import passwords
from app.config import Config
from app.extensions import db
from app.forgery import comes_from_us
from app.typed import asks
from tests.client import Client, SignedInClient, form_token

pytestmark = pytest.mark.alike
OURS = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
PASSWORD = "correct horse battery staple"
done: list[str] = []


class Note(FlaskForm):  # type: ignore[misc]
    note = StringField("Your note")
    kind = SelectField("Kind of note", choices=[SelectChoice("a", "Apology")], validate_choice=False)
    is_loud = BooleanField("Loud")
    old = PasswordField("Password now")


@public("tests")
def write() -> str:
    done.append(request.form.get("note", ""))
    return "written"


@requires("tests.edit")
@asks(Note)
def write_signed_in() -> str:
    return write()


@public("tests")
@shows_again
def write_by_form() -> str:
    form = Note()
    return write() if form.validate_on_submit() else f"again: {form.note.data}"


@pytest.fixture(scope="module")
def other(settings: Config, made: Flask) -> Iterator[Flask]:
    app = create_app(replace(settings))
    app.testing, app.test_client_class = True, Client
    for path, view in (("/tests/write", write), ("/tests/signed-in", write_signed_in), ("/tests/form", write_by_form),
                       ("/hooks/tests/write", write), ("/api/v1/tests/write", write)):
        app.add_url_rule(path, path, view, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    app.add_url_rule("/tests/upload", "tests_upload", takes_files(requires("tests.edit")(write)), methods=["POST"])
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def browser(other: Flask, app: Flask) -> Client:
    done.clear()
    client = other.test_client()
    client.get("/login")
    return client  # type: ignore[return-value]


@pytest.fixture
def person(other: Flask, sign_in) -> SignedInClient:
    """Somebody signed in to that application, whose browser sends no token by itself."""
    done.clear()
    known = sign_in("operator")
    with known.session_transaction() as cookie:
        secret = cookie["_user_id"]
    client = SignedInClient.entered(other, known.user_id, secret)
    client.with_token = False
    return client


def token_of(client: Client) -> str:
    return form_token(client.get("/login"))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("token", ["", "wrong", "IjAi.x.y"])
def test_nothing_is_done_without_the_right_token(browser, method, token):
    answer = browser.open("/tests/write", method=method, data={"note": "n", "csrf_token": token})
    assert answer.status_code == 400
    assert not done


def test_the_token_of_another_browser_is_worth_nothing(browser, other):
    stolen = token_of(other.test_client())
    assert browser.post("/tests/write", data={"csrf_token": stolen}, headers=OURS).status_code == 400
    assert not done


def test_with_the_token_it_is_done(browser):
    assert browser.post("/tests/write", data={"note": "n", "csrf_token": token_of(browser)}).text == "written"
    assert browser.post("/tests/write", data={"note": "m"}, headers={"X-CSRFToken": token_of(browser)}).text == "written"
    assert done == ["n", "m"]


@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
    {"Origin": "http://localhost:81"}, {"Origin": "https://localhost"}, {"Origin": "http://localhost.evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, {"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}])
def test_a_page_of_another_site_does_nothing_even_with_the_token(browser, headers):
    answer = browser.post("/tests/write", data={"note": "n", "csrf_token": token_of(browser)}, headers=headers)
    assert answer.status_code == 403
    assert "did not come from Backroom" in answer.text
    assert not done


def test_behind_a_proxy_that_hides_https_the_public_address_counts_as_ours(settings, app):
    proxied = create_app(replace(settings, public_url="https://backroom.example.com", allowed_hosts=("backroom.example.com",)))
    with proxied.test_request_context("/tests", base_url="http://backroom.example.com", headers={"Origin": "https://backroom.example.com"}):

        assert comes_from_us() is True


def test_what_was_typed_can_be_sent_again_from_the_answer(browser):
    answer = browser.post("/tests/write?x=1", data={"note": "a long <b>story", "tag": ["a", "b"], "csrf_token": "old"}, headers=OURS)
    assert answer.status_code == 400
    assert "open for too long" in answer.text
    assert 'action="/tests/write?x=1"' in answer.text
    assert "a long &lt;b&gt;story" in answer.text
    assert not done

    fields = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text)
    assert [pair for pair in fields if pair[0] == "tag"] == [("tag", "a"), ("tag", "b")]
    again = browser.post("/tests/write?x=1", data={"note": "a long <b>story", "csrf_token": form_token(answer)}, headers=OURS)
    assert again.text == "written"
    assert done == ["a long <b>story"]


def test_passwords_are_asked_for_anew_and_never_written_into_the_page(browser):
    answer = browser.post("/tests/write", data={"old_password": "hunter2hunter2", "csrf_token": "old"}, headers=OURS)
    assert "hunter2" not in answer.text
    assert 'type="password"' in answer.text
    assert 'name="old_password"' in answer.text


def test_files_have_to_be_chosen_again(browser):
    answer = browser.post("/tests/write", data={"f": (BytesIO(b"x"), "a.csv"), "csrf_token": "old"}, headers=OURS)
    assert "Files have to be chosen again" in answer.text


def test_a_browser_that_does_not_say_where_it_comes_from_gets_no_page_that_sends_again(browser):
    answer = browser.post("/tests/write", data={"note": "planted", "csrf_token": "old"})
    assert answer.status_code == 400
    assert "planted" not in answer.text
    assert "load the page again" in answer.text


def test_a_view_that_shows_its_form_again_does_so_and_writes_nothing(browser):
    assert browser.post("/tests/form", data={"note": "typed", "csrf_token": "old"}).text == "again: typed"
    assert not done
    assert browser.post("/tests/form", data={"note": "typed", "csrf_token": token_of(browser)}).text == "written"


def test_whoever_was_signed_out_meanwhile_loses_nothing_they_typed(browser):
    answer = browser.post("/tests/signed-in", data={"note": "typed for an hour", "csrf_token": "old"}, headers=OURS)
    assert answer.status_code == 401
    assert "You were signed out in the meantime" in answer.text
    assert "typed for an hour" in answer.text
    assert not done


NOTED = re.compile(r'name="sent_again" value="([^"]+)"')


@pytest.fixture
def signed_out(browser, user) -> TestResponse:
    """What somebody who was signed out is answered when they press Save; then they sign in in another tab."""
    user("operator", password_hash=passwords.keep(PASSWORD))
    answer = browser.post("/tests/signed-in", data={"note": "typed for an hour", "csrf_token": "old"}, headers=OURS)
    browser.post("/login", data={"csrf_token": token_of(browser), "email": "operator@example.com", "password": PASSWORD}, headers=OURS)
    return answer  # type: ignore[no-any-return]


def pressed(client: Client, answer: TestResponse, path: str = "/tests/signed-in", **headers: str) -> TestResponse:
    """Press "Send it again" on that page."""
    carried = {"csrf_token": form_token(answer), "sent_again": NOTED.findall(answer.text)[0], "note": "typed for an hour"}
    return client.post(path, data=carried, headers=headers)


def test_whoever_signs_in_again_in_another_tab_sends_it_by_the_first_press(browser, signed_out):
    assert pressed(browser, signed_out, **OURS).text == "written"
    assert done == ["typed for an hour"]


def test_that_page_of_before_signing_in_is_good_for_its_own_address_only(browser, signed_out):
    assert pressed(browser, signed_out, "/tests/write", **OURS).status_code == 400
    assert not done


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_that_page_is_worth_nothing_where_the_browser_does_not_say_that_it_is_ours(browser, signed_out, headers):
    assert pressed(browser, signed_out, **headers).status_code in (400, 403)
    assert not done


def test_that_page_is_worth_nothing_in_another_browser(signed_out, person):
    assert pressed(person, signed_out, **OURS).status_code == 400
    assert not done


def test_without_its_note_the_token_of_before_signing_in_is_worth_nothing(browser, signed_out):
    for note in ("", "made.up", form_token(signed_out)):
        data = {"csrf_token": form_token(signed_out), "sent_again": note, "note": "n"}
        assert browser.post("/tests/signed-in", data=data, headers=OURS).status_code == 400
    assert not done


def test_what_was_typed_is_shown_with_its_labels_and_what_the_page_carries_along_is_not(browser):
    typed = {"note": "typed for an hour", "kind": "a", "is_loud": "y", "old": "hunter2hunter2", "version": "7", "csrf_token": "old"}
    answer = browser.post("/tests/signed-in", data=typed, headers=OURS)
    shown = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", answer.text)
    assert shown == [("Your note", "typed for an hour"), ("Kind of note", "Apology"), ("Loud", "Yes")]
    assert 'type="hidden" name="version" value="7"' in answer.text
    assert "hunter2" not in answer.text
    assert re.search(r'>Password now</label><input[^>]* type="password"[^>]* name="old"', answer.text)


def test_a_record_is_shown_with_the_labels_of_its_form(client):
    typed = {"number": "ORD-1", "status": "placed", "lines-1-quantity": "3", "placed_at": "2026-08-27T06:43", "note": "", "version": "3",
             "once": "x" * 20, "back": "/orders"}
    answer = client.post("/orders/1", data=typed, headers=OURS)
    shown = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", answer.text)
    assert answer.status_code == 401
    assert shown == [("Order number", "ORD-1"), ("Status", "Placed"), ("Lines 2: Quantity", "3"), ("Placed", "2026-08-27 06:43")]


@pytest.mark.parametrize(("path", "typed", "shown"), [
    ("/exports", {"resource": "orders", "query": "status=shipped", "format": "xlsx", "columns": ["number", "placed_at"]},
     [("Which records", "Orders"), ("Filters", "status=shipped"), ("Kind of file", "Excel (XLSX)"), ("Column", "Order number"), ("Column", "Placed")]),
    ("/imports/1/columns", {"mode": "upsert", "key": "number", "blank": "clear", "decimal": ",", "day_first": "day", "field-0": "number",
                            "field-1": "", "field-11": "placed_at"},
     [("Rows in the file", "Create or update"), ("Same record if equal in", "Order number"), ("A blank cell", "Clears it"),
      ("Numbers are written", "1.234,50"), ("31 May is written", "31/05/2026"), ("Field of column 1", "Order number"), ("Field of column 12", "Placed")]),
    ("/imports/1/read", {"header_row": "3", "delimiter": "tab"}, [("Headings are in row", "3"), ("Between cells", "Tab")]),
    ("/imports/1/run", {"all": "1"}, [("What to apply", "All rows or none")])])
def test_what_was_chosen_for_an_import_or_an_export_is_shown_in_words(client, path, typed, shown):
    answer = client.post(path, data=typed, headers=OURS)
    assert answer.status_code == 401
    assert [(label, unescape(value)) for label, value in re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", answer.text)] == shown


def test_a_stranger_is_refused_before_the_body_is_read(browser):
    class Unread(BytesIO):
        def read(self, *_: object) -> bytes:
            raise AssertionError("the body was read")

    for headers in ({}, OURS):
        answer = browser.post("/tests/upload", input_stream=Unread(b"x" * 100), content_length=100, content_type="multipart/form-data; boundary=b",
                              headers=headers)
        assert answer.status_code == 401


def test_signed_in_and_with_the_token_it_is_done(person):
    assert person.post("/tests/signed-in", data={"note": "n", "csrf_token": form_token(person.get("/settings"))}).text == "written"


@pytest.mark.parametrize("path", ["/hooks/tests/write", "/api/v1/tests/write"])
def test_hooks_and_the_api_need_no_token_and_take_no_cookie(person, path):
    assert person.post(path, data={"note": "n"}, headers={"Sec-Fetch-Site": "cross-site"}).text == "written"
    assert person.post("/api/v1/orders", json={}).status_code == 401


def test_reading_needs_no_token(browser):
    assert browser.get("/tests/write").status_code == 200
