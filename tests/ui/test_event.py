"""The page of an event in a real browser: it goes on by itself while the event is under way, and stands still once it is done."""
import re

import pytest
from playwright.sync_api import expect

from tests.webhooks.conftest import endpoint, events, payment, post

__all__ = ["endpoint", "post"]     # the fixtures of the tests of webhooks
pytestmark = [pytest.mark.browser]


def test_an_event_that_is_done_again_shows_what_came_of_it_without_a_reload(post, drain, browse):
    post("payment_succeeded")
    page = browse("operator")
    page.goto(f"/webhooks/events/{events()[0].id}")
    expect(page.locator("#event")).to_have_attribute("data-live", "2")
    expect(page.locator("main")).to_contain_text("What it would change")
    page.evaluate("document.body.dataset.same = 'yes'")

    drain()

    expect(page.get_by_role("heading", name="What it changed")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(f"^Payment {payment().id}$"))).to_be_visible()
    expect(page.get_by_role("button", name="Do it again")).to_be_visible()
    expect(page.locator("#event")).not_to_have_attribute("data-live", re.compile(""))
    expect(page.locator("body")).to_have_attribute("data-same", "yes")
