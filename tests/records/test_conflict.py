"""Two people edit one record: nobody's work is lost, what does not collide is merged, the rest is chosen field by field."""
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import escape

from app.audit import Actor
from app.extensions import db
from app.records import conflict, query, timeline
from app.records.changes import Change
from app.records.registry import named
from tests.records import gate
from tests.records.gate import FORM, act, customer, order
from tests.records.pages import Page, get, inline, post, read

MINE = "Köln"


@pytest.fixture
def shop(app):
    act(customer("ada@acme.example", name="Ada"), customer("bob@other.example", name="Bob"))
    act(*(Change("products", {"sku": sku, "name": sku.title(), "price": "5.00", "currency": "EUR"}, only="create") for sku in ("TEA", "CUP")))
    act(order("ORD-1", customer="ada@acme.example", status="placed", city="Berlin", street="Lindenallee 14", total="10",
              lines=[{"product": "TEA", "quantity": 2}]), source=FORM)


@pytest.fixture
def client(shop, sign_in):
    return sign_in()


@pytest.fixture
def path(shop):
    return f"/orders/{row()['id']}"


def row() -> dict[str, Any]:
    return gate.row("orders", number="ORD-1")


def theirs(**values: object) -> None:
    act(Change("orders", values, key={"number": "ORD-1"}), source=FORM._replace(actor=Actor("staff", "ada", 99, ("*",))))


def opened(client, path: str) -> dict[str, Any]:
    return get(client, f"{path}/edit").form(path)


def clash(client, path: str, typed: dict[str, Any]) -> Page:
    return read(client.post(path, data=typed), 409)


def test_a_stale_edit_shows_what_it_was_what_they_made_of_it_and_mine(client, path):
    typed = opened(client, path)
    theirs(city="Leipzig", note="theirs")

    page = clash(client, path, {**typed, "city": MINE, "phone": "+49 1"})

    assert "Order ORD-1 changed while you were editing" in page.text
    assert "ada saved version 2" in page.text
    assert "City Berlin Leipzig Köln" in page.text
    assert "Note ada empty → is now theirs" in page.text
    assert "Phone You empty → is now +49 1" in page.text
    assert "the other 2 fit together and are merged" in page.text
    assert row()["version"] == 2, "nothing is written before somebody chose"
    assert not inline(page.html)


def test_saving_without_a_choice_writes_nothing_and_says_beside_it_what_to_choose(client, path):
    typed = opened(client, path)
    theirs(city="Leipzig", note="theirs")
    page = clash(client, path, {**typed, "city": MINE, "phone": "+49 1"})

    again = clash(client, path, page.form(path))

    assert row()["version"] == 2
    assert again.text.count("Choose what ada saved or what you typed.") == 2, "above the form and beside the field"
    assert "#take-city-theirs" in again.links()
    assert [one["aria-describedby"] for one in again.every("input", name="take-city")] == ["take-city-error"] * 2
    assert [attributes for _, attributes in again.tags if "autofocus" in attributes][0]["role"] == "alert"
    post(client, path, {**again.form(path), "take-city": "mine"})
    assert (row()["city"], row()["note"], row()["phone"]) == (MINE, "theirs", "+49 1")


def test_a_conflict_with_oneself_says_so(client, path):
    typed = opened(client, path)
    post(client, path, {**typed, "city": "Leipzig"})

    page = clash(client, path, {**typed, "city": MINE})

    assert "You saved order ORD-1 after opening this form" in page.text
    assert "this form was older and showed version 1" in page.text
    assert "You, saved before" in page.text
    assert "both" not in page.text.lower()


def test_taking_mine_keeps_both_edits(client, path):
    typed = opened(client, path)
    theirs(city="Leipzig", note="theirs")
    page = clash(client, path, {**typed, "city": MINE, "phone": "+49 1"})

    post(client, path, {**page.form(path), "take-city": "mine"})

    assert (row()["city"], row()["note"], row()["phone"], row()["version"]) == (MINE, "theirs", "+49 1", 3)


