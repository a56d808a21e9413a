"""Record pages in a real browser: quick with JavaScript, whole without it, on a phone, at night, for everybody."""
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.audit import Actor, Door
from app.records.changes import Change, Source
from tests.records import gate
from tests.records.gate import FORM, act, customer, order

pytestmark = [pytest.mark.alike, pytest.mark.browser]
STANDARD = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture
def shop(app):
    act(customer("ada@acme.example", name="Ada Whitcombe"), customer("adam@other.example", name="Adam"))
    act(*(Change("products", {"sku": sku, "name": sku.title(), "price": "5.00", "currency": "EUR"}, only="create") for sku in ("TEA", "CUP")))
    act(*(order(f"ORD-{n}", customer="ada@acme.example", status="placed", total="10", note="A note", city="Berlin",
                lines=[{"product": "TEA", "quantity": 2}]) for n in range(1, 30)), source=FORM)
    act(Change("orders", {"city": "Leipzig"}, key={"number": "ORD-1"}), source=FORM)
    return gate.row("orders", number="ORD-1")["id"]


def violations(page: Page) -> list[tuple[str, object]]:
    found = Axe().run(page, options=STANDARD).response["violations"]
    return [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]


def test_errors_and_conflicts_keep_the_rules_too(shop, browse):
    page = browse()
    page.goto(f"/orders/{shop}/edit")
    page.fill("#total", "x")
    page.fill("#city", "Mine")
    page.get_by_role("button", name="Save order").click()
    expect(page.locator(".alertbox")).to_be_focused()
    assert violations(page) == []
    page.get_by_role("link", name="Total").click()
    expect(page.locator("#total")).to_be_focused()
    page.fill("#total", "11")
    act(Change("orders", {"city": "Theirs"}, key={"id": shop}), source=Source(Door.FORM, Actor("staff", "bob", id=99, grants=("*",))))
    page.get_by_role("button", name="Save order").click()
    expect(page.get_by_role("heading", name="changed while you were editing")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Mine").check()
    page.get_by_role("button", name="Save merged order").click()
    expect(page.get_by_role("status")).to_contain_text("is saved")
    assert gate.row("orders", id=shop)["city"] == "Mine"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_record_is_found_edited_and_trashed_with_and_without_scripts(shop, browse, scripts):
    page = browse("operator", java_script_enabled=scripts)
    page.goto("/")
    page.goto("/orders")
    page.locator("summary", has_text="Add filter").click()
    page.get_by_role("link", name="City").click()
    page.locator("#op").select_option("contains")
    page.locator("#value").fill("leip")
    page.get_by_role("button", name="Show orders").click()
    page.get_by_role("link", name="ORD-1", exact=True).click()
    page.get_by_role("link", name="Edit order").click()
    page.get_by_role("button", name="Add line").click()
    page.locator("[name=lines-1-product]").fill("CUP")
    page.locator("[name=lines-1-quantity]").fill("3")
    page.get_by_role("button", name="Remove line 1").click()
    expect(page.locator("[name=lines-0-product]")).to_have_value("CUP")
    page.locator("#city").fill("Dresden")
    page.get_by_role("button", name="Save order").click()
    expect(page.get_by_role("status")).to_contain_text("Order ORD-1 is saved")
    assert [line["quantity"] for line in gate.lines() if line["parent_id"] == shop] == [3]
    page.locator("summary", has_text="More").last.click()
    page.get_by_role("link", name="Move to trash").click()
    page.get_by_role("button", name="Move order to trash").click()
    expect(page).to_have_url("http://127.0.0.1:" + page.url.split(":")[2].split("/")[0] + "/orders?city.contains=leip")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status")).to_contain_text("is back")


def test_a_picker_offers_records_while_one_types(shop, browse):
    page = browse()
    page.goto("/orders/new")
    page.locator("#customer").press_sequentially("ada")

    expect(page.locator("#customer-list option")).to_have_count(2)
    values = page.locator("#customer-list option").evaluate_all("all => all.map(one => one.value)")
    assert sorted(values) == ["ada@acme.example", "adam@other.example"]


def test_orders_are_found_by_the_name_of_a_customer_offered_while_one_types(shop, browse):
    page = browse()
    page.goto("/orders")
    page.locator("summary", has_text="Add filter").click()
    page.locator(".add-filter").get_by_role("link", name="Customer").click()
    page.locator("#value").press_sequentially("Whit")
    expect(page.locator("#value-list option")).to_have_count(1)
    page.get_by_role("button", name="Show orders").click()

    expect(page.locator(".chip")).to_contain_text("contains “Whit”")
    expect(page.get_by_role("link", name="ORD-1", exact=True)).to_be_visible()


def test_enter_in_a_field_saves_and_does_not_add_a_line(shop, browse):
    page = browse()
    page.goto(f"/orders/{shop}/edit")
    page.locator("#city").fill("Köln")
    page.locator("#city").press("Enter")

    expect(page.get_by_role("status")).to_contain_text("is saved")
    assert gate.row("orders", id=shop)["city"] == "Köln"


def test_the_look_is_chosen_by_hand_and_stays(shop, browse):
    page = browse(color_scheme="light")
    page.goto("/orders?sort=-total")
    page.locator("summary:has(.me)").click()
    page.get_by_role("button", name="Dark").click()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(22, 25, 29)")
    page.goto("/customers")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_menus_close_on_escape_and_on_a_click_beside_them(shop, browse):
    page = browse()
    page.goto("/orders")
    menu = page.locator("details.add-filter")
    menu.locator("summary").click()
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("summary")).to_be_focused()
    menu.locator("summary").click()
    page.get_by_role("heading", name="Orders", exact=True).click()
    expect(menu).not_to_have_attribute("open", "")


def test_the_search_is_one_key_away_and_jumps(shop, browse):
    page = browse()
    page.goto("/customers")
    page.keyboard.press("Control+k")
    page.keyboard.type("ORD-1")
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Order ORD-1")).to_be_visible()


def test_the_menu_of_a_phone_opens_without_scripts(shop, browse):
    page = browse(width=390, java_script_enabled=False)
    page.goto("/orders")
    page.get_by_role("button", name="Menu").click()

    expect(page.get_by_role("link", name="Customers")).to_be_visible()
    page.get_by_role("link", name="Customers").click()
    expect(page.get_by_role("heading", name="Customers", exact=True)).to_be_visible()


def test_a_form_is_sent_once_however_often_its_button_is_pressed(shop, browse):
    page = browse()
    page.goto("/customers/new")
    page.locator("#email").fill("new@example.com")
    sends = page.evaluate("""() => {
        const form = document.querySelector("form.fill");
        const press = () => form.dispatchEvent(new SubmitEvent("submit", { bubbles: true, cancelable: true }));
        const both = [press(), press()];
        dispatchEvent(new PageTransitionEvent("pageshow"));
        return [...both, press()];
    }""")
    assert sends == [True, False, True], "the second press does nothing, until the page comes back from history"
    page.reload()
    page.locator("#email").fill("new@example.com")
    page.get_by_role("button", name="Create customer").dblclick()

    expect(page.get_by_role("status")).to_contain_text("is created")
    assert len(gate.rows("customers", email="new@example.com")) == 1
