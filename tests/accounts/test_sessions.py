"""Sessions as rows: a new id when it matters, an end when it is time, and whoever holds an old cookie holds nothing."""
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fcntl import LOCK_EX, flock
from typing import Any

import pytest
from sqlalchemy import select, update

from app.accounts import sessions, users
from app.accounts.models import StaffSession, User
from app.audit import COMMAND_LINE
from app.extensions import db
from app.transaction import transaction
from tests.accounts.conftest import PASSWORD
from tests.client import Client, form_token


def secret_of(client: Client) -> str:
    with client.session_transaction() as cookie:
        return str(cookie["_user_id"])


def copy_of(client: Client) -> Client:
    """Another browser with the same cookie."""
    other = client.application.test_client()
    cookie = client.get_cookie("backroom")
    assert cookie is not None
    other.set_cookie("backroom", cookie.value)
    assert isinstance(other, Client)
    return other


def change(**values: Any) -> None:
    with transaction() as session:
        session.execute(update(StaffSession).values(**values))


def test_signing_in_gives_a_new_id_and_drops_what_the_cookie_held_before(client, ada, enter):
    with client.session_transaction() as cookie:
        cookie["_user_id"] = "planted-by-somebody-else"
        cookie["csrf_token"] = "1" * 40
        cookie["left"] = "behind"
    enter(client)
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != "planted-by-somebody-else"
        assert "left" not in cookie
        assert cookie.get("csrf_token") != "1" * 40
    assert client.get("/settings").status_code == 200


def test_a_planted_cookie_lets_nobody_in_after_its_owner_signed_in(client, app, ada, enter):
    client.get("/login")
    planted = copy_of(client)
    enter(client)
    assert planted.get("/settings").status_code == 303


def test_two_times_signed_in_are_two_sessions(client, app, ada, enter):
    other = app.test_client()
    enter(client)
    enter(other)
    assert secret_of(client) != secret_of(other)
    assert len(sessions.opened_by(ada)) == 2


@pytest.mark.parametrize("values", [
    {"ends_at": datetime.now(UTC) - timedelta(seconds=1)},
    {"seen_at": datetime.now(UTC) - sessions.IDLE - timedelta(minutes=1)},
])
def test_a_session_ends_when_its_time_is_over_and_when_nobody_is_there(sign_in, values):
    client = sign_in("viewer")
    assert client.get("/settings").status_code == 200
    change(**values)
    assert client.get("/settings").status_code == 303


def test_whoever_stays_signed_in_may_be_away_for_long_but_not_for_ever(client, ada, enter):
    enter(client, stay="y")
    [row] = sessions.opened_by(ada)
    assert timedelta(days=13, hours=23) < row.ends_at - row.started_at <= sessions.STAY
    change(seen_at=datetime.now(UTC) - timedelta(days=5))
    assert client.get("/settings").status_code == 200
    change(ends_at=datetime.now(UTC) - timedelta(seconds=1))
    assert client.get("/settings").status_code == 303


def test_the_cookie_outlives_the_browser_only_for_whoever_stays(app, ada, enter):
    passing, staying = app.test_client(), app.test_client()
    assert "expires=" not in enter(passing).headers["Set-Cookie"].lower()
    assert "expires=" in enter(staying, stay="y").headers["Set-Cookie"].lower()


def test_there_is_one_cookie_of_ours_and_no_cookie_that_remembers(client, ada, enter):
    enter(client, stay="y")
    client.get("/settings")
    assert [key[2] for key in client._cookies] == ["backroom"]


def test_being_seen_is_written_down_at_most_every_few_minutes(sign_in):
    client = sign_in("viewer")
    long_ago = datetime.now(UTC) - sessions.SEEN_EVERY - timedelta(seconds=10)
    change(seen_at=long_ago)
    client.get("/settings")
    [seen] = db.session.scalars(select(StaffSession.seen_at))
    assert seen > datetime.now(UTC) - timedelta(minutes=1)
    client.get("/settings")
    db.session.rollback()
    assert db.session.scalars(select(StaffSession.seen_at)).one() == seen


def test_a_page_is_shown_even_if_being_seen_cannot_be_written_down(sign_in, settings, made, monkeypatch):
    if not settings.database_url.startswith("sqlite"):
        pytest.skip("only on SQLite do writers take turns")
    client = sign_in("viewer")
    change(seen_at=datetime.now(UTC) - sessions.SEEN_EVERY - timedelta(seconds=10))
    monkeypatch.setitem(made.extensions, "backroom.config", replace(settings, busy_seconds=0.1))
    with open(f"{db.engine.url.database}.turn", "w") as turn:
        flock(turn, LOCK_EX)
        assert client.get("/settings").status_code == 200


