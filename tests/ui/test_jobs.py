"""Ticking jobs in a real browser, in a list that goes on by itself."""
import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.audit import SYSTEM
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.transaction import transaction

pytestmark = [pytest.mark.alike, pytest.mark.browser]


@pytest.fixture
def ids(app):
    """Three jobs, of which the last one waits."""
    with transaction() as session:
        found = [enqueue(session, "exports.run", {"export_id": number}, by=SYSTEM).id for number in range(3)]
        session.execute(sa.update(Job).where(Job.id.in_(found[:2])).values(status="dead", last_error="No room."))
    return found


def test_ticks_hold_the_list_still_and_what_comes_after_can_be_ticked_as_a_whole(ids, browse, drain):
    page = browse("operator")
    page.clock.install()
    page.goto("/jobs")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=str(ids[0]), exact=True))
    count, every = page.locator("[data-pick-count]"), page.get_by_label("Select all on this page")
    row.get_by_role("checkbox").check()
    expect(count).to_have_text("1 selected")
    page.get_by_role("heading", name="Jobs").click()        # the focus is elsewhere
    with transaction() as session:
        session.execute(sa.update(Job).where(Job.id == ids[0]).values(last_error="No room at all."))
    page.clock.run_for(6_000)
    expect(row.get_by_role("checkbox")).to_be_checked()
    expect(row).not_to_contain_text("at all")

    page.get_by_role("button", name="Clear the selection").click()
    page.clock.run_for(6_000)
    expect(row).to_contain_text("No room at all.")
    every.check()
    expect(count).to_have_text("3 selected")
    page.get_by_role("button", name="Discard", exact=True).click()

    expect(page.get_by_role("heading", name="Preview: nothing is discarded yet")).to_be_visible()
    page.get_by_role("button", name="Discard 2 jobs").click()
    drain()
    page.clock.run_for(2_000)
    expect(page.get_by_role("heading", name="2 jobs discarded")).to_be_visible()
