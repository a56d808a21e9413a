"""The way in: the form, what it says to whoever may not come in, where it leads."""
import json
import re
import statistics
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.accounts import passwords, users
from app.accounts.models import StaffSession, User
from app.accounts.sign_in_views import destination
from app.audit import COMMAND_LINE, Audit
from app.extensions import db
from app.transaction import transaction
from tests.accounts.conftest import PASSWORD
from tests.client import form_token

WRONG = "E-mail or password is wrong"


def deeds(action: str) -> list[Audit]:
    return list(db.session.scalars(select(Audit).where(Audit.action == action)))


def sessions() -> list[StaffSession]:
    return list(db.session.scalars(select(StaffSession).order_by(StaffSession.id)))


def test_a_stranger_is_sent_to_the_form_and_afterwards_to_where_they_wanted(client, ada, enter):
    sent = client.get("/settings/sessions?x=1")
    assert sent.status_code == 303
    assert sent.location == "/login?next=/settings/sessions?x%3D1"

    answer = enter(client, url=sent.location)

    assert answer.status_code == 303
    assert answer.location == "/settings/sessions?x=1"
    assert client.get(answer.location).status_code == 200


def test_signing_in_is_kept_in_the_trail_with_the_address_it_came_from(client, ada, enter):
    enter(client)
    [deed] = deeds("accounts.sign_in")
    assert (deed.actor_kind, deed.actor_id, deed.record_id) == ("staff", ada, ada)
    assert json.loads(deed.diff) == {"address": "127.0.0.1"}
    assert deed.request_id


@pytest.mark.parametrize(("email", "password"), [
    ("ada@example.com", "not the right one"), ("nobody@example.com", PASSWORD), ("off@example.com", PASSWORD), ("invited@example.com", PASSWORD)])
def test_all_who_may_not_come_in_hear_the_same_words(client, ada, user, kept, enter, email, password):
    user("operator", email="off@example.com", password_hash=kept, is_active=False)
    user("operator", email="invited@example.com")

    answer = enter(client, email, password)

    assert answer.status_code == 422
    assert WRONG in answer.text
    assert f'value="{email}"' in answer.text
    assert password not in answer.text
    assert not sessions()
    assert len(deeds("accounts.sign_in_refused")) == 1


def test_an_unknown_address_takes_as_long_as_a_wrong_password(client, ada, enter):
    def seconds(email: str) -> float:
        began = time.perf_counter()
        assert enter(client, email, "wrong").status_code == 422
        return time.perf_counter() - began

    enter(client, "warm@example.com", "wrong")
    known = statistics.median(seconds("ada@example.com") for _ in range(3))
    unknown = statistics.median(seconds("nobody@example.com") for _ in range(3))
    assert unknown > known / 3


def test_the_address_is_read_whatever_its_case_and_with_blanks_around(client, ada, enter):
    assert enter(client, "  ADA@Example.com ").status_code == 303


