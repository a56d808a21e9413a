"""An import is mended where it stands, as a person does it: a column, a cell, a workbook that comes back; then it is taken back."""
import re
import time

import openpyxl
import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.alike, pytest.mark.browser, pytest.mark.timeout(300)]
HEADINGS = "Number,Customer,Total,Currency,Placed"


def test_an_import_is_mended_in_its_preview_and_taken_back(enter, downloaded, tmp_path):
    mark, page = f"m{time.time_ns()}", enter("operator")
    page.goto("/customers")
    email = page.locator("tbody td", has_text="@").or_(page.locator("tbody th", has_text="@")).first.inner_text().strip()
    sheet = tmp_path / "orders.csv"
    sheet.write_text(f"{HEADINGS}\n{mark}-1,{email},10.00,EUR,05/13/2026\n{mark}-2,ghost@example.com,20.00,EUR,05/14/2026\n"
                     f"{mark}-3,{email},much,EUR,05/15/2026\n")
    page.goto("/imports/new?resource=orders")
    page.get_by_label("File", exact=True).set_input_files(sheet)
    page.get_by_role("button", name="Upload").click()
    heading = page.get_by_role("heading", name="Preview: nothing is written yet")
    page.get_by_text("31/05/2026", exact=True).click(timeout=60_000)
    page.get_by_role("button", name="Preview 3 rows").click()
    expect(heading).to_be_visible(timeout=60_000)
    expect(page.get_by_role("link", name="Refused 3")).to_be_visible()

    page.get_by_role("link", name="Columns").click()            # the order of days, for the whole column
    page.get_by_text("05/31/2026", exact=True).click()
    page.get_by_role("button", name="Preview 3 rows").click()
    expect(page.get_by_role("link", name="Refused 2")).to_be_visible(timeout=60_000)

    page.get_by_label("Customer of row 3").fill("half of what")
    page.get_by_label("Total of row 4").fill("lots")
    page.get_by_role("button", name="Save row 4").click()
    expect(page.get_by_label("Total of row 4")).to_have_attribute("value", "lots")
    expect(page.get_by_label("Customer of row 3")).to_have_value("half of what")     # it waits for its own Save

    page.get_by_role("link", name="Replace “ghost@example.com” everywhere").click()
    page.get_by_label("Replace with").fill(email)
    page.get_by_role("button", name="Count").click()
    page.get_by_role("button", name="Replace in 1 row").click()
    expect(page.get_by_role("link", name="Refused 1")).to_be_visible()

    page.get_by_label("Total of row 4").fill("a lot")
    page.get_by_role("button", name="Save row 4").click()
    expect(page.get_by_role("status").or_(page.locator(".toast"))).to_contain_text("Row 4 is still refused")
    page.locator("summary", has_text="Mend in a spreadsheet").click()
    path = downloaded(page, page.get_by_role("link", name="Workbook to mend").click)
    book = openpyxl.load_workbook(path)
    assert book.worksheets[0]["D2"].comment
    book.worksheets[0]["D2"] = 30
    book.save(path)
    page.get_by_label("Mended workbook").set_input_files(path)
    page.get_by_role("button", name="Put the rows back").click()
    expect(page.get_by_role("heading", name="1 row put back from the workbook")).to_be_visible(timeout=60_000)

    page.get_by_role("button", name="Import 3 rows").click()
    expect(page.get_by_role("heading", name="Imported: 3 records written")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="Undo the import").click()
    page.get_by_role("button", name=re.compile("^(Undo|Take back)")).click()
    expect(page.get_by_role("heading", name="Taken back", exact=True)).to_be_visible(timeout=60_000)
    page.goto(f"/orders?q={mark}")
    expect(page.locator("tbody")).to_have_count(0)
