"""The page of an event in a real browser: it goes on by itself while the event is under way, and stands still once it is done."""
import re

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from app.transaction import transaction
from app.webhooks.models import Event
from tests.webhooks.conftest import BAD, STRIPE_SECRET, _afresh, endpoint, events, payment, post

__all__ = ["_afresh", "endpoint", "post"]     # the fixtures of the tests of webhooks
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


def test_what_a_retry_would_change_is_seen_before_it_is_pressed(post, drain, browse):
    post("payment_created")
    drain()
    post("payment_succeeded")
    with transaction() as session:
        session.execute(update(Event).where(Event.id == events()[-1].id).values(status="dead", attempts=10, last_error="The worker stopped."))
    page = browse("operator")
    page.goto(f"/webhooks/events/{events()[-1].id}")
    preview = page.locator("section", has=page.get_by_role("heading", name="What a retry would change"))
    expect(preview).to_contain_text("Pending")
    expect(preview).to_contain_text("Paid")
    assert payment().status == "pending"

    page.get_by_role("button", name="Retry", exact=True).click()
    expect(page.locator("main")).to_contain_text("Operator queued it again")
    drain()

    expect(page.get_by_role("heading", name="What it changed")).to_be_visible()
    assert payment().status == "paid"


def test_many_are_retried_after_a_preview_and_the_page_goes_on_by_itself(post, drain, browse):
    for number in range(3):
        post(BAD, "standard", id=f"msg_{number}")
    drain()
    page = browse("operator")
    page.goto("/webhooks?status=dead")
    page.get_by_role("link", name="Preview retry of 3").click()
    expect(page.locator("main")).to_contain_text("was refused")
    page.get_by_role("button", name="Retry 3 events").click()
    expect(page.locator("#many")).to_have_attribute("data-live", "1")

    drain()

    expect(page.get_by_role("heading", name="3 events queued again")).to_be_visible()
    page.get_by_role("link", name="Back to the events").click()
    expect(page.get_by_role("link", name="Preview retry of 3")).to_be_visible()


def test_filters_are_added_and_taken_away(post, drain, browse):
    post("payment_succeeded")
    post("unknown_kind")
    drain()
    page = browse("manager", width=390)
    page.goto("/webhooks")
    page.get_by_text("Add filter").click()
    page.get_by_label("Text in the payload").fill("evt_pi_succeeded")
    page.get_by_role("button", name="Show events").click()

    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Remove filter: Payload has evt_pi_succeeded").click()
    expect(page.get_by_role("row")).to_have_count(3)


def test_an_endpoint_from_nothing_to_its_first_event(app, browse):
    page = browse("admin")
    page.goto("/webhooks")
    page.get_by_role("link", name="Add endpoint").click()
    page.get_by_role("link", name="Stripe").click()
    expect(page.get_by_role("heading", name="Add an endpoint of Stripe")).to_be_visible()
    page.get_by_label("Name").fill("Stripe EU")
    page.get_by_label("Signing secret").fill(STRIPE_SECRET)
    page.get_by_role("button", name="Add endpoint").click()
    expect(page.get_by_label("The address of this endpoint")).to_have_value(re.compile(r"/hooks/stripe/\S{20,}"))
    expect(page.locator("main")).to_contain_text("Nothing came in.")

    page.get_by_role("button", name="Send a test event").click()

    expect(page.get_by_role("heading", name="backroom.test")).to_be_visible()
    expect(page.locator("main")).to_contain_text("Valid, secret ending a3f1")
    page.go_back()
    page.locator("main").get_by_role("link", name="Settings").first.click()
    page.get_by_label("Who may post").fill("203.0.113.0/24")
    page.get_by_role("button", name="Save settings").click()
    expect(page.locator("main")).to_contain_text("203.0.113.0/24")
