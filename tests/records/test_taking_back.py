"""Taking back from the toast, a look at what hangs on a record before it goes, and where a timeline leads."""
import re
from typing import Any

import pytest

from app.audit import Actor, Door
from app.records.changes import Change, Source
from tests.records import gate
from tests.records.gate import EVENT, act, order, payment
from tests.records.pages import Page, get, post, read
from tests.records.shops import MINA, change_order, order_with_a_past, plain


@pytest.fixture
def path(app) -> str:
    return order_with_a_past()


def row() -> dict[str, Any]:
    return gate.row("orders", number="ORD-1")


def toast(page: Page, url: str) -> dict[str, Any]:
    """What the button of the toast sends."""
    return page.form(url)


def saved(client, path: str, **typed: str):
    """Save the form with these inputs; the page that follows, with its toast."""
    form = {**get(client, f"{path}/edit").form(path), **typed}
    return get(client, post(client, path, form).location)


def test_a_save_is_taken_back_from_its_toast(path, sign_in):
    client, before = sign_in("operator"), row()
    page = saved(client, path, city="Rome", status="delivered")
    assert row()["city"] == "Rome"

    back = post(client, f"{path}/revert", toast(page, f"{path}/revert"))

    assert plain(row()) == plain(before), "also where a step back in its life is none staff could choose"
    page = get(client, back.location)
    assert "Order ORD-1 is back at version 3" in page.text
    post(client, f"{path}/revert", toast(page, f"{path}/revert"))
    assert row()["city"] == "Rome", "and taken back the other way"


def led_to(client, page):
    """The words of the entry in the timeline that "See what changed" leads to."""
    address, _, id = page.link("#v").partition("#")
    entry = get(client, address).html.partition(f'<li id="{id}">')[2].partition("</li>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", entry).split())


def test_what_changed_since_is_led_to_however_much_happened_after_it(path, sign_in):
    client = sign_in("operator")
    button = toast(saved(client, path, city="Rome"), f"{path}/revert")
    for number in range(25):
        act(change_order(city=f"City {number}"), source=MINA)

    page = read(client.post(f"{path}/revert", data=button), 409)

    assert "Rome → is now City 0" in led_to(client, page)


def test_a_save_that_changed_nothing_has_nothing_to_take_back(path, sign_in):
    page = saved(sign_in("operator"), path)

    assert "nothing differs" in page.text
    assert f"{path}/revert" not in page.forms


def test_an_undo_is_over_once_somebody_else_changed_the_record_and_says_who(path, sign_in):
    client = sign_in("operator")
    button = toast(saved(client, path, city="Rome"), f"{path}/revert")
    act(change_order(city="Oslo"), source=MINA)

    page = read(client.post(f"{path}/revert", data=button), 409)

    assert "Nothing was reverted" in page.text
    assert "Mina Wolff changed this meanwhile" in page.text
    assert row()["city"] == "Oslo"
    assert "Rome → is now Oslo" in led_to(client, page)


def test_trash_and_restore_are_taken_back_from_their_toasts_unless_somebody_was_faster(path, sign_in):
    client = sign_in("operator")
    listed = get(client, post(client, f"{path}/trash", get(client, f"{path}/trash").form(f"{path}/trash")).location)
    undo = toast(listed, f"{path}/restore")
    page = get(client, post(client, f"{path}/restore", undo).location)
    assert row()["trashed_at"] is None

    redo = toast(page, f"{path}/trash")
    post(client, f"{path}/trash", redo)
    assert row()["trashed_at"] is not None
    act(Change("orders", {"trashed_at": None}, key={"number": "ORD-1"}), source=MINA)

    late = read(client.post(f"{path}/trash", data=redo), 409)
    assert "Nothing was done" in late.text
    assert "Mina Wolff and you changed this meanwhile" in late.text
    assert "moved it to the trash" in led_to(client, late)
    assert row()["trashed_at"] is None


def test_detaching_is_taken_back_from_its_toast(live, app, sign_in):
    act(payment("paid", 1), source=EVENT)
    client, path = sign_in("manager"), f"/payments/{gate.row('payments')['id']}"

    page = get(client, post(client, f"{path}/detach", get(client, path).form(f"{path}/detach")).location)
    assert gate.row("payments")["account"] == ""
    post(client, f"{path}/revert", toast(page, f"{path}/revert"))

    assert gate.row("payments")["account"] == "stripe"
    act(payment("refunded", 2), source=EVENT)
    assert gate.row("payments")["status"] == "refunded", "it is told of again"


# -- before the trash

def test_before_the_trash_one_sees_what_hangs_on_it_with_counts_and_ways_there(path, sign_in):
    act(*(order(f"ORD-{n}", customer="bob@other.example") for n in range(2, 110)), payment("paid", 1, order={"number": "ORD-1"}))
    bob, cup = gate.row("customers", email="bob@other.example")["id"], gate.row("products", sku="CUP")["id"]
    client = sign_in()

    page = get(client, f"/customers/{bob}/trash")
    assert "100+ orders as customer" in page.text.replace("100 +", "100+")
    assert f"/orders?customer={bob}" in page.links()
    assert "They stay as they are and go on naming it." in page.text
    page = get(client, f"/products/{cup}/trash")
    assert "1 order in lines" in page.text
    [link] = [link for link in page.links() if "lines.product" in link]
    assert "ORD-1" in get(client, link).text
    assert "What refers to it" not in get(client, f"/orders/{gate.row('orders', number='ORD-9')['id']}/trash").text
    closed = sign_in("clerk", grants=["customers.read", "customers.trash"])
    assert "orders" not in get(closed, f"/customers/{bob}/trash").links()
    assert "100" not in get(closed, f"/customers/{bob}/trash").text, "nor how many there are of what one may not read"


# -- where the timeline leads

def test_every_entry_leads_to_what_did_it(app, path, sign_in):
    bulk = Source(Door.BULK, gate.ADA, door_id=5)
    token = Source(Door.API, Actor("token", "warehouse (Mara Lindqvist)", 9, ("*",)))
    act(change_order(city="A"), source=bulk)
    act(change_order(city="B"), source=token)
    act(change_order(city="C")._replace(cause=881), source=Source(Door.IMPORT, gate.ADA, door_id=12))

    page = get(sign_in(), path)

    assert "/imports/12?rows=&after=880" in page.links()
    assert "Import 12, row 881" in page.text
    assert "API token “warehouse”" in page.text
    assert "/trail?actor=token:9" in page.links()
    assert "Bulk change 5" in page.text
    assert any(link.endswith("/bulk/5") for link in page.links()) == ("records.bulk_show" in app.view_functions)
