"""The page of one record in a real browser: notes, going back, Undo in the toast, actions, and who has it open."""
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.audit import Actor, Door
from app.records import actions
from app.records.changes import Change, Source
from tests.records import gate
from tests.records.gate import EVENT, FORM, act, customer, order, payment
from tests.ui.test_browser import STANDARD

pytestmark = [pytest.mark.alike, pytest.mark.browser]
MINA = Source(Door.FORM, Actor("staff", "Mina Wolff", 999, ("*",)))
LONG = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch"


@pytest.fixture
def path(app) -> str:
    """The page of an order at version 2, with a payment."""
    act(customer("ada@acme.example", name="Ada Whitcombe"))
    act(order("ORD-1", customer="ada@acme.example", status="placed", city="Berlin", note="x" * 300), source=FORM)
    act(Change("orders", {"city": LONG, "note": "y" * 300}, key={"number": "ORD-1"}), source=FORM)
    act(payment("paid", 1, order={"number": "ORD-1"}), source=EVENT)
    return f"/orders/{gate.row('orders')['id']}"


def fine(page: Page) -> None:
    """No rule of accessibility is broken, and nothing scrolls sideways."""
    found = Axe().run(page, options=STANDARD).response["violations"]
    assert [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_record_is_noted_on_and_goes_back_with_and_without_scripts(path, browse, scripts):
    page = browse("operator", java_script_enabled=scripts)
    page.goto(path)
    page.get_by_label("Note for your colleagues").fill("Called her\n<b>twice</b>")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".tl .said")).to_have_text("Called her\n<b>twice</b>")
    page.get_by_role("button", name="Remove this note").click()
    expect(page.locator(".tl")).to_contain_text("Operator removed a note")
    expect(page.locator(".tl .said")).to_have_count(0)

    page.get_by_role("link", name="Revert to version 1").click()
    expect(page.locator(".chg")).to_contain_text("Berlin")
    page.get_by_role("button", name="Revert to version 1").click()
    expect(page.get_by_role("status")).to_contain_text("Order ORD-1 is back at version 1")
    assert gate.row("orders")["city"] == "Berlin"

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("Order ORD-1 is back at version 2")
    assert gate.row("orders")["city"] == LONG

    page.get_by_role("link", name="Edit order").click()
    page.locator("#city").fill("Rome")
    page.get_by_role("button", name="Save order").click()
    expect(page.get_by_role("status")).to_contain_text("is saved")
    act(Change("orders", {"city": "Oslo"}, key={"number": "ORD-1"}), source=MINA)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Nothing was reverted")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("Mina Wolff changed this meanwhile")
    assert gate.row("orders")["city"] == "Oslo"


def test_whoever_has_a_record_open_is_seen_by_the_next(path, browse):
    first, second = browse("operator"), browse("manager")
    with first.expect_response(lambda answer: answer.url.endswith(f"{path}/opened")) as told:
        first.goto(path)
    assert told.value.status == 204
    second.goto(path)
    expect(second.locator(".here")).to_contain_text("Operator opened it just now")
    with first.expect_response(lambda answer: answer.url.endswith(f"{path}/opened")):
        first.get_by_role("link", name="Edit order").click()
    second.goto(f"{path}/edit")
    expect(second.locator(".here")).to_contain_text("Operator is editing it")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_the_pages_around_a_record_keep_the_rules(path, browse, width, scheme, monkeypatch):
    monkeypatch.setattr(actions, "_doers", {})
    actions.action("payments", "refund")(lambda actor, resource, row, values: "Done")
    page = browse(width=width, color_scheme=scheme, has_touch=width == 390)
    page.goto(path)
    page.get_by_label("Note for your colleagues").fill("https://example.com/" + "x" * 200)
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".tl .said")).to_be_visible()
    fine(page)
    refund = f"/payments/{gate.row('payments')['id']}/refund"
    for where in (f"{path}/revert?to=1", refund, f"/customers/{gate.row('customers')['id']}/trash"):
        page.goto(where)
        fine(page)
    page.goto(refund)
    page.get_by_label("Amount").fill("much")
    page.get_by_role("button", name="Refund payment").click()
    expect(page.locator(".alertbox")).to_be_focused()
    fine(page)
