"""Two at once: of a one-time link, of a renewal, of a revocation; whoever comes second gets nothing twice."""
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.accounts import signing_in, tokens, users
from app.accounts.models import ApiToken, StaffSession, User
from app.accounts.signing_in import Visit
from app.audit import COMMAND_LINE, Audit
from app.errors import NotFound
from app.extensions import db
from tests.accounts.conftest import PASSWORD
from tests.accounts.test_sessions import copy_of, secret_of

AT_ONCE = 5


def together(app: Flask, act: Callable[[int], str]) -> list[str]:
    """What `act` answers to each of a few threads that begin at the same moment."""
    start = Barrier(AT_ONCE)

    def one(number: int) -> str:
        with app.app_context():
            start.wait(30)
            return act(number)

    db.session.rollback()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(pool.map(one, range(AT_ONCE)))


def deeds(action: str) -> int:
    db.session.rollback()
    return db.session.scalars(select(func.count()).select_from(Audit).where(Audit.action == action)).one()


def test_of_many_who_use_a_link_at_once_one_sets_the_password(made, app, user):
    link = users.make_link(user("viewer"), by=COMMAND_LINE)

    def use(number: int) -> str:
        try:
            signing_in.accept(link, f"{PASSWORD} {number}", Visit("192.0.2.1", "tests"))
        except NotFound:
            return "spent"
        return f"set {number}"

    *spent, winner = sorted(together(made, use), key=lambda word: word != "spent")
    assert spent == ["spent"] * (AT_ONCE - 1)
    assert winner.startswith("set ")
    assert deeds("accounts.set_password") == 1
    assert len(list(db.session.scalars(select(StaffSession.id)))) == 1


def test_of_many_requests_at_once_one_renews_the_session_and_all_are_answered(made, app, sign_in):
    client = sign_in("viewer")
    before = secret_of(client)
    users.change_role(client.user_id, "operator", by=COMMAND_LINE)
    browsers = [copy_of(client) for _ in range(AT_ONCE)]

    def ask(number: int) -> str:
        return str(browsers[number].get("/settings").status_code)

    assert together(made, ask) == ["200"] * AT_ONCE
    secrets = {secret_of(browser) for browser in browsers}
    assert len(secrets - {before}) == 1, "one browser was given the new id, the others kept the former"
    assert len(list(db.session.scalars(select(StaffSession.id)))) == 1


def test_a_token_revoked_by_many_at_once_is_revoked_once(made, app, user, token):
    token("viewer")
    user_id, token_id = user("viewer"), db.session.scalars(select(ApiToken.id)).one()

    def revoke(_: int) -> str:
        tokens.revoke(token_id, user_id=user_id, by=COMMAND_LINE)
        return "done"

    assert together(made, revoke) == ["done"] * AT_ONCE
    assert deeds("tokens.revoke") == 1


def test_a_link_made_by_many_at_once_leaves_one_that_works(made, app, user, client):
    user_id = user("viewer")
    links = together(made, lambda _: users.make_link(user_id, by=COMMAND_LINE))
    assert sorted(client.get(f"/welcome/{link}").status_code for link in links) == [200] + [404] * (AT_ONCE - 1)


@pytest.mark.parametrize("on", [True, False])
def test_an_account_switched_by_many_at_once_is_switched_once(made, app, user, on):
    user_id = user("viewer", is_active=not on)

    def switch(_: int) -> str:
        users.switch(user_id, on, by=COMMAND_LINE)
        return "done"

    assert together(made, switch) == ["done"] * AT_ONCE
    assert deeds("users.switch_on" if on else "users.switch_off") == 1
    assert db.session.get_one(User, user_id, populate_existing=True).is_active is on
