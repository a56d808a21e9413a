"""What a list shows of itself, in a real browser."""
import pytest
from playwright.sync_api import expect

from tests.records.gate import act, order
from tests.ui.test_browser import violations

pytestmark = [pytest.mark.alike, pytest.mark.browser]


def test_columns_that_sort_look_and_sound_unlike_those_that_do_not(app, browse):
    act(order("N-1", status="placed"))
    page = browse()
    page.goto("/orders")
    sorts, plain = page.get_by_role("columnheader", name="Status"), page.get_by_role("columnheader", name="Customer")

    expect(sorts.get_by_role("link")).to_have_accessible_description("Sorts the list")
    expect(sorts.get_by_role("link")).to_have_css("cursor", "pointer")
    assert sorts.get_by_role("link").evaluate("link => getComputedStyle(link, '::after').clipPath").startswith("polygon")
    expect(plain.get_by_role("link")).to_have_count(0)
    expect(plain).to_have_css("cursor", "default")

    sorts.get_by_role("link").click()
    expect(sorts).to_have_attribute("aria-sort", "ascending")
    assert sorts.get_by_role("link").evaluate("link => getComputedStyle(link, '::after').display") == "none", "the arrow says it"
    assert violations(page) == []


def test_the_cards_of_a_phone_are_still_the_rows_of_a_table(app, browse):
    act(order("N-1", status="placed", total="5"))
    page = browse(width=390)
    page.goto("/orders")

    expect(page.get_by_role("row", name="N-1").get_by_role("rowheader")).to_have_text("N-1")
    expect(page.get_by_role("row", name="N-1").get_by_role("cell").nth(1)).to_be_visible()
    assert violations(page) == []
