"""Many records at once, in a real Chromium: ticked, all that match, previewed, changed, taken back."""
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.test_pages import STANDARD

pytestmark = [pytest.mark.alike, pytest.mark.browser, pytest.mark.timeout(300)]


def broken_rules(page):
    return [(each["id"], each["nodes"][0]["target"]) for each in Axe().run(page, options=STANDARD).response["violations"]]


def test_all_that_match_are_changed_and_taken_back(enter):
    page = enter("manager")
    page.goto("/orders?status=placed,packing&limit=2")
    bar = page.locator("form#bulk")
    expect(bar).to_be_hidden()
    page.locator('input[name="id"]').first.check()
    expect(bar).to_contain_text("1 selected")
    expect(bar.get_by_label(re.compile("that match"))).to_be_hidden()
    page.get_by_label("Select all on this page").check()
    expect(bar).to_contain_text("2 selected")
    bar.get_by_label(re.compile("that match")).check()
    bar.get_by_role("button", name="Change status").click()

    expect(page.get_by_role("heading", name=re.compile("Change the status of [0-9]+ orders"))).to_be_visible()
    page.get_by_label("New status").select_option("cancelled")
    page.get_by_role("button", name=re.compile("^Preview [0-9]+ orders")).click()
    expect(page.get_by_role("heading", name="Preview: nothing is written yet")).to_be_visible(timeout=90_000)
    expect(page.locator("tbody tr").first).to_contain_text("Cancelled")
    assert broken_rules(page) == []

    change = page.get_by_role("button", name=re.compile("^Change [0-9,]+ orders"))
    count = re.search("[0-9,]+", change.inner_text())
    change.click()
    assert count
    expect(page.get_by_role("heading", name=f"{count[0]} orders changed")).to_be_visible(timeout=90_000)
    assert broken_rules(page) == []
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Taken back", exact=True)).to_be_visible(timeout=90_000)
    expect(page.locator("nav.views")).to_contain_text(f"Undone {count[0]}")


def test_the_bar_counts_the_ticks_and_once_all_that_match_are_meant_those(enter):
    page = enter("manager")
    page.goto("/orders?status=placed,packing&limit=2")
    bar, everything = page.locator("form#bulk"), page.locator("form#bulk").get_by_label(re.compile("that match"))
    count = bar.locator("[data-pick-count]")
    page.get_by_label("Select all on this page").check()
    expect(count).to_have_text("2 selected")
    many = re.search("[0-9,]+", bar.locator("label").inner_text())
    assert many
    assert int(many[0].replace(",", "")) > 2

    everything.check()
    expect(count).to_have_text(f"{many[0]} selected")
    everything.uncheck()
    expect(count).to_have_text("2 selected")
    everything.check()
    page.locator('input[name="id"]').first.uncheck()
    expect(count).to_have_text("1 selected")
    page.get_by_label("Select all on this page").check()
    expect(everything).not_to_be_checked()
    expect(count).to_have_text("2 selected")


def test_a_field_that_is_filled_in_is_ticked_and_rows_can_be_ticked_by_a_range(enter):
    page = enter("manager")
    page.goto("/orders")
    ticks = page.locator('input[name="id"]')
    ticks.nth(1).click()
    ticks.nth(4).click(modifiers=["Shift"])
    bar = page.locator("form#bulk")
    expect(bar).to_contain_text("4 selected")
    page.get_by_label("Select all on this page").check()
    bar.get_by_role("button", name="Clear the selection").click()
    expect(bar).to_be_hidden()
    ticks.nth(0).click()
    bar.get_by_role("button", name="Edit fields").click()

    page.get_by_label("New value of Note").fill("by hand")

    expect(page.get_by_role("checkbox", name="Note")).to_be_checked()
    expect(page.get_by_role("checkbox", name="City")).not_to_be_checked()


def test_what_a_list_comes_to_is_added_up_anew_when_a_cell_was_edited(enter):
    page = enter("manager")
    page.goto("/orders?totals=1&limit=2")
    foot, cell = page.locator("#totals"), page.locator("tbody tr").first.get_by_role("cell").filter(has_text=re.compile(r"[0-9]\.[0-9]{2}"))
    expect(foot).not_to_contain_text("987,654,321")
    cell.dblclick()
    cell.get_by_role("textbox").fill("987654321000")
    page.keyboard.press("Enter")

    expect(foot).to_contain_text("987,65")
    page.locator(".toast-container").get_by_role("button", name="Undo").click()
    expect(page.locator("#totals")).not_to_contain_text("987,65")


def test_on_a_phone_without_a_script_the_bar_is_there_and_works(enter):
    page = enter("manager", width=390, java_script_enabled=False)
    page.goto("/orders")
    expect(page.get_by_label("Select all on this page")).to_be_hidden()
    page.locator('input[name="id"]').first.check()
    page.locator("form#bulk").get_by_role("button", name="Move to trash").click()

    expect(page.get_by_role("heading", name="Move 1 order to the trash?")).to_be_visible()