def test_taking_theirs_gives_mine_up_and_keeps_the_rest(client, path):
    typed = opened(client, path)
    theirs(city="Leipzig")
    page = clash(client, path, {**typed, "city": MINE, "phone": "+49 1"})
    assert "take-city" not in page.form(path), "nothing is chosen for the person: a browser asks before it saves"

    post(client, path, {**page.form(path), "take-city": "theirs"})

    assert (row()["city"], row()["phone"]) == ("Leipzig", "+49 1")


def test_edits_that_do_not_collide_are_merged_with_one_press(client, path):
    typed = opened(client, path)
    theirs(note="theirs")

    page = clash(client, path, {**typed, "city": MINE})
    post(client, path, page.form(path))

    assert "The two edits do not touch each other" in page.text
    assert (row()["city"], row()["note"], row()["version"]) == (MINE, "theirs", 3)


def test_the_same_edit_by_both_is_no_conflict(client, path):
    typed = opened(client, path)
    theirs(city=MINE)

    answer = post(client, path, {**typed, "city": MINE})

    assert "nothing differs" in get(client, answer.location).text
    assert row()["version"] == 2


def test_all_of_one_side_can_be_taken_at_once(client, path):
    typed = opened(client, path)
    theirs(city="Leipzig", street="Theirs 1")
    page = clash(client, path, {**typed, "city": MINE, "street": "Mine 1", "phone": "+49 1"})

    all_mine = clash(client, path, {**page.form(path), "all": "mine"})
    assert (all_mine.form(path)["take-city"], all_mine.form(path)["take-street"]) == ("mine", "mine")
    assert "City Berlin Leipzig Köln" in all_mine.text
    assert "Phone You empty" in all_mine.text
    all_theirs = clash(client, path, {**all_mine.form(path), "all": "theirs"})
    assert (all_theirs.form(path)["take-city"], all_theirs.form(path)["take-street"]) == ("theirs", "theirs")

    post(client, path, all_mine.form(path))

    assert (row()["city"], row()["street"], row()["phone"]) == (MINE, "Mine 1", "+49 1")


def test_back_to_the_form_brings_what_i_typed_on_top_of_what_they_saved(client, path):
    typed = opened(client, path)
    theirs(city="Leipzig", note="theirs")
    page = clash(client, path, {**typed, "city": MINE, "lines-0-quantity": "7"})

    form = read(client.post(path, data={**page.form(path), "form": "1"})).form(path)

    assert (form["city"], form["note"], form["lines-0-quantity"], form["version"]) == (MINE, "theirs", "7", "2")
    post(client, path, form)
    assert (row()["city"], row()["note"], row()["version"]) == (MINE, "theirs", 3)


def test_a_value_that_can_no_longer_be_saved_says_why_and_cannot_be_taken(client, path):
    typed = opened(client, path)
    theirs(status="shipped")

    page = clash(client, path, {**typed, "status": "cancelled"})

    [mine] = [one for one in page.every("input", name="take-status") if one["value"] == "mine"]
    assert "disabled" in mine
    assert "Shipped" in page.text
    assert 'class="why' in page.html


def test_lines_survive_a_conflict(client, path):
    typed = opened(client, path)
    theirs(note="theirs")
    page = clash(client, path, {**typed, "lines-0-quantity": "9", "lines-1-product": "CUP", "lines-1-quantity": "1"})
    assert "Line added You Cup, 1" in page.text

    post(client, path, page.form(path))

    assert [line["quantity"] for line in gate.lines()] == [9, 1]


def test_lines_both_changed_are_chosen_as_a_whole(client, path):
    typed = opened(client, path)
    theirs(lines=[{"product": "CUP", "quantity": 1}])
    page = clash(client, path, {**typed, "lines-0-quantity": "9"})
    assert "Lines Tea, 2 Cup, 1 Tea, 9" in page.text

    post(client, path, {**page.form(path), "take-lines": "mine"})

    assert [line["quantity"] for line in gate.lines()] == [9]


def test_references_are_shown_by_name(client, path):
    typed = opened(client, path)
    theirs(customer="bob@other.example")

    page = clash(client, path, {**typed, "customer": ""})

    assert "Customer Ada Bob empty" in page.text


