"""Every kind of page, filled with a shop: no rule of accessibility broken, no sideways scroll, nothing cut on a phone, by day and by night."""
import pytest
from axe_playwright_python.sync_playwright import Axe

pytestmark = [pytest.mark.alike, pytest.mark.browser, pytest.mark.timeout(600)]
STANDARD = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"], "resultTypes": ["violations"]}
MORE_OF_THE_SAME = ":is(tbody > tr, .tl > li):nth-child(n + 13)"     # every row is made as those before it, and contrast is dear
PAGES = ("/", "/products", "/orders?status=placed&total.gte=1&sort=-total", "/orders?status=draft&city=Nowhere", "/orders?nothing=1", "/orders/1", "/payments/1",
         "/orders/1/edit", "/orders/1/trash", "/orders/filter?by=customer", "/orders/bulk?do=edit&id=1,2", "/bulk", "/search?q=example", "/webhooks", "/webhooks/events/1",
         "/imports", "/imports/new", "/imports/1", "/exports", "/exports/1", "/exports/new?resource=orders", "/jobs", "/jobs/1",
         "/integrations", "/integrations/calls", "/trail", "/settings", "/no-such-page")


CUT = "[...document.querySelectorAll('.cards .a-who')].filter(cell => cell.scrollWidth > cell.clientWidth).length"
"""How many cards of a list do not say all of who or what they are about."""
STATUS = {"/no-such-page": 404, "/orders?nothing=1": 400}


@pytest.fixture
def job(enter, tmp_path):
    """There is a job: that of an upload."""
    (tmp_path / "one.csv").write_text("Email\nnobody@example.com\n")
    page = enter("manager")
    page.goto("/imports/new?resource=customers")
    page.get_by_label("File", exact=True).set_input_files(tmp_path / "one.csv")
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/imports/*")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_page_breaks_a_rule_or_scrolls_sideways(job, enter, width, scheme, database):
    if database == "postgresql":
        pytest.skip("pages look the same on both databases")
    # so tall that no bar at the bottom lies over what is below it
    page = enter("manager", width=width, height=4000, color_scheme=scheme, has_touch=width == 390)
    found = {}
    for path in PAGES:
        answer = page.goto(path)
        assert answer
        assert answer.status == STATUS.get(path, 200), path
        wide = page.evaluate("document.documentElement.scrollWidth") - width
        cut = page.evaluate(CUT) if width == 390 else 0
        page.evaluate("selector => document.querySelectorAll(selector).forEach(row => row.remove())", MORE_OF_THE_SAME)
        broken = [(each["id"], each["nodes"][0]["target"]) for each in Axe().run(page, options=STANDARD).response["violations"]]
        if broken or wide > 0 or cut:
            found[path] = (broken, wide, cut)
    assert found == {}
