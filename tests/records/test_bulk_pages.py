"""The pages of bulk changes: from the ticks of a list to the undo, as a browser without JavaScript sends them."""
import re

import pytest
from sqlalchemy import update

from app.extensions import db
from app.records import bulk_steps, selecting
from app.records.bulk_changes import BulkChange
from app.records.registry import named
from tests.records.bulking import begun, chosen, column, edit, everything, fresh, orders, some_orders, statuses
from tests.records.pages import Page, get, inline, post, read
from tests.records.stock import NAMES, fill


@pytest.fixture
def manager(sign_in):
    return sign_in("manager")


def ticked(page: Page, action: str = "/orders/bulk", **more: object) -> dict[str, object]:
    """The form of the bar with every tick of the page: those belong to it by its id."""
    ids = [tag["value"] for tag in page.every("input", form="bulk", name="id")]
    return {**page.form(action), "id": ids, **more}


def buttons(page: Page) -> list[str]:
    return [tag["value"] for tag in page.every("button", name="do")]


def test_from_ticks_to_preview_to_run_to_undo(manager, drain):
    some_orders("placed", "placed", "delivered")
    list_page = get(manager, "/orders?sort=id")
    asks = post(manager, "/orders/bulk", ticked(list_page, do="status")).location
    form = get(manager, asks)
    assert "Change the status of 3 orders" in form.text
    assert statuses() == ["placed", "placed", "delivered"]
    at = post(manager, "/orders/bulk/start", {**form.form("/orders/bulk/start"), "status": "shipped"}).location
    assert "Working out what would change" in get(manager, at).text
    drain()

    preview = get(manager, at)
    assert "Preview: nothing is written yet" in preview.text
    assert "Status Placed → is now Shipped" in preview.text
    assert "Change 2 orders" in preview.text
    assert "cannot go from Delivered to Shipped" in get(manager, preview.link("rows=refused")).text
    post(manager, f"{at}/run", preview.form(f"{at}/run"))
    drain()

    done = get(manager, at)
    assert "2 orders changed" in done.text
    assert statuses() == ["shipped", "shipped", "delivered"]
    assert at in get(manager, "/orders/1").links(), "the timeline leads to the bulk change"
    post(manager, f"{at}/undo", done.form(f"{at}/undo"))
    drain()
    assert "Taken back" in get(manager, at).text
    assert statuses() == ["placed", "placed", "delivered"]


def test_all_that_match_posts_the_filter_and_no_ids(manager, drain):
    some_orders("placed", "draft", "placed")
    page = get(manager, "/orders?status=placed")

    asks = post(manager, "/orders/bulk", {**page.form("/orders/bulk"), "all": "1", "do": "trash"}).location
    form = get(manager, asks)
    assert ("Move 2 orders to the trash?" in form.text, "Status" in form.text) == (True, True)
    post(manager, "/orders/bulk/start", form.form("/orders/bulk/start"))

    bulk = db.session.query(BulkChange).one()
    assert (bulk.query, bulk.stage) == ("status=placed", "choose")


def test_fields_are_set_that_are_ticked_and_what_is_filled_in_but_not_ticked_is_said(manager, drain):
    some_orders("placed")
    asks = post(manager, "/orders/bulk", {"id": "1", "do": "edit"}).location
    sent = get(manager, asks).form("/orders/bulk/start")

    again = Page(post(manager, "/orders/bulk/start", {**sent, "note": "hello", "set": "city"}, 422).text)
    assert "filled in, but not ticked" in again.text
    assert "hello" in again.html, "what was typed is still there"
    assert "Tick at least one field" in Page(post(manager, "/orders/bulk/start", sent, 422).text).text
    wrong = Page(post(manager, "/orders/bulk/start", {**sent, "currency": "€", "set": "currency"}, 422).text)
    assert "not a currency" in wrong.text
    at = post(manager, "/orders/bulk/start", {**sent, "note": "hello", "set": ["note", "city"]}).location
    drain()

    assert fresh(int(at.rpartition("/")[2])).values == {"note": "hello", "city": ""}


def test_sending_the_form_twice_makes_one_bulk_change(manager):
    some_orders("placed")
    sent = get(manager, "/orders/bulk?do=trash&id=1").form("/orders/bulk/start")

    assert post(manager, "/orders/bulk/start", sent).location == post(manager, "/orders/bulk/start", sent).location
    assert db.session.query(BulkChange).count() == 1


