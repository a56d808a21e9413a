"""Cells of a list edited where they stand, in a real browser."""
import re

import pytest
from playwright.sync_api import expect

from app.audit import Actor
from app.records.changes import Change
from tests.records import gate
from tests.records.gate import FORM, act, customer, order
from tests.ui.test_browser import violations

pytestmark = [pytest.mark.alike, pytest.mark.browser]

MINA = FORM._replace(actor=Actor("staff", "Mina", 9, ("*",)))


@pytest.fixture
def orders(app):
    act(customer("ada@acme.example", name="Ada Lund"), customer("bob@acme.example", name="Bob"))
    act(*(order(f"N-{n}", status="placed", customer="ada@acme.example", channel="web", total="10") for n in (1, 2, 3)))


def cell(page, number, column):
    heads = page.locator("thead th").all_inner_texts()
    return page.get_by_role("row", name=number).locator("td, th").nth(heads.index(column))


def test_a_cell_is_edited_with_the_keyboard_alone(browse, orders):
    page = browse()
    page.goto("/orders")
    cell(page, "N-3", "Customer").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(cell(page, "N-2", "Status")).to_be_focused()
    page.keyboard.press("F2")
    status = page.get_by_label("Status of N-2")
    expect(status).to_be_focused()
    status.select_option("packing")
    page.keyboard.press("Enter")

    expect(cell(page, "N-2", "Status")).to_have_text("Packing")
    expect(cell(page, "N-2", "Status")).to_be_focused()
    assert gate.row("orders", number="N-2")["status"] == "packing"


def test_a_saved_cell_is_announced_and_taken_back_from_its_toast(browse, orders):
    page = browse()
    page.goto("/orders?status=placed")
    expect(page.locator(".toast-container[aria-live=polite]")).to_be_attached()
    cell(page, "N-2", "Channel").dblclick()
    page.get_by_label("Channel of N-2").fill("shop")
    page.keyboard.press("Enter")
    toast = page.locator("[aria-live=polite] .toast")
    expect(toast).to_contain_text("Order N-2 is saved")
    expect(cell(page, "N-2", "Channel")).to_be_focused()

    toast.get_by_role("button", name="Undo").click()

    expect(page.locator(".toast")).to_contain_text("Order N-2 is back at version 1")
    expect(page).to_have_url(re.compile(r"/orders\?status=placed$"))
    expect(cell(page, "N-2", "Channel")).to_have_text("web")


def test_escape_leaves_it_and_a_refusal_stands_beside_it(browse, orders):
    page = browse()
    page.goto("/orders")
    cell(page, "N-1", "Channel").dblclick()
    page.get_by_label("Channel of N-1").fill("shop")
    page.keyboard.press("Escape")
    expect(cell(page, "N-1", "Channel")).to_have_text("web")

    cell(page, "N-1", "Total").dblclick()
    page.get_by_label("Total of N-1").fill("much")
    page.keyboard.press("Enter")
    expect(cell(page, "N-1", "Total").get_by_role("alert")).to_contain_text("This is not")
    expect(page.get_by_label("Total of N-1")).to_have_value("much")
    assert violations(page) == []
    page.get_by_label("Total of N-1").fill("12.50")
    page.keyboard.press("Enter")
    expect(cell(page, "N-1", "Total")).to_contain_text("12.50")


def test_the_pencil_comes_with_the_pointer_and_a_stale_edit_leads_to_both(browse, orders):
    page = browse()
    page.goto("/orders")
    cell(page, "N-1", "Channel").hover()
    cell(page, "N-1", "Channel").get_by_role("link", name="Edit").click()
    expect(page.get_by_label("Channel of N-1")).to_be_focused()
    act(Change("orders", {"channel": "phone"}, key={"number": "N-1"}), source=MINA)
    page.get_by_label("Channel of N-1").fill("shop")
    page.keyboard.press("Enter")

    expect(page.get_by_role("alert")).to_contain_text("Mina changed this meanwhile")
    expect(page.get_by_label("Channel of N-1")).to_have_value("shop")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Order N-1 changed while you were editing")).to_be_visible()
    expect(page.locator("tbody")).to_contain_text("shop")


def test_a_reference_is_found_while_one_types(browse, orders):
    page = browse()
    page.goto("/orders")
    cell(page, "N-1", "Customer").focus()
    page.keyboard.press("Enter")
    box = page.get_by_label("Customer of N-1")
    expect(box).to_have_value("ada@acme.example")
    box.fill("")
    box.press_sequentially("bob")
    expect(page.locator("datalist#customer-list option")).to_have_count(1)
    box.fill("bob@acme.example")
    page.keyboard.press("Enter")

    expect(cell(page, "N-1", "Customer")).to_have_text("Bob")