def test_a_revoked_session_lets_nobody_in(sign_in):
    here, there = sign_in("viewer"), sign_in("viewer")
    [first, _] = sorted(sessions.opened_by(here.user_id), key=lambda row: row.id)
    there.post(f"/settings/sessions/{first.id}/end")
    assert here.get("/settings").status_code == 303
    assert there.get("/settings").status_code == 200


def test_nobody_ends_the_session_of_another_person(sign_in):
    mine, theirs = sign_in("admin"), sign_in("viewer")
    [row] = sessions.opened_by(theirs.user_id)
    mine.post(f"/settings/sessions/{row.id}/end")
    assert theirs.get("/settings").status_code == 200


def test_one_can_sign_out_everywhere_else(sign_in):
    here, there = sign_in("viewer"), sign_in("viewer")
    here.post("/settings/sessions/end-others")
    assert here.get("/settings").status_code == 200
    assert there.get("/settings").status_code == 303


def test_a_change_of_rights_gives_sessions_a_new_id_and_the_old_one_dies(sign_in):
    client = sign_in("viewer")
    copied, before = copy_of(client), secret_of(client)
    users.change_role(client.user_id, "manager", by=COMMAND_LINE)

    assert client.get("/settings").status_code == 200
    assert secret_of(client) != before
    assert copied.get("/settings").status_code == 200, "a request under way at the same time is still served"

    change(former_until=datetime.now(UTC) - timedelta(seconds=1))
    assert copied.get("/settings").status_code == 303
    assert client.get("/settings").status_code == 200


def test_a_request_under_the_former_id_does_not_get_the_new_one(sign_in):
    client = sign_in("viewer")
    copied, before = copy_of(client), secret_of(client)
    users.change_role(client.user_id, "manager", by=COMMAND_LINE)
    client.get("/settings")
    copied.get("/settings")
    assert secret_of(copied) == before


def test_a_change_of_rights_holds_from_the_next_request_on(sign_in):
    client = sign_in("admin")
    sign_in("admin", email="other@example.com")
    assert client.get("/settings/users").status_code == 200
    users.change_role(client.user_id, "viewer", by=COMMAND_LINE)
    assert client.get("/settings/users").status_code == 403


def test_switching_an_account_off_ends_its_sessions(sign_in):
    client = sign_in("viewer")
    users.switch(client.user_id, False, by=COMMAND_LINE)
    assert client.get("/settings").status_code == 303
    assert not sessions.opened_by(client.user_id)


def test_an_account_switched_off_behind_our_back_lets_nobody_in_either(sign_in):
    client = sign_in("viewer")
    with transaction() as session:
        session.execute(update(User).values(is_active=False))
    assert client.get("/settings").status_code == 303


def test_another_password_ends_all_other_sessions_and_renews_this_one(client, app, ada, enter):
    other = app.test_client()
    enter(client)
    enter(other)
    before = secret_of(client)
    new = "quite another sentence altogether"

    answer = client.post("/settings/password", data={
        "csrf_token": form_token(client.get("/settings/password")), "old": PASSWORD, "password": new, "repeat": new})

    assert answer.status_code == 303
    assert other.get("/settings").status_code == 303
    assert client.get("/settings").status_code == 200
    assert secret_of(client) != before
    assert enter(app.test_client(), password=PASSWORD).status_code == 422
    assert enter(app.test_client(), password=new).status_code == 303


@pytest.mark.parametrize(("old", "new", "repeat", "sentence"), [
    ("wrong", "a good long sentence", "a good long sentence", "This is not your password now."),
    (PASSWORD, "short", "short", "Use at least 12 characters"),
    (PASSWORD, "a good long sentence", "another", "The two are not the same."),
])
def test_a_password_is_not_changed_by_halves(client, ada, enter, old, new, repeat, sentence):
    enter(client)
    answer = client.post("/settings/password", data={
        "csrf_token": form_token(client.get("/settings/password")), "old": old, "password": new, "repeat": repeat})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert enter(client.application.test_client()).status_code == 303


def test_sessions_that_ended_are_cleared_away_at_the_next_sign_in(client, app, ada, enter):
    enter(client)
    change(ends_at=datetime.now(UTC) - timedelta(seconds=1))
    enter(app.test_client())
    assert len(list(db.session.scalars(select(StaffSession.id)))) == 1


def test_a_forged_cookie_is_nobody(client, app):
    client.set_cookie("backroom", "eyJfdXNlcl9pZCI6IjEifQ.forged.signature")
    assert client.get("/settings").status_code == 303


@pytest.mark.parametrize("secret", ["", "1", "x" * 10_000, "\x00", "ü", 7, None, ["a"], {"a": 1}])
def test_no_content_of_a_signed_cookie_crashes_a_page(client, secret):
    with client.session_transaction() as cookie:
        cookie["_user_id"] = secret
    assert client.get("/settings").status_code == 303
