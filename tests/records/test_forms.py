"""Forms made from the declarations: what a person types is kept, read by the gate, saved once, and nothing else changes."""
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Text

from app.audit import Audit
from app.extensions import db
from app.records.registry import named
from app.transaction import transaction
from tests.records import gate
from tests.records.gate import EVENT, act, order, payment
from tests.records.pages import get, inline, post, read
from tests.records.shops import edit, shop_to_edit
from tests.records.stock import MIDNIGHT, NAMES, fill, put


@pytest.fixture
def shop(app):
    shop_to_edit()


def row(number: str = "ORD-1") -> dict[str, Any]:
    return gate.row("orders", number=number)


def test_a_record_is_made_from_its_form(shop, sign_in):
    client = sign_in("operator")
    typed = get(client, "/orders/new").form("/orders")
    assert typed["status"] == "draft"
    assert typed["currency"] == "EUR"

    answer = post(client, "/orders", {**typed, "number": "ORD-9", "customer": "Ada@acme.example", "total": "1,234.50", "note": "line\r\nline",
                                      "lines-0-product": "TEA", "lines-0-quantity": "3", "lines-0-unit_price": "4"})

    made = row("ORD-9")
    assert answer.location == f"/orders/{made['id']}"
    assert (made["total_minor"], made["note"], made["version"]) == (123450, "line\nline", 1)
    assert made["customer_id"] == gate.row("customers", email="ada@acme.example")["id"]
    assert [(line["quantity"], line["unit_price_minor"]) for line in gate.lines() if line["parent_id"] == made["id"]] == [(3, 400)]
    assert "Order ORD-9 is created" in get(client, answer.location).text


def test_the_form_that_was_sent_twice_makes_one_record(shop, sign_in):
    client = sign_in()
    typed = {**get(client, "/customers/new").form("/customers"), "email": "new@example.com"}

    first, second = post(client, "/customers", typed), post(client, "/customers", typed)

    assert first.location == second.location
    assert len(gate.rows("customers", email="new@example.com")) == 1


def test_two_records_from_two_forms_are_two(shop, sign_in):
    client = sign_in()
    for number in ("1", "2"):
        post(client, "/deliveries", {**get(client, "/deliveries/new").form("/deliveries"), "tracking_number": number})

    assert len(gate.rows("deliveries")) == 2


def test_parameters_fill_in_a_new_form(shop, sign_in):
    page = get(sign_in(), "/deliveries/new?order=ORD-1&nonsense=1")

    assert page.form("/deliveries")["order"] == "ORD-1"


def test_what_is_wrong_is_said_beside_the_input_and_on_top_and_everything_typed_stays(shop, sign_in):
    client = sign_in()
    typed = {**get(client, "/orders/new").form("/orders"), "number": "ORD-9", "total": "12,3,4x", "customer": "nobody@example.com",
             "note": "keep <me>", "city": "Köln", "lines-0-product": "TEA", "lines-0-quantity": "-1"}

    page = read(client.post("/orders", data=typed), 422)

    again = page.form("/orders")
    assert {name: again[name] for name in typed if name not in ("csrf_token", "once")} \
        == {name: value for name, value in typed.items() if name not in ("csrf_token", "once")}
    assert again["once"] == typed["once"]
    assert "This is not a number" in page.text
    assert "No customer has the e-mail nobody@example.com" in page.text
    assert {"#total", "#customer"} <= set(page.links())
    assert page.every("input", id="total")[0]["aria-invalid"] == "true"
    assert page.every("input", id="total")[0]["aria-describedby"] == "total-hint total-error"
    assert [attributes for _, attributes in page.tags if "autofocus" in attributes][0]["role"] == "alert"
    assert not gate.rows("orders", number="ORD-9")
    assert not inline(page.html)


def test_a_required_field_left_empty_is_said_by_name(shop, sign_in):
    page = read(sign_in().post("/products", data={"name": "No SKU"}), 422)

    assert "SKU:" in page.text
    assert "Price:" in page.text


