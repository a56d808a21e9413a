"""Somebody moves a record to the trash while another edits it: that is said at once, and nothing typed is lost."""
from datetime import UTC, datetime
from typing import Any

import pytest

from app.access import ROLES
from app.audit import Actor
from app.records.changes import Change
from tests.records import gate
from tests.records.gate import FORM, act, order
from tests.records.pages import get, inline, post, read

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
MINA = FORM._replace(actor=Actor("staff", "Mina", 9, ("*",)))


@pytest.fixture
def path(app):
    act(order("ORD-1", status="placed", city="Berlin"), source=FORM)
    return f"/orders/{row()['id']}"


def row() -> dict[str, Any]:
    return gate.row("orders", number="ORD-1")


def theirs(**values: object) -> None:
    act(Change("orders", values, key={"id": row()["id"]}), source=MINA)


def test_saving_says_who_moved_it_to_the_trash_and_keeps_what_was_typed(path, sign_in):
    client = sign_in()
    typed = get(client, f"{path}/edit").form(path)
    theirs(trashed_at=NOW)

    page = read(client.post(path, data={**typed, "city": "Köln"}), 409)

    assert "This order is in the trash Mina moved it there on" in page.text
    assert "change the key" not in page.text
    assert page.form(path)["city"] == "Köln"
    assert page.every("button", name="restore", form="record")
    assert row()["version"] == 2
    assert not inline(page.html)


def test_restoring_from_there_shows_the_form_as_it_was_typed_and_it_saves(path, sign_in):
    client = sign_in()
    typed = get(client, f"{path}/edit").form(path)
    theirs(trashed_at=NOW)

    page = read(client.post(path, data={**typed, "city": "Köln", "restore": "1"}))

    assert "This order is out of the trash" in page.text
    assert (row()["city"], row()["trashed_at"]) == ("Berlin", None)
    post(client, path, page.form(path))
    assert (row()["city"], row()["version"]) == ("Köln", 4)


def test_what_was_changed_before_it_was_trashed_still_collides(path, sign_in):
    client = sign_in()
    typed = get(client, f"{path}/edit").form(path)
    theirs(city="Leipzig")
    theirs(trashed_at=NOW)

    page = read(client.post(path, data={**typed, "city": "Köln", "restore": "1"}))

    assert "City Berlin Leipzig Köln" in read(client.post(path, data=page.form(path)), 409).text
    assert row()["city"] == "Leipzig"


def test_it_is_said_from_the_conflict_page_too(path, sign_in):
    client = sign_in()
    typed = get(client, f"{path}/edit").form(path)
    theirs(city="Leipzig")
    clash = read(client.post(path, data={**typed, "city": "Köln"}), 409)
    theirs(trashed_at=NOW)

    page = read(client.post(path, data={**clash.form(path), "take-city": "mine"}), 409)

    assert "This order is in the trash" in page.text
    assert page.form(path)["city"] == "Köln"


def test_who_may_not_restore_it_is_offered_nothing_and_can_restore_nothing(path, sign_in, monkeypatch):
    monkeypatch.setitem(ROLES, "operator", tuple(set(ROLES["operator"]) - {"*.restore"}))
    client = sign_in("operator")
    typed = get(client, f"{path}/edit").form(path)
    theirs(trashed_at=NOW)

    page = read(client.post(path, data={**typed, "city": "Köln", "restore": "1"}), 403)

    assert not page.every("button", name="restore")
    assert "orders.restore" in page.text
    assert row()["trashed_at"] is not None
