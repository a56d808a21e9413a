"""People with an account: who may add them, and that somebody always remains who manages them."""
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from app import access
from app.access import NOBODY
from app.accounts import users
from app.accounts.models import StaffSession, User
from app.audit import COMMAND_LINE, SYSTEM, Audit
from app.errors import Conflict, Invalid, NotFound
from app.extensions import db
from app.transaction import transaction
from tests.accounts.conftest import PASSWORD


def role_of(user_id: int) -> str:
    db.session.rollback()
    return db.session.get_one(User, user_id, populate_existing=True).role


def admins() -> int:
    db.session.rollback()
    return db.session.scalars(select(func.count()).select_from(User).where(User.role == "admin", User.is_active)).one()


def test_an_account_is_kept_under_its_address_in_lower_case(app):
    user_id = users.add(" Ada@Example.COM ", "viewer", by=COMMAND_LINE)
    row = db.session.get_one(User, user_id)
    assert (row.email, row.name, row.role, row.password_hash, row.is_active) == ("ada@example.com", "ada", "viewer", None, True)
    assert users.by_email("ADA@example.com") == user_id


def test_an_address_has_one_account(app):
    users.add("ada@example.com", "viewer", by=COMMAND_LINE)
    with pytest.raises(Conflict, match="has an account already"):
        users.add("ADA@example.com", "admin", by=COMMAND_LINE)


def test_two_who_add_the_same_person_at_once_make_one_account(made, app):
    def add(number: int) -> str:
        with made.app_context():
            try:
                users.add("ada@example.com", "viewer", by=COMMAND_LINE)
            except Conflict:
                return "conflict"
            return "added"

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(add, range(6))) == ["added"] + ["conflict"] * 5


def test_blanks_around_an_address_are_no_part_of_it(app):
    users.add(" ada@example.com\n", "viewer", by=COMMAND_LINE)
    assert users.by_email("ada@example.com")


@pytest.mark.alike
@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.com", "a b@example.com", "a@b@c.de", "<a@b.de>", "a@b", "a@b.", "a@.de",
                                   "a@b..de", "a\x00@b.de", "x" * 250 + "@b.de"])
def test_what_is_no_address_is_refused(app, email):
    with pytest.raises(Invalid) as caught:
        users.add(email, "viewer", by=COMMAND_LINE)
    assert list(caught.value.errors) == ["email"]


def test_a_role_that_does_not_exist_is_refused(app, user):
    with pytest.raises(Invalid) as caught:
        users.add("ada@example.com", "emperor", by=COMMAND_LINE)
    assert list(caught.value.errors) == ["role"]
    with pytest.raises(Invalid):
        users.change_role(user("viewer"), "emperor", by=COMMAND_LINE)


def test_a_weak_password_is_refused_before_anything_is_written(app):
    with pytest.raises(Invalid) as caught:
        users.add("ada@example.com", "viewer", password="short", by=COMMAND_LINE)
    assert list(caught.value.errors) == ["password"]
    assert users.everybody() == []


def test_the_last_admin_stays_one(app, user):
    last = user("admin")
    with pytest.raises(Conflict, match="Make somebody else an admin first"):
        users.change_role(last, "viewer", by=COMMAND_LINE)
    with pytest.raises(Conflict):
        users.switch(last, False, by=COMMAND_LINE)
    assert admins() == 1
    user("admin", email="second@example.com")
    users.change_role(last, "viewer", by=COMMAND_LINE)
    assert admins() == 1


def test_two_admins_who_take_each_others_rights_at_once_leave_one(made, app, user):
    pair = [user("admin"), user("admin", email="second@example.com")]

    def demote(user_id: int) -> str:
        with made.app_context():
            try:
                users.change_role(user_id, "viewer", by=COMMAND_LINE)
            except Conflict:
                return "conflict"
            return "done"

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(demote, pair)) == ["conflict", "done"]
        assert admins() == 1
        with transaction() as session:
            session.execute(update(User).values(role="admin"))


def test_a_change_of_role_is_in_the_trail_with_old_and_new(app, user):
    users.change_role(user("viewer"), "manager", by=COMMAND_LINE)
    deed = db.session.scalars(select(Audit).where(Audit.action == "users.change_role")).one()
    assert json.loads(deed.diff) == {"email": "viewer@example.com", "role": ["viewer", "manager"]}


def test_giving_the_same_role_again_changes_nothing(app, sign_in):
    client = sign_in("viewer")
    users.change_role(client.user_id, "viewer", by=COMMAND_LINE)
    assert not db.session.scalars(select(Audit).where(Audit.action == "users.change_role")).all()
    assert not db.session.scalars(select(StaffSession.is_renewal_due)).one()


def test_switching_off_spends_an_open_link_and_stops_work_done_for_the_person(app, client, user):
    user_id = user("operator")
    link = users.make_link(user_id, by=COMMAND_LINE)
    users.switch(user_id, False, by=COMMAND_LINE)
    assert client.get(f"/welcome/{link}").status_code == 404
    assert access.again("staff", user_id, SYSTEM) is NOBODY
    users.switch(user_id, True, by=COMMAND_LINE)
    assert access.again("staff", user_id, SYSTEM).may("orders.edit")


def test_extra_grants_and_scopes_come_with_the_person(app, user):
    user_id = user("viewer", grants=["payments.refund"], scopes={"orders": "channel=shopify"})
    found = access.again("staff", user_id, SYSTEM)
    assert found.may("payments.refund")
    assert not found.may("orders.edit")
    assert found.scopes == {"orders": "channel=shopify"}


