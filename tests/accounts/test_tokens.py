"""API tokens: shown once, hashed, acting with the rights their user has now."""
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import select, update

from app import access
from app.access import NOBODY
from app.accounts import tokens, users
from app.accounts.models import ApiToken
from app.audit import COMMAND_LINE, SYSTEM, Audit
from app.errors import Invalid, NotFound, Unauthorised
from app.extensions import db
from app.transaction import transaction
from tests.client import Client, form_token


def change(**values: Any) -> None:
    with transaction() as session:
        session.execute(update(ApiToken).values(**values))


def row() -> ApiToken:
    db.session.rollback()
    return db.session.scalars(select(ApiToken)).one()


def ask(client: Client, secret: str, **headers: str) -> Any:
    return client.get("/api/v1/nothing-of-that-name", headers={"Authorization": f"Bearer {secret}", **headers})


def test_a_token_acts_for_its_user_with_the_rights_they_have_now(app, user, token):
    secret = token("operator")
    actor = tokens.bearer(f"Bearer {secret}")
    assert (actor.kind, actor.id, actor.name) == ("token", row().id, "tests (Operator)")
    assert actor.may("orders.edit")
    assert not actor.may("orders.export")

    users.change_role(user("operator"), "viewer", by=COMMAND_LINE)
    assert not tokens.bearer(f"Bearer {secret}").may("orders.edit")


def test_work_a_token_began_goes_on_with_the_rights_it_has_now(app, user, token):
    tokens.bearer(f"Bearer {token('operator')}")
    found = access.again("token", row().id, SYSTEM)
    assert (found.kind, found.may("orders.edit")) == ("token", True)
    users.switch(user("operator"), False, by=COMMAND_LINE)
    assert access.again("token", row().id, SYSTEM) is NOBODY
    assert access.again("staff", user("operator"), SYSTEM) is NOBODY


@pytest.mark.parametrize("values", [{"revoked_at": datetime.now(UTC)}, {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}])
def test_a_token_that_is_over_lets_nobody_in(client, token, values):
    secret = token("viewer")
    assert ask(client, secret).status_code == 404
    change(**values)
    assert ask(client, secret).status_code == 401
    assert access.again("token", row().id, SYSTEM) is NOBODY


def test_a_token_of_somebody_switched_off_lets_nobody_in(client, user, token):
    secret = token("viewer")
    users.switch(user("viewer"), False, by=COMMAND_LINE)
    assert ask(client, secret).status_code == 401


@pytest.mark.parametrize("header", [
    "Bearer", "Bearer ", "Bearer x", "Basic YWRhOnB3", "br_00000000_" + "a" * 43, "Bearer br_00000000_" + "a" * 43,
    "Bearer br_00000000_" + "a" * 42 + "!", "Bearer " + "a" * 9_000, "Bearer ü", "Bearer br_00000000_" + "a" * 43 + " more"])
