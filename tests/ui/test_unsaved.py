"""What was typed is not left behind without a word, and the way back to a list is the way one came."""
import pytest
from playwright.sync_api import Dialog, expect

from tests.records import gate
from tests.records.gate import act, customer, order

pytestmark = [pytest.mark.alike, pytest.mark.browser]


@pytest.fixture
def path(app):
    act(order("ORD-1", status="placed", city="Berlin"))
    return f"/orders/{gate.row('orders', number='ORD-1')['id']}"


@pytest.fixture
def asked(browse):
    """A page that counts how often the browser asks whether to leave; each time the answer is to stay."""
    page = browse()
    questions: list[str] = []

    def stay(dialog: Dialog) -> None:
        questions.append(dialog.type)
        dialog.dismiss()
    page.on("dialog", stay)
    return page, questions


@pytest.mark.parametrize("where", ["/edit", "/new"])
def test_leaving_a_form_with_changes_asks_and_without_does_not(path, asked, where):
    page, questions = asked
    page.goto("/orders")
    page.goto(f"{path}{where}" if where == "/edit" else "/orders/new")
    page.get_by_label("City").fill("Köln")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Payments").click()
    expect(page.get_by_label("City")).to_have_value("Köln")
    assert questions == ["beforeunload"]

    page.get_by_label("City").fill("Berlin" if where == "/edit" else "")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Payments").click()
    expect(page.get_by_role("heading", name="Payments", exact=True)).to_be_visible()
    assert questions == ["beforeunload"]


def test_saving_and_discarding_ask_nothing_and_coming_back_asks_again(path, asked):
    page, questions = asked
    page.goto(f"{path}/edit")
    page.get_by_label("City").fill("Köln")
    page.get_by_role("button", name="Save order").click()
    expect(page.get_by_role("status")).to_contain_text("is saved")
    page.get_by_role("link", name="Edit order").click()
    page.get_by_label("City").fill("Rome")
    page.get_by_role("link", name="Discard my edits").click()
    expect(page.get_by_role("heading", name="Order ORD-1")).to_be_visible()
    assert questions == []

    page.go_back()
    page.get_by_label("City").fill("Oslo")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Payments").click()
    expect(page.get_by_label("City")).to_have_value("Oslo")
    assert questions == ["beforeunload"]


def test_what_came_back_from_the_server_with_an_error_is_held_too(path, asked):
    page, questions = asked
    page.goto(f"{path}/edit")
    page.get_by_label("Weight").fill("heavy")
    page.get_by_role("button", name="Save order").click()
    expect(page.get_by_role("alert")).to_contain_text("Weight")
    page.get_by_label("City").click()      # browsers ask only for pages somebody touched
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Payments").click()
    expect(page.get_by_label("Weight")).to_have_value("heavy")
    assert questions == ["beforeunload"]


def test_a_cell_under_edit_is_held(path, asked):
    page, questions = asked
    page.goto("/orders")
    page.get_by_role("row", name="ORD-1").locator("td").nth(4).dblclick()
    page.get_by_label("Channel of ORD-1").fill("shop")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Payments").click()
    expect(page.get_by_label("Channel of ORD-1")).to_have_value("shop")
    assert questions == ["beforeunload"]


def test_one_comes_back_to_the_same_page_of_the_list_at_the_same_place(app, browse):
    act(customer("ada@acme.example", name="Ada"), *(order(f"N-{n}", status="placed", city="Berlin") for n in range(100, 220)))
    page = browse(height=500)
    page.goto("/orders?status=placed&limit=50")
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**after=**")
    list_at = page.url
    number = page.locator("tbody th a").nth(30)
    name = number.inner_text()
    number.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    number.click()
    page.get_by_role("link", name="Edit order").click()
    page.get_by_label("City").fill("Köln")
    page.get_by_role("button", name="Save and go to the list").click()

    expect(page).to_have_url(list_at)
    expect(page.get_by_role("status")).to_contain_text(f"Order {name} is saved")
    marked = page.locator("tbody tr[aria-current=true]")
    expect(marked).to_contain_text(name)
    expect(marked).to_be_in_viewport()
    assert before > 0
    page.wait_for_function(f"scrollY === {before}")

    marked.get_by_role("link", name=name).click()
    page.get_by_role("navigation", name="Where you are").get_by_role("link", name="Orders").click()
    expect(page).to_have_url(list_at)
    expect(marked).to_be_in_viewport()