def test_a_form_that_is_too_old_is_shown_again_with_the_address_that_was_typed(client, ada):
    answer = client.post("/login", data={"csrf_token": "old", "email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 400
    assert 'value="ada@example.com"' in answer.text
    assert "open for too long" in answer.text
    assert not sessions()


def test_empty_fields_are_asked_for_and_cost_no_try(client, ada, enter):
    answer = enter(client, "", "")
    assert "Fill this in." in answer.text
    assert not deeds("accounts.sign_in_refused")


def test_whoever_is_signed_in_is_led_on(client, ada, enter):
    enter(client)
    assert client.get("/login?next=/settings").location == "/settings"


def test_signing_out_ends_the_session_for_whoever_copied_the_cookie_too(client, app, ada, enter):
    enter(client)
    copy = app.test_client()
    copied = client.get_cookie("backroom")
    assert copied is not None
    copy.set_cookie("backroom", copied.value)
    assert copy.get("/settings").status_code == 200

    answer = client.post("/logout", data={"csrf_token": form_token(client.get("/settings"))})

    assert answer.location == "/login"
    assert client.get("/settings").status_code == 303
    assert copy.get("/settings").status_code == 303
    assert not sessions()
    assert len(deeds("accounts.sign_out")) == 1


def test_signing_out_takes_a_post(client, ada, enter):
    enter(client)
    assert client.get("/logout").status_code == 405
    assert sessions()


@pytest.mark.alike
@pytest.mark.parametrize("there", [
    "https://evil.example", "//evil.example", "////evil.example", "/\\evil.example", "\\\\evil.example", "/\t/evil.example",
    "/%09/evil.example", "https:evil.example", "javascript:alert(1)", "http:///evil.example", "/nonsense", "/login", "/logout",
    "/static/app.css", "", " /settings", "settings", "/settings\r\nX-Evil: 1", "/..//evil.example"])
def test_next_leads_to_no_place_but_a_page_of_ours(client, ada, enter, there):
    page = client.get("/login", query_string={"next": there})
    answer = client.post("/login", query_string={"next": there}, data={
        "csrf_token": form_token(page), "email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 303
    assert answer.location == "/"


@pytest.mark.alike
@pytest.mark.parametrize("there", ["/settings", "/settings/sessions", "/settings?a=//evil.example"])
def test_next_leads_back_to_pages_of_ours(client, ada, enter, there):
    page = client.get("/login", query_string={"next": there})
    answer = client.post("/login", query_string={"next": there}, data={
        "csrf_token": form_token(page), "email": "ada@example.com", "password": PASSWORD})
    assert answer.location == there


@pytest.mark.alike
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(
    ["/", "\\", "//", "evil.example", "@", ":", "https:", "settings", ".", "..", "%2f", "%5c", "\t", "\n", "?", "#", "login", " ", "\x00"]),
    max_size=8).map("".join)))
def test_whatever_next_says_the_answer_stays_on_this_site(app, there):
    with app.test_request_context("/login"):
        found = destination(there)
    assert found.startswith("/")
    seen_by_browsers = re.sub(r"[\t\r\n]", "", found).replace("\\", "/")
    assert not seen_by_browsers.startswith("//")
    assert urljoin("https://backroom.example.com/login", seen_by_browsers).startswith("https://backroom.example.com/")


# The first password

@pytest.fixture
def link(user) -> str:
    return users.make_link(user("manager", email="new@example.com"), by=COMMAND_LINE)


def test_a_one_time_link_sets_the_first_password_and_signs_in(client, app, link, enter):
    page = client.get(f"/welcome/{link}")
    assert "new@example.com" in page.text.replace("<wbr>", "")
    answer = client.post(f"/welcome/{link}", data={"csrf_token": form_token(page), "password": PASSWORD, "repeat": PASSWORD})
    assert answer.status_code == 303
    assert client.get("/settings").status_code == 200
    assert enter(app.test_client(), "new@example.com").status_code == 303


def test_a_link_works_once(client, app, link):
    page = client.get(f"/welcome/{link}")
    values = {"csrf_token": form_token(page), "password": PASSWORD, "repeat": PASSWORD}
    client.post(f"/welcome/{link}", data=values)
    other = app.test_client()
    answer = other.get(f"/welcome/{link}")
    assert answer.status_code == 404
    assert "This link is spent" in answer.text


def test_a_link_is_good_for_seven_days(client, link):
    with transaction() as session:
        user = session.scalars(select(User).where(User.email == "new@example.com")).one()
        assert user.link_until is not None
        assert timedelta(days=6) < user.link_until - datetime.now(UTC) <= timedelta(days=7)
        user.link_until = datetime.now(UTC) - timedelta(seconds=1)
    assert client.get(f"/welcome/{link}").status_code == 404


def test_a_new_link_spends_the_one_before(client, link, user):
    second = users.make_link(user("manager", email="new@example.com"), by=COMMAND_LINE)
    assert client.get(f"/welcome/{link}").status_code == 404
    assert client.get(f"/welcome/{second}").status_code == 200


@pytest.mark.parametrize(("password", "repeat", "sentence"), [
    ("short", "short", "Use at least 12 characters"), (PASSWORD, "another one", "The two are not the same"),
    ("password12345", "password12345", "among the first that are tried"), ("", "", "Fill this in.")])
def test_a_bad_first_password_is_refused_and_the_link_stays_good(client, link, password, repeat, sentence):
    page = client.get(f"/welcome/{link}")
    answer = client.post(f"/welcome/{link}", data={"csrf_token": form_token(page), "password": password, "repeat": repeat})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert client.get(f"/welcome/{link}").status_code == 200


def test_only_hashes_of_secrets_are_kept(client, app, link, enter, ada):
    enter(client)
    with client.session_transaction() as cookie:
        secret = cookie["_user_id"]
    everything = repr([list(db.session.execute(select(table))) for table in (User.__table__, StaffSession.__table__)])
    assert secret not in everything
    assert link not in everything
    assert PASSWORD not in everything
    assert passwords.matches(PASSWORD, db.session.get_one(User, ada).password_hash)