def test_nothing_ticked_leads_back_with_a_word(manager):
    some_orders("placed")

    answer = post(manager, "/orders/bulk", {"do": "edit", "list": "status=placed"})

    assert answer.location == "/orders?status=placed"
    assert "Tick some rows first" in get(manager, answer.location).text


def test_the_trash_offers_to_restore_and_nothing_else_but_export(manager):
    some_orders("placed", "placed")
    with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(update(orders).where(orders.c.id == 1).values(trashed_at=orders.c.created_at))

    assert buttons(get(manager, "/orders?trashed=only")) == ["restore", "export"]
    assert buttons(get(manager, "/orders")) == ["status", "edit", "export", "trash"]


def test_export_takes_the_ticked_rows_or_the_list(manager):
    some_orders("placed", "placed")

    some = post(manager, "/orders/bulk", {"id": ["1"], "do": "export", "list": "status=placed"}).location
    every = post(manager, "/orders/bulk", {"all": "1", "do": "export", "list": "status=placed"}).location

    assert "Export 1 order" in get(manager, some).text
    assert "Export 2 orders" in get(manager, every).text


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_others_see_no_ticks_and_reach_no_bulk_page(sign_in, role):
    some_orders("placed")
    who = sign_in(role)

    page = get(who, "/orders")
    assert (page.every("input", form="bulk"), "select.js" in page.html) == ([], False)
    assert who.get("/orders/bulk?do=edit&id=1").status_code == 403
    assert who.post("/orders/bulk/start", data={"do": "trash", "id": "1"}).status_code == 403
    bulk_id = begun(chosen(1), note="x")
    assert who.get(f"/bulk/{bulk_id}").status_code == 404, "it is somebody else's"
    assert who.post(f"/bulk/{bulk_id}/run").status_code in (403, 404)
    assert "People with the role manager" in get(who, "/bulk").text


def test_somebody_who_lost_the_right_sees_their_own_but_cannot_act(sign_in, user, drain):
    some_orders("placed")
    boss = sign_in("manager")
    sent = get(boss, "/orders/bulk?do=trash&id=1").form("/orders/bulk/start")
    at = post(boss, "/orders/bulk/start", sent).location
    drain()
    with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.exec_driver_sql(f"UPDATE users SET role = 'viewer' WHERE id = {boss.user_id}")

    assert "Move 1 order" not in get(boss, at).text.replace("Move to the trash", "")
    assert boss.post(f"{at}/run").status_code == 403


def test_ids_out_of_ones_scope_are_neither_counted_nor_shown(sign_in, user, drain):
    some_orders("placed", "placed")
    edit(2, channel="shop")
    narrow = sign_in("manager", scopes={"orders": "channel=shop"})

    assert "Edit 1 order" in get(narrow, "/orders/bulk?do=edit&id=1,2").text
    assert "None of these is there any more" in get(narrow, "/orders/bulk?do=edit&id=1").text
    bulk_id = begun(everything(), note="secret")
    drain()
    page = get(narrow, f"/bulk/{bulk_id}")
    assert ("N2" in page.text, "N1" in page.text, "Order 1" in page.text) == (True, False, True)
    assert len(re.findall("secret", "".join(page.words))) == 2, "in the head, and in the row that may be seen"


def test_values_of_fields_one_may_not_read_are_not_shown(sign_in, drain):
    some_orders("placed")
    bulk_id = begun(chosen(1), phone="0151 234", note="n")
    drain()
    page = get(sign_in("manager", email="blind@example.com"), f"/bulk/{bulk_id}")
    assert "0151 234" in page.text
    with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE users SET role = 'viewer', grants = '[\"*.bulk\"]'")

    again = sign_in("viewer", email="other@example.com", grants=["*.bulk"])
    page = get(again, f"/bulk/{bulk_id}")
    assert ("0151 234" in page.html, "Note" in page.text) == (False, True)


@pytest.mark.parametrize("address", [
    "/orders/bulk?do=edit&id=x", "/orders/bulk?do=edit&id=99999999999999999999", "/orders/bulk?do=edit&id=0",
    "/orders/bulk?do=edit&all=1&list=shoe%3D1"])
def test_what_cannot_be_read_is_said_and_crashes_nothing(manager, address):
    assert manager.get(address).status_code == 400