def test_no_other_header_lets_anybody_in_and_the_answer_says_how_to_send_one(client, header):
    answer = client.get("/api/v1/orders", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Backroom", error="invalid_token"'
    assert answer.json["status"] == 401
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_only_its_hash_and_the_beginning_are_kept(app, token):
    secret = token("viewer")
    kept = repr([list(found) for found in db.session.execute(select(ApiToken.__table__))])
    assert secret not in kept
    assert secret.split("_", 2)[2] not in kept
    assert row().prefix == secret[:11]


def test_making_and_revoking_are_kept_in_the_trail_without_the_secret(app, user, token):
    secret = token("viewer")
    tokens.revoke(row().id, user_id=user("viewer"), by=COMMAND_LINE)
    deeds = list(db.session.scalars(select(Audit).where(Audit.action.like("tokens.%")).order_by(Audit.id)))
    assert [deed.action for deed in deeds] == ["tokens.add", "tokens.revoke"]
    assert secret not in "".join(deed.diff for deed in deeds)


def test_revoking_twice_is_once(app, user, token):
    token("viewer")
    tokens.revoke(row().id, user_id=user("viewer"), by=COMMAND_LINE)
    at = row().revoked_at
    tokens.revoke(row().id, user_id=user("viewer"), by=COMMAND_LINE)
    assert row().revoked_at == at


def test_nobody_revokes_the_token_of_another_person(sign_in, client, token):
    secret = token("viewer")
    answer = sign_in("admin").post(f"/settings/tokens/{row().id}/revoke")
    assert answer.status_code == 404
    assert ask(client, secret).status_code == 404
    with pytest.raises(NotFound):
        tokens.revoke(row().id, user_id=-1, by=COMMAND_LINE)


def test_being_used_is_written_down_at_most_every_few_minutes(client, token):
    secret = token("viewer")
    assert row().used_at is None
    ask(client, secret)
    first = row().used_at
    assert first is not None
    ask(client, secret)
    assert row().used_at == first
    change(used_at=datetime.now(UTC) - tokens.USED_EVERY - timedelta(seconds=1))
    ask(client, secret)
    assert (row().used_at or first) > first


@pytest.mark.parametrize("name", ["", "   ", "x" * 101])
def test_a_token_needs_a_name(app, user, name):
    with pytest.raises(Invalid):
        tokens.add(user("viewer"), name, by=COMMAND_LINE)


def test_cookies_count_for_nothing_in_the_api(sign_in, made: Flask):
    client = sign_in("admin")
    with client.application.test_request_context("/api/v1/orders", headers={"Cookie": cookie_of(client)}):
        client.application.preprocess_request()
        assert g.actor is NOBODY
    with client.application.test_request_context("/settings", headers={"Cookie": cookie_of(client)}):
        client.application.preprocess_request()
        assert g.actor.kind == "staff"


def test_tokens_count_for_nothing_on_pages(client, token):
    answer = client.get("/settings", headers={"Authorization": f"Bearer {token('admin')}"})
    assert answer.status_code == 303


def test_a_token_is_made_by_the_press_and_shown_on_the_page_after_it_once(sign_in, client):
    page = sign_in("viewer")
    pressed = page.post("/settings/tokens", data={"name": "warehouse", "days": "30"})
    assert (pressed.status_code, pressed.location) == (303, "/settings/tokens"), "loading the page again makes no second one"
    answer = page.get("/settings/tokens")
    secret = next(word for word in answer.text.split('"') if word.startswith("br_") and len(word) > 40)
    assert ask(client, secret).status_code == 404
    listed = page.get("/settings/tokens").text
    assert "warehouse" in listed
    assert secret[:11] in listed
    assert secret not in listed
    expires = row().expires_at
    assert expires is not None
    assert timedelta(days=29) < expires - datetime.now(UTC) < timedelta(days=31)


def test_a_token_on_its_way_to_the_page_cannot_be_read_in_the_cookie(sign_in):
    page = sign_in("viewer")
    page.post("/settings/tokens", data={"name": "warehouse", "days": "30"})
    with page.session_transaction() as cookie:
        sealed = repr(dict(cookie))
    secret = next(word for word in page.get("/settings/tokens").text.split('"') if word.startswith("br_") and len(word) > 40)
    assert secret not in sealed
    assert secret.split("_", 2)[2] not in sealed


def test_a_token_without_end_is_a_choice(sign_in):
    sign_in("viewer").post("/settings/tokens", data={"name": "for ever", "days": ""})
    assert row().expires_at is None


def test_the_form_says_what_is_missing(sign_in):
    client = sign_in("viewer")
    answer = client.post("/settings/tokens", data={"csrf_token": form_token(client.get("/settings/tokens")), "name": "", "days": "30"})
    assert answer.status_code == 422
    assert "Fill this in." in answer.text


def test_a_token_that_is_no_good_is_refused_before_anything_is_read(app):
    with pytest.raises(Unauthorised):
        tokens.bearer("Bearer br_00000000_" + "b" * 43)


def cookie_of(client: Client) -> str:
    found = client.get_cookie("backroom")
    assert found is not None
    return f"backroom={found.value}"
