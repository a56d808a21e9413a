"""Forms that come late, from elsewhere or with strange contents, and the way back to the list."""
from typing import Any

import pytest

from tests.records import gate
from tests.records.pages import get, post, read
from tests.records.shops import edit, shop_to_edit

pytestmark = pytest.mark.alike


@pytest.fixture
def shop(app):
    shop_to_edit()


def row(number: str = "ORD-1") -> dict[str, Any]:
    return gate.row("orders", number=number)


def test_a_form_whose_token_is_too_old_is_shown_again_with_what_was_typed(shop, sign_in):
    client, path = sign_in(), f"/orders/{row()['id']}"
    typed = {**edit(client, path, city="Köln"), "csrf_token": "stale"}
    client.with_token = False

    page = read(client.post(path, data=typed), 400)
    new = read(client.post("/customers", data={"email": "new@example.com", "csrf_token": "stale"}), 400)

    assert "This page was open for too long" in page.text
    assert page.form(path)["city"] == "Köln"
    assert page.form(path)["csrf_token"] != "stale"
    assert row()["version"] == 1
    assert new.form("/customers")["email"] == "new@example.com"
    assert not gate.rows("customers", email="new@example.com")
    post(client, path, page.form(path))
    assert row()["city"] == "Köln", "the token of the new form is good"


def test_the_list_with_its_filters_is_remembered_through_edit_and_save(shop, sign_in):
    client, id = sign_in(), row()["id"]
    record = read(client.get(f"/orders/{id}", headers={"Referer": "http://localhost/orders?status=placed&sort=-total"}))
    typed = get(client, record.link("/edit")).form(f"/orders/{id}")

    saved = post(client, f"/orders/{id}", {**typed, "city": "Köln"})

    assert "/orders?status=placed&sort=-total" in record.links()
    assert "/orders?status=placed&sort=-total" in get(client, saved.location).links()


@pytest.mark.parametrize("evil", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/orders\nX: y", "orders"])
def test_a_way_back_to_somebody_else_is_not_taken(shop, sign_in, evil):
    client, id = sign_in(), row()["id"]

    page = read(client.get(f"/orders/{id}", query_string={"back": evil}))
    answer = client.post(f"/orders/{id}/trash", data={"back": evil})

    assert not any("evil" in link or "javascript" in link for link in page.links())
    assert answer.location == "/orders"


@pytest.mark.parametrize("version", ["", "x", "0", "-1", "99999999999999999999", "1.5"])
def test_an_edit_must_say_what_it_changes(shop, sign_in, version):
    client, path = sign_in(), f"/orders/{row()['id']}"

    assert client.post(path, data={**edit(client, path), "version": version}).status_code == 400


@pytest.mark.parametrize("data", [{"lines-x-product": "1"}, {"lines-99999999999-product": "TEA"}, {"lines-0": "x"}, {"number": "\x00"},
                                  {"total": "9" * 400}, {"status": "nonsense"}, {"note": "x" * 20_000}, {"placed_at": "0001-01-01T00:00"},
                                  {"customer": "\ud800"}, {"remove_line": "9"}, {"take-city": "mine", "mine": "nothing"}, {"all": "mine"}])
def test_strange_posts_never_crash(shop, sign_in, data):
    client, path = sign_in(), f"/orders/{row()['id']}"
    typed = edit(client, path)
    encoded = {name: value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value for name, value in data.items()}

    assert client.post(path, data={**typed, **encoded}).status_code < 500
    assert client.post("/orders", data={**encoded, "number": "ORD-1"} | encoded).status_code < 500


def test_saving_leads_back_to_the_list_as_it_was_for_who_asks_for_that(shop, sign_in):
    client, id = sign_in(), row()["id"]
    at = "/orders?status=placed&after=abc"
    record = read(client.get(f"/orders/{id}", headers={"Referer": f"http://localhost{at}"}))
    typed = get(client, record.link("/edit")).form(f"/orders/{id}")

    assert post(client, f"/orders/{id}", {**typed, "city": "Köln", "then": "list"}).location == at
    assert row()["city"] == "Köln"
    assert post(client, f"/orders/{id}", {**typed, "version": "2", "then": "list", "back": "//evil.example"}).location == "/orders"