def test_strange_addresses_are_no_pages(manager):
    assert manager.get("/orders/bulk?do=shoe&id=1").status_code == 404
    assert "No record is chosen" in get(manager, "/orders/bulk?do=edit", 400).text
    assert manager.get("/bulk/99").status_code == 404
    assert manager.post("/orders/bulk/start", data={"do": "shoe", "id": "1"}).status_code == 400


def test_more_ids_than_a_page_has_are_refused_with_the_way_out(manager):
    answer = manager.post("/orders/bulk", data={"id": [str(id) for id in range(1, 202)], "do": "edit"})

    assert (answer.status_code, "choose all that match" in answer.text) == (400, True)


def test_too_many_are_said_before_anything_is_asked(manager, monkeypatch):
    monkeypatch.setattr(selecting, "LARGEST", 1)
    some_orders("placed", "placed")

    page = get(manager, "/orders/bulk?do=edit&all=1")

    assert "These are too many at once" in page.text
    assert "/orders/bulk/start" not in page.forms


@pytest.mark.alike("orders")
@pytest.mark.parametrize("resource", NAMES)
def test_every_kind_of_record_can_be_edited_and_trashed_in_bulk(manager, drain, resource):
    fill(named(resource), 3)
    page = get(manager, f"/{resource}")
    assert {"edit", "trash"} <= set(buttons(page))
    for deed in buttons(page):
        answer = post(manager, f"/{resource}/bulk", ticked(page, f"/{resource}/bulk", do=deed))
        shown = get(manager, answer.location)
        assert not inline(shown.html)
    sent = get(manager, f"/{resource}/bulk?do=trash&all=1").form(f"/{resource}/bulk/start")
    at = post(manager, f"/{resource}/bulk/start", sent).location
    drain()
    post(manager, f"{at}/run", {})
    drain()
    assert re.search("3 [a-z]+ moved to the trash", get(manager, at).text)


def test_the_list_of_bulk_changes_says_what_each_did_and_an_empty_one_how_to_begin(manager, drain):
    assert "Nothing was changed in bulk yet" in get(manager, "/bulk").text
    some_orders("placed", "delivered")
    begun(everything(), "status", status="shipped")
    begun(everything(), "trash")
    drain()

    page = get(manager, "/bulk")
    assert [word for word in ("Status: Shipped", "Move to the trash", "1 refused") if word not in page.text] == []
    assert "/bulk" in get(manager, "/jobs").links()


def test_what_failed_says_why_and_what_is_stopped_can_go_on(manager, drain, monkeypatch):
    some_orders("placed")
    bulk_id = begun(everything(), note="x")
    monkeypatch.setattr(bulk_steps, "LARGEST", 0)
    drain()
    page = get(manager, f"/bulk/{bulk_id}")
    assert re.search("It failed.*Narrow the list", page.text)
    monkeypatch.undo()

    post(manager, f"/bulk/{bulk_id}/go-on", page.form(f"/bulk/{bulk_id}/go-on"))
    drain()

    assert "Preview: nothing is written yet" in get(manager, f"/bulk/{bulk_id}").text
    post(manager, f"/bulk/{bulk_id}/stop", {})
    assert "was cancelled" in get(manager, f"/bulk/{bulk_id}").text
    assert column("note") == [None]


def test_running_one_that_is_not_ready_says_so_on_its_page(manager):
    some_orders("placed")
    bulk_id = begun(everything(), note="x")

    answer = post(manager, f"/bulk/{bulk_id}/run", {})

    assert "There is no preview to run" in get(manager, answer.location).text


def test_a_status_nobody_chose_is_asked_for_in_the_words_of_the_field_with_the_focus_on_it(manager):
    some_orders("placed", "placed")
    form = get(manager, "/orders/bulk?do=status&id=1,2")

    page = read(manager.post("/orders/bulk/start", data=form.form("/orders/bulk/start")), 422)

    [status] = page.every("select", name="status")
    assert ("autofocus" in status, status["aria-invalid"]) == (True, "true")
    assert "Choose a status." in page.text
    assert "to mend" not in page.text


def test_a_field_ticked_and_empty_that_cannot_be_is_named(manager):
    some_orders("placed", "placed")
    form = get(manager, "/orders/bulk?do=edit&id=1,2").form("/orders/bulk/start")

    page = read(manager.post("/orders/bulk/start", data={**form, "set": ["total", "status"]}), 422)

    assert "Total: Fill in a total, or do not tick it." in page.text
    assert "Status: Choose a status, or do not tick it." in page.text