def test_a_third_edit_while_choosing_is_a_conflict_again(client, path):
    typed = opened(client, path)
    theirs(city="Leipzig")
    page = clash(client, path, {**typed, "city": MINE})
    theirs(city="Dresden")

    again = clash(client, path, {**page.form(path), "take-city": "mine"})

    assert "City Leipzig Dresden Köln" in again.text
    assert again.form(path)["take-city"] == "mine", "what was chosen stays chosen"
    post(client, path, {**again.form(path), "take-city": "mine"})
    assert (row()["city"], row()["version"]) == (MINE, 4)


def test_choosing_with_a_stale_token_writes_nothing(client, path):
    typed = opened(client, path)
    theirs(city="Leipzig")
    page = clash(client, path, {**typed, "city": MINE})
    client.with_token = False

    form = read(client.post(path, data={**page.form(path), "take-city": "mine", "csrf_token": "stale"}), 400)

    assert row()["city"] == "Leipzig"
    assert form.form(path)["city"] == MINE


def test_several_who_changed_it_are_counted(client, path):
    typed = opened(client, path)
    for name in ("Mina", "Jonas", "Ole"):
        act(Change("orders", {"note": name}, key={"number": "ORD-1"}), source=FORM._replace(actor=Actor("staff", name, 9, ("*",))))

    assert "Ole and 2 others saved version 4" in clash(client, path, {**typed, "note": "x"}).text


def test_fields_of_others_one_may_not_see_are_not_on_the_page(shop, sign_in, path):
    client = sign_in("operator")
    typed = opened(client, path)
    theirs(phone="+49 99", city="Leipzig")

    page = clash(client, path, {**typed, "city": MINE})

    assert "+49 99" not in page.html
    post(client, path, {**page.form(path), "take-city": "mine"})
    assert (row()["phone"], row()["city"]) == ("+49 99", MINE)


def test_every_version_of_a_record_can_be_seen_again(shop, path):
    """The audit takes back what was done, value by value, lines and references too."""
    kind = named("orders")
    seen: dict[int, Any] = {}
    edits: list[dict[str, Any]] = [{"city": "A", "placed_at": "2026-03-01 10:00:05"}, {"customer": "bob@other.example", "lines": []}, {"note": "x", "placed_at": None},
             {"lines": [{"product": "CUP", "quantity": 1}], "status": "packing"}, {"customer": None, "weight": 5}]
    for edit in edits:
        seen[row()["version"]] = plain(query.one(db.session(), kind, row()["id"], gate.ADA))
        theirs(**edit)

    now = query.one(db.session(), kind, row()["id"], gate.ADA)
    for version, then in seen.items():
        assert plain(timeline.as_it_was(kind, now, timeline.since(db.session(), kind, now, version))) == then, version


def plain(record: dict[str, Any]) -> Any:
    """What is stored, as JSON would keep it, without what counts writes."""
    columns = [field.column for field in named("orders").fields if field.kind != "lines"]
    lines = [[line.get(column) for column in ("product_id", "quantity", "unit_price_minor")] for line in record["lines"]]
    return json.loads(json.dumps([{column: record.get(column) for column in columns}, lines], default=str))


@given(st.text("ab <&", max_size=8), st.text("ab <&", max_size=8))
def test_what_is_marked_reads_the_same(before, after):
    marked = str(conflict.marked(before, after))

    assert marked.replace("<mark>", "").replace("</mark>", "") == (str(escape(after)) if after else str(conflict.EMPTY))


@pytest.mark.parametrize(("before", "after", "shown"), [
    ("Lindenallee 14", "Lindenallee 41", "Lindenallee <mark>41</mark>"), ("", "new", "new"), ("a", "", str(conflict.EMPTY)),
    ("Placed", "Shipped", "Shipped"), ("same", "same", "same"), ("a & c", "a & b & c", "a &amp; <mark>b &amp; </mark>c"),
    ("Lindenallee 14", "Lindenallee 14, Hinterhaus", "Lindenallee 14<mark>, Hinterhaus</mark>")])
def test_only_what_differs_is_marked(before, after, shown):
    assert str(conflict.marked(before, after)) == shown