def test_a_role_nobody_knows_any_more_grants_nothing(app, user):
    user_id = user("viewer")
    with transaction() as session:
        session.execute(update(User).values(role="abolished"))
    found = access.again("staff", user_id, SYSTEM)
    assert found.grants == ()


def test_what_is_done_to_nobody_is_not_found(app):
    for act in (lambda: users.change_role(99, "viewer", by=COMMAND_LINE), lambda: users.switch(99, True, by=COMMAND_LINE),
                lambda: users.make_link(99, by=COMMAND_LINE)):
        with pytest.raises(NotFound):
            act()


# The page

HANDED = 'value="http://127.0.0.1:8000/welcome/'


def link_on(page: TestResponse) -> str:
    return "/welcome/" + page.text.split(HANDED)[1].split('"')[0]


def test_an_admin_adds_somebody_and_gets_a_link_to_hand_over_which_is_shown_once(sign_in, client):
    admin = sign_in("admin")
    pressed = admin.post("/settings/users", data={"email": "new@example.com", "name": "New Person", "role": "operator"})
    assert (pressed.status_code, pressed.location) == (303, "/settings/users")
    link = link_on(admin.get("/settings/users"))
    assert "new@example.com" in client.get(link).text.replace("<wbr>", "")
    assert HANDED not in admin.get("/settings/users").text


def test_loading_the_page_again_after_making_a_link_makes_no_other(sign_in, client, user):
    admin, other = sign_in("admin"), user("viewer")
    pressed = admin.post(f"/settings/users/{other}/link")
    assert (pressed.status_code, pressed.location) == (303, "/settings/users")
    link = link_on(admin.get("/settings/users"))
    assert HANDED not in admin.get("/settings/users").text
    assert client.get(link).status_code == 200


@pytest.mark.parametrize(("role", "status", "sentence"), [("viewer", 409, "Make somebody else an admin first."),
                                                          ("emperor", 422, "There is no role emperor.")])
def test_a_role_that_cannot_be_given_is_said_beside_the_choice(sign_in, role, status, sentence):
    admin = sign_in("admin")
    answer = admin.post(f"/settings/users/{admin.user_id}/role", data={"role": role})
    assert answer.status_code == status
    [described] = re.findall(r'aria-invalid="true" aria-describedby="([^"]+)"', answer.text)
    assert sentence in answer.text.split(f'id="{described}">')[1].split("</div>")[0]
    assert ('<option value="viewer" selected>' in answer.text) == (role == "viewer"), "what was chosen stays chosen"
    assert "New user" in answer.text
    assert role_of(admin.user_id) == "admin"


def test_the_page_names_what_is_wrong_beside_its_field(sign_in, user):
    client = sign_in("admin")
    user("viewer", email="taken@example.com")
    assert "has an account already" in client.post("/settings/users", data={"email": "taken@example.com", "role": "viewer"}).text
    assert "This is not an e-mail address" in client.post("/settings/users", data={"email": "nonsense", "role": "viewer"}).text
    assert client.post("/settings/users", data={"email": "a@example.com", "role": "emperor"}).status_code == 422


def test_an_admin_gives_a_role_and_switches_off_and_on(sign_in, user):
    client, other = sign_in("admin"), user("viewer")
    assert client.post(f"/settings/users/{other}/role", data={"role": "manager"}).status_code == 303
    assert role_of(other) == "manager"
    client.post(f"/settings/users/{other}/switch", data={"on": "0"})
    assert "Switch on" in client.get("/settings/users").text
    client.post(f"/settings/users/{other}/switch", data={"on": "1"})
    assert "Switch on" not in client.get("/settings/users").text


def test_nobody_switches_their_own_account_off(sign_in):
    client = sign_in("admin")
    sign_in("admin", email="second@example.com")
    answer = client.post(f"/settings/users/{client.user_id}/switch", data={"on": "0"})
    assert answer.status_code == 409
    assert "Nobody switches their own account off" in answer.text
    assert "New user" in answer.text, "it is said on the page of users"
    assert client.get("/settings").status_code == 200


def test_a_new_link_lets_somebody_choose_a_password_who_forgot_it(sign_in, app, ada, enter):
    admin = sign_in("admin")
    admin.post(f"/settings/users/{ada}/link")
    link = link_on(admin.get("/settings/users"))
    browser = app.test_client()
    form = browser.get(link).text
    token = form.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    browser.post(link, data={"csrf_token": token, "password": "another long sentence", "repeat": "another long sentence"})
    assert enter(app.test_client(), password=PASSWORD).status_code == 422
    assert enter(app.test_client(), password="another long sentence").status_code == 303


@pytest.mark.parametrize("role", ["viewer", "operator", "manager"])
def test_nobody_but_an_admin_sees_or_changes_users(sign_in, user, role):
    client, other = sign_in(role), user("viewer", email="other@example.com")
    assert client.get("/settings/users").status_code == 403
    for path in (f"/settings/users/{other}/role", f"/settings/users/{other}/switch", f"/settings/users/{other}/link", "/settings/users"):
        assert client.post(path, data={"role": "admin", "on": "0", "email": "x@example.com"}).status_code == 403
    assert role_of(other) == "viewer"
    assert "/settings/users" not in client.get("/settings").text
