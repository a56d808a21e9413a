"""The form of a record and what follows a save, in a real browser: lines, where labels stand, choosing a side."""
import pytest
from playwright.sync_api import expect

from app.audit import Actor
from app.records.changes import Change
from tests.records import gate
from tests.records.gate import FORM, act, order

pytestmark = [pytest.mark.alike, pytest.mark.browser]

MINA = FORM._replace(actor=Actor("staff", "Mina", 99, ("*",)))
LONG = "N" + "0123456789" * 3


@pytest.fixture
def path(app):
    act(Change("products", {"sku": "TEA", "name": "TEA", "price": "5", "currency": "EUR"}, only="create"))
    act(order(LONG, status="draft", total="10", city="Berlin"))
    return f"/orders/{gate.row('orders', number=LONG)['id']}"


def top(page, label):
    return page.get_by_text(label, exact=True).first.bounding_box()["y"]


@pytest.mark.parametrize("scripted", [True, False])
def test_lines_come_and_go_down_to_none_with_a_script_and_without(browse, path, scripted):
    page = browse(java_script_enabled=scripted)
    page.goto(f"{path}/edit")
    for _ in range(2):
        page.get_by_role("button", name="Add line").click()
        expect(page.get_by_label("Product, line 1")).to_be_visible()
        page.get_by_role("button", name="Remove line 1").click()
        expect(page.get_by_label("Product, line 1")).to_have_count(0)
    page.get_by_role("button", name="Add line").click()
    page.get_by_label("Product, line 1").fill("TEA")
    expect(page).to_have_url(f"{page.url.split('/orders')[0]}{path}/edit")
    page.get_by_role("button", name="Save order").click()

    expect(page.get_by_role("heading", name="Lines")).to_be_visible()
    expect(page.get_by_role("row", name="TEA")).to_be_visible()


def test_labels_of_one_row_stand_at_one_height_and_a_currency_beside_its_amount(browse, path):
    page = browse(width=1440)
    page.goto("/orders/new")

    assert top(page, "Order number") == top(page, "Status") == page.locator("label[for=customer]").bounding_box()["y"]
    total, currency = page.locator("#total").bounding_box(), page.locator("#currency").bounding_box()
    assert total["y"] == currency["y"]
    assert 0 < currency["x"] - total["x"] - total["width"] < 20


def test_of_two_sides_none_looks_chosen_and_saving_asks_for_one_with_the_focus(browse, path):
    page = browse(width=1440)
    page.goto(f"{path}/edit")
    page.get_by_label("City").fill("Rome")
    act(Change("orders", {"city": "Paris"}, key={"number": LONG}), source=MINA)
    page.get_by_role("button", name="Save order").click()
    sides = page.get_by_role("radio")
    expect(sides).to_have_count(2)

    for side in (sides.nth(0), sides.nth(1)):
        expect(side).not_to_be_checked()
        assert side.evaluate("one => getComputedStyle(one).backgroundColor === getComputedStyle(document.body).backgroundColor")
        assert side.evaluate("one => getComputedStyle(one, '::before').content") == "none"
    page.get_by_role("button", name="Save merged order").click()

    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("City: Choose what Mina saved or what you typed.")
    page.get_by_label("Rome").check()
    page.get_by_role("button", name="Save merged order").click()
    expect(page.get_by_text("is saved")).to_be_visible()
    assert gate.row("orders", number=LONG)["city"] == "Rome"


def test_a_view_with_one_long_word_for_a_name_fits_a_phone_and_leaves_the_trash_in_sight(browse, path):
    page = browse(width=390, height=800)
    page.goto("/orders?city=Berlin")
    page.get_by_role("link", name="Save view").click()
    page.get_by_label("Name").fill("W" * 60)
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("navigation", name="Views of orders").get_by_role("link", name="Trash")).to_be_in_viewport(ratio=0.9)
    page.goto("/orders/views")

    expect(page.get_by_role("link", name="W" * 60)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_a_long_number_keeps_the_whole_width_of_a_phone(browse, path):
    page = browse(width=390, height=800)
    page.goto(path)

    heading, button = page.get_by_role("heading", level=1), page.get_by_role("link", name="Edit order")
    expect(button).to_be_visible()
    assert heading.bounding_box()["y"] + heading.bounding_box()["height"] <= button.bounding_box()["y"]


def test_the_hint_of_the_search_is_whole_on_a_phone(browse, path):
    page = browse(width=390, height=800)
    page.goto(path)

    hint = page.get_by_role("searchbox", name="Search all records")
    assert hint.evaluate("""one => { const pen = document.createElement("canvas").getContext("2d"), look = getComputedStyle(one);
      pen.font = look.font;
      return pen.measureText(one.placeholder).width <= one.clientWidth - parseFloat(look.paddingLeft) - parseFloat(look.paddingRight); }""")
