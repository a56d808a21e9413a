"""A cell of a list edited where it stands: one field, the same gate, rights and version as the form."""
from datetime import UTC, datetime
from typing import Any

import pytest

from app.audit import Actor
from app.records.changes import Change
from tests.records import gate
from tests.records.gate import FORM, act, customer, order
from tests.records.pages import Page, get, inline, read
from tests.records.stock import put

PART = {"X-Fragment": "cell"}
MINA = FORM._replace(actor=Actor("staff", "Mina", 9, ("*",)))


@pytest.fixture
def path(app):
    act(customer("ada@acme.example", name="Ada"), order("ORD-1", status="placed", city="Berlin", customer="ada@acme.example"))
    return f"/orders/{row()['id']}"


def row() -> dict[str, Any]:
    return gate.row("orders", number="ORD-1")


def opened(client, path: str, name: str) -> dict[str, Any]:
    page = read(client.get(f"{path}/cell/{name}", headers=PART))
    assert "<html" not in page.html
    assert not inline(page.html)
    return page.form(f"{path}/cell/{name}")


def sent(client, path: str, name: str, typed: dict[str, Any], status: int) -> Page:
    client.with_token = False     # the form carries it
    return read(client.post(f"{path}/cell/{name}", data=typed, headers=PART), status)


@pytest.mark.parametrize(("name", "value", "column", "kept"), [
    ("city", "Köln", "city", "Köln"), ("status", "packing", "status", "packing"), ("total", "13.00", "total_minor", 1300),
    ("customer", "", "customer_id", None), ("weight", "7", "weight", 7)])
def test_one_field_is_written_and_the_row_comes_back_as_the_list_shows_it(path, sign_in, name, value, column, kept):
    client = sign_in("operator")
    typed = opened(client, path, name)

    page = sent(client, path, name, {**typed, name: value}, 200)

    assert (row()[column], row()["version"]) == (kept, 2)
    assert page.html.count("<td") == 6
    assert f'<a href="{path}">ORD-1</a>' in page.html


def test_what_else_is_sent_with_a_cell_is_not_written(path, sign_in):
    client = sign_in("operator")

    sent(client, path, "city", {**opened(client, path, "city"), "city": "Köln", "note": "smuggled", "total": "99.00"}, 200)

    assert (row()["city"], row()["note"], row()["total_minor"]) == ("Köln", None, 1250)


def test_leaving_a_cell_as_it_was_changes_nothing(path, sign_in):
    client = sign_in()
    for name in ("city", "status", "placed_at", "customer", "note"):
        sent(client, path, name, opened(client, path, name), 200)
        client.with_token = True
    assert row()["version"] == 1


def test_what_cannot_be_saved_says_why_beside_what_was_typed(path, sign_in):
    client = sign_in()

    page = sent(client, path, "weight", {**opened(client, path, "weight"), "weight": "heavy"}, 422)

    assert page.form(f"{path}/cell/weight")["weight"] == "heavy"
    assert [one["aria-describedby"] for one in page.every("input", name="weight")] == ["cell-error"]
    assert "This is not a whole number" in page.text


def test_a_stale_cell_keeps_what_was_typed_and_leads_to_both_edits(path, sign_in):
    client = sign_in()
    typed = opened(client, path, "city")
    act(Change("orders", {"city": "Leipzig"}, key={"number": "ORD-1"}), source=MINA)

    page = sent(client, path, "city", {**typed, "city": "Köln"}, 409)

    assert "Mina changed this meanwhile" in page.text
    form = page.form(f"{path}/cell/city")
    assert form["city"] == "Köln"
    [compare] = page.every("button", name="mine")
    clash = read(client.post(compare["formaction"], data={**form, "mine": compare["value"]}), 409)
    assert "City Berlin Leipzig Köln" in clash.text
    assert row()["city"] == "Leipzig"


def test_a_record_in_the_trash_says_so(path, sign_in):
    client = sign_in()
    typed = opened(client, path, "city")
    act(Change("orders", {"trashed_at": datetime(2026, 3, 1, tzinfo=UTC)}, key={"number": "ORD-1"}), source=MINA)

    page = sent(client, path, "city", {**typed, "city": "Köln"}, 409)

    assert "This order is in the trash. Mina moved it there on" in page.text
    assert row()["city"] == "Berlin"


def test_without_the_form_token_nothing_is_written(path, sign_in):
    client = sign_in()

    page = sent(client, path, "city", {**opened(client, path, "city"), "city": "Köln", "csrf_token": "stale"}, 400)

    assert page.form(f"{path}/cell/city")["city"] == "Köln"
    assert row()["city"] == "Berlin"


@pytest.mark.parametrize(("role", "name", "status"), [
    ("viewer", "city", 403), ("operator", "phone", 404), ("operator", "lines", 404), ("operator", "created_at", 404), ("manager", "phone", 200)])
def test_only_fields_one_may_write_have_a_cell(path, sign_in, role, name, status):
    client = sign_in(role)
    assert client.get(f"{path}/cell/{name}", headers=PART).status_code == status
    if status != 200:
        assert client.post(f"{path}/cell/{name}", data={"version": "1", name: "x"}).status_code == status
        assert row()["version"] == 1


def test_what_a_live_provider_keeps_is_not_opened(path, sign_in, live):
    put("payments", {"id": 5, "external_id": "p5", "account": "stripe", "amount_minor": 100, "currency": "EUR", "status": "paid"})
    client = sign_in()

    page = read(client.get("/payments/5/cell/amount", headers=PART))

    assert "Kept by stripe" in page.text
    assert not page.forms
    client.post("/payments/5/cell/amount", data={"version": "1", "amount": "9.00"})
    assert gate.row("payments", external_id="p5")["amount_minor"] == 100


def test_asked_for_as_a_page_it_is_the_form_with_the_focus_on_the_field(path, sign_in):
    client = sign_in()

    answer = client.get(f"{path}/cell/city")

    assert answer.status_code == 303
    [city] = get(client, answer.location).every("input", name="city")
    assert "autofocus" in city


def test_a_list_names_the_columns_that_can_be_edited_to_those_who_may(path, sign_in):
    edits = [one["data-edit"] for one in get(sign_in("operator"), "/orders").every("th") if "data-edit" in one]

    assert edits == ["customer", "status", "payment_status", "channel", "total", "placed_at"]
    assert "data-edit" not in sign_in("viewer").get("/orders").text
    assert "data-edit" not in sign_in("operator").get("/orders?trashed=only").text