def test_a_taken_key_is_said_beside_it(shop, sign_in):
    client = sign_in()

    page = read(client.post("/customers", data={"email": "ada@acme.example", "name": "Another"}), 422)

    assert page.every("input", id="email")[0]["aria-invalid"] == "true"
    assert page.form("/customers")["name"] == "Another"


def test_an_edit_is_saved_with_what_changed_alone(shop, sign_in):
    client, path = sign_in(), f"/orders/{row()['id']}"

    answer = post(client, path, edit(client, path, city="Köln", **{"lines-0-quantity": "5"}))

    assert answer.location == path
    assert row()["version"] == 2
    audit = db.session.query(Audit).filter_by(resource="orders", version=2).one()
    assert sorted(json.loads(audit.diff)) == ["city", "lines"]
    assert (audit.door, audit.actor_id) == ("form", client.user_id)
    assert audit.request_id
    assert "Order ORD-1 is saved" in get(client, answer.location).text


def test_pressing_save_twice_changes_once(shop, sign_in):
    client, path = sign_in(), f"/orders/{row()['id']}"
    typed = edit(client, path, city="Köln")

    post(client, path, typed)
    answer = post(client, path, typed)

    assert row()["version"] == 2
    assert "nothing differs" in get(client, answer.location).text


@pytest.mark.alike("orders")
@pytest.mark.parametrize("name", NAMES)
def test_saving_a_form_as_it_came_changes_nothing(app, sign_in, name):
    """Every kind of value is shown such that reading it again gives the same."""
    resource, client = named(name), sign_in()
    fill(resource, 12)
    with transaction() as session:
        for column, value in (("country", "DE"), ("email", resource.table.c.id.cast(Text) + "@example.com")):
            if column in resource.table.c:
                session.execute(resource.table.update().values({column: value}))

    for id in range(1, 13):
        before = gate.row(name, id=id)
        post(client, f"/{name}/{id}", edit(client, f"/{name}/{id}"))
        assert gate.row(name, id=id) == before, id


def test_a_moment_nobody_touched_keeps_its_seconds(shop, sign_in):
    exact = datetime(2026, 3, 1, 8, 0, 17, 250_000, tzinfo=UTC)
    put("orders", {"id": 77, "number": "X", "total_minor": 1, "currency": "EUR", "status": "draft", "placed_at": exact})
    client = sign_in()

    post(client, "/orders/77", edit(client, "/orders/77", city="Köln"))

    assert row("X")["city"] == "Köln"
    assert row("X")["placed_at"] == exact


def test_moments_are_typed_in_the_time_zone_of_the_person(shop, sign_in):
    put("orders", {"id": 77, "number": "X", "total_minor": 1, "currency": "EUR", "status": "draft", "placed_at": MIDNIGHT})
    client = sign_in(time_zone="America/New_York", email="ny@example.com")
    assert edit(client, "/orders/77")["placed_at"] == "2026-02-28T19:00"

    post(client, "/orders/77", edit(client, "/orders/77", placed_at="2026-02-28T20:30"))

    assert row("X")["placed_at"] == datetime(2026, 3, 1, 1, 30, tzinfo=UTC)


def test_a_tick_taken_off_is_saved(shop, sign_in):
    client, id = sign_in(), gate.row("products", sku="TEA")["id"]
    typed = edit(client, f"/products/{id}")
    assert typed.pop("is_active") == "y"

    post(client, f"/products/{id}", typed)

    assert gate.row("products", sku="TEA")["is_active"] is False


def test_a_reference_emptied_is_emptied(shop, sign_in):
    client, path = sign_in(), f"/orders/{row()['id']}"

    post(client, path, edit(client, path, customer=""))

    assert row()["customer_id"] is None


def test_only_states_that_can_follow_are_offered(shop, sign_in):
    page = get(sign_in(), f"/orders/{row()['id']}/edit")

    start = page.html.index('id="status"')
    assert [word for word in ("draft", "placed", "packing", "shipped", "delivered", "cancelled")
            if f'value="{word}"' in page.html[start:page.html.index("</select>", start)]] == ["placed", "packing", "shipped", "cancelled"]


