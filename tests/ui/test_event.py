"""The page of an event in a real browser: it goes on by itself while the event is under way, and stands still once it is done."""
import re

import pytest
from playwright.sync_api import expect

from tests.webhooks.conftest import endpoint, events, payment, post

__all__ = ["endpoint", "post"]     # the fixtures of the tests of webhooks
pytestmark = [pytest.mark.alike, pytest.mark.browser]


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


def test_what_was_opened_and_focused_stays_so_when_the_page_goes_on(post, drain, browse):
    post("payment_succeeded")
    page = browse("manager")
    page.goto(f"/webhooks/events/{events()[0].id}")
    inner, outer = page.locator(".tree details details details summary").first, page.locator(".tree details summary").first
    inner.click()
    outer.click()
    expect(outer.locator("xpath=..")).not_to_have_attribute("open", "")
    outer.focus()

    drain()

    expect(page.get_by_role("heading", name="What it changed")).to_be_visible()
    expect(page.locator(".tree details summary").first).to_be_focused()
    expect(page.locator(".tree details").first).not_to_have_attribute("open", "")
    expect(page.locator(".tree details details details").first).to_have_attribute("open", "")


def test_marked_words_hold_the_page_still_until_they_are_let_go(post, drain, browse):
    post("payment_succeeded")
    page = browse("manager")
    page.clock.install()
    page.goto(f"/webhooks/events/{events()[0].id}")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('dl.facts'))")
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    drain()

    page.clock.run_for(10_000)
    assert asked == []
    page.evaluate("getSelection().removeAllRanges()")
    page.clock.run_for(3_000)
    expect(page.get_by_role("heading", name="What it changed")).to_be_visible()
