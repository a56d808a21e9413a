"""An export as somebody makes it: columns put in order, saved, scheduled, run, downloaded."""
import csv
import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.alike, pytest.mark.browser, pytest.mark.timeout(300)]


def test_columns_are_put_in_order_saved_scheduled_and_run(enter, downloaded):
    page = enter("manager")
    page.goto("/exports/new?resource=orders&status=delivered&sort=-placed_at")
    columns = page.get_by_role("list", name="Columns in order").get_by_role("listitem")
    expect(columns.first).to_contain_text("Order number")
    for name in ("Street", "Phone", "Note", "Weight"):
        page.get_by_role("checkbox", name=name, exact=True).uncheck()
    page.locator("summary", has_text=re.compile("^Customer")).click()
    page.locator('input[value="customer.name"]').check()
    expect(columns.last).to_contain_text("Customer: Name")
    page.get_by_role("button", name="Move Customer: Name up").click()
    page.get_by_role("button", name="Move Status up", exact=True).click()
    expect(columns.nth(1)).to_contain_text("Status")

    page.get_by_label("Name (to save it)").fill("Delivered, with names")
    page.get_by_role("button", name="Save export").click()
    expect(page.get_by_role("heading", name="Delivered, with names")).to_be_visible()
    page.get_by_label("How often").select_option("week")
    page.get_by_label("Time", exact=True).fill("06:30")
    page.get_by_role("button", name="Set the schedule").click()
    expect(page.get_by_text("Every week on Monday at 06:30").first).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused").first).to_be_visible()

    path = downloaded(page, page.get_by_role("button", name="Run now").click)
    heads, *rows = csv.reader(path.read_text("utf-8-sig").splitlines())
    assert heads[:3] == ["Order number", "Status", "Customer"]
    assert "Customer: Name" in heads[:-1]
    assert {row[1] for row in rows} == {"delivered"}
    page.get_by_role("link", name="Exports").first.click()
    expect(page.get_by_role("table", name="Saved exports")).to_contain_text("Delivered, with names")