def test_a_state_that_cannot_follow_is_refused_in_words(shop, sign_in):
    client, path = sign_in(), f"/orders/{row()['id']}"

    page = read(client.post(path, data=edit(client, path, status="delivered", city="Köln")), 422)

    assert "Status:" in page.text
    assert page.form(path)["city"] == "Köln"
    assert row()["status"] == "placed"


def test_lines_are_added_and_taken_out_without_a_script(shop, sign_in):
    client, path = sign_in(), f"/orders/{row()['id']}"

    more = read(client.post(path, data=edit(client, path, city="Köln", add_line="1"))).form(path)
    assert more["lines-1-product"] == ""
    assert more["city"] == "Köln"
    more |= {"lines-1-product": "CUP", "lines-1-quantity": "4"}
    fewer = read(client.post(path, data={**more, "remove_line": "0"})).form(path)
    assert fewer["lines-0-product"] == "CUP"
    assert "lines-1-product" not in fewer
    assert row()["version"] == 1, "nothing is saved until Save"

    post(client, path, fewer)

    assert [(line["product_id"], line["quantity"]) for line in gate.lines()] == [(gate.row("products", sku="CUP")["id"], 4)]
    assert row()["version"] == 2


def test_the_first_line_is_added_without_a_script_and_the_last_one_taken_out(shop, sign_in):
    client = sign_in()
    page = get(client, "/orders/new")
    [add] = page.every("button", name="add_line")

    more = read(client.post(add["formaction"], data={**page.form("/orders"), "number": "ORD-9", "total": "1", "add_line": "1"}))
    [remove] = more.every("button", name="remove_line")
    none = read(client.post(remove["formaction"], data={**more.form("/orders"), "remove_line": "0"}))

    assert more.form("/orders")["number"] == "ORD-9"
    assert more.form("/orders")["lines-0-product"] == ""
    assert none.every("button", name="add_line"), "one can begin again"
    assert add["formaction"] == remove["formaction"] == "/orders/new", "a reload shows this form, not the list"


def test_an_order_that_has_no_lines_can_be_given_some(shop, sign_in):
    act(order("BARE", total="1", status="draft"))
    client, path = sign_in(), f"/orders/{row('BARE')['id']}"
    page = get(client, f"{path}/edit")
    [add] = page.every("button", name="add_line")
    assert add["formaction"] == f"{path}/edit"

    more = read(client.post(add["formaction"], data={**page.form(path), "add_line": "1"})).form(path)
    post(client, path, {**more, "lines-0-product": "TEA"})

    assert [line["quantity"] for line in gate.lines() if line["parent_id"] == row("BARE")["id"]] == [1]


def test_empty_lines_are_left_out_and_wrong_ones_named(shop, sign_in):
    client, path = sign_in(), f"/orders/{row()['id']}"

    page = read(client.post(path, data=edit(client, path, **{"lines-1-product": "", "lines-1-quantity": "", "lines-2-product": "NONE",
                                                             "lines-2-quantity": "1"})), 422)
    assert "Line 2" in page.text, "the empty one does not count"
    post(client, path, edit(client, path, **{"lines-1-product": "", "lines-1-quantity": ""}))

    assert len(gate.lines()) == 1


def test_fields_kept_by_a_provider_are_shown_locked_and_cannot_be_written(live, shop, sign_in):
    act(payment("paid", 10, order={"number": "ORD-1"}), source=EVENT)
    kept = gate.row("payments")
    client, path = sign_in(), f"/payments/{kept['id']}"

    page = get(client, f"{path}/edit")
    post(client, path, {**page.form(path), "amount": "999", "status": "refunded"})

    assert "Kept by stripe." in page.text
    assert "readonly" in page.every("input", id="amount")[0]
    assert gate.row("payments") == kept


def test_a_field_one_may_not_see_is_not_in_the_form_and_stays(shop, sign_in):
    client, path = sign_in("operator"), f"/orders/{row()['id']}"
    typed = edit(client, path, city="Köln")
    assert "phone" not in typed

    post(client, path, {**typed, "phone": "+1"})

    assert (row()["city"], row()["phone"]) == ("Köln", "+49 30 77")
