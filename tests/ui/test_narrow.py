"""Pages with values longer than anybody would write: none is wider than its window, on a phone and on a desk."""
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.audit import SYSTEM, Actor, note
from app.exports.models import Export
from app.imports.models import Import
from app.integrations.models import Call, Effect, StoredConnection
from app.integrations.secrets import seal
from app.jobs.enqueue import enqueue
from app.jobs.models import Attempt, Job
from app.transaction import now, transaction
from tests.webhooks.conftest import endpoint

__all__ = ["endpoint"]     # a fixture of the tests of webhooks
pytestmark = [pytest.mark.alike, pytest.mark.browser]
WORD, ERROR = "x" * 200, "The provider did not answer. " * 170
WHO = Actor("staff", WORD, 1)
PAGES = ("/jobs", "/jobs?status=dead", "/jobs/schedules", "/imports", "/exports", "/trail", "/settings/users", "/settings/tokens",
         "/settings/sessions", "/integrations", "/integrations/calls", "/integrations/effects", "/webhooks", "/webhooks/endpoints", "/webhooks/rejected", "/bulk", "/orders/views")


@pytest.fixture
def job(app, user, endpoint):
    """A job that died of a long error, and long names all around; its id."""
    by = {"created_by_kind": "staff", "created_by_id": 1, "created_by": WORD}
    user("viewer", email=f"{'a' * 180}@example.com")
    with transaction() as session:
        id = enqueue(session, "exports.run", {"export_id": 1}, by=WHO).id
        session.execute(sa.update(Job).where(Job.id == id).values(status="dead", attempts=1, last_error=ERROR, created_by=WORD))
        session.add(Attempt(source="jobs", row_id=id, number=1, token=1, worker="host:1:x", started_at=now(session), outcome="failed", error=ERROR))
        session.add(Import(resource="orders", stage="cancelled", file_name=f"{'y' * 115}.csv", size=1, sha256="0", options={}, about={}, columns=[], **by))
        session.add(Export(resource="orders", format="csv", query="", columns=[], rows=0, created_at=datetime.now(UTC), **by))
        note(session, SYSTEM, "imports.upload", "imports", 1, file=WORD)
        _called(session, id)
    return id


def _called(session, job_id):
    """A connection with a long name and a call through it that failed at length."""
    at = datetime.now(UTC)
    session.add(StoredConnection(id=1, provider="stripe", name=WORD[:80], account="a" * 80, sealed=seal('{"api_key": "sk_test_12345678"}'), hints={},
                                 address=f"https://{'b' * 60}.example/{WORD}", is_sandbox=True, last_error=ERROR, created_at=at))
    session.flush()
    session.add(Call(id=1, connection_id=1, provider="stripe", operation="o", op="refunds.create", method="POST", url=f"https://b.example/{WORD}",
                     attempt=1, status=500, ms=1, error="UnavailableThere", said=ERROR, provider_code=WORD, request_id=WORD,
                     idempotency_key=WORD, job_id=job_id, request=f"note={WORD}", reply=ERROR, at=at))
    session.add(Effect(key="k", kind="payments.refund", connection_id=1, resource="payments", record_id=1, asked={"external_id": WORD}, status="ambiguous",
                       said=ERROR, asked_by_kind="staff", asked_by=WORD, created_at=at))


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_window(job, browse, width):
    page = browse(width=width)
    beyond = {}
    for path in (*PAGES, f"/jobs/{job}", "/integrations/calls/1", "/integrations/connections/1"):
        assert page.goto(path).status == 200, path
        beyond[path] = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert {path: much for path, much in beyond.items() if much > 0} == {}


def test_on_a_phone_jobs_are_cards_that_say_what_went_wrong_and_stay_so_while_the_list_goes_on(job, browse):
    with transaction() as session:
        enqueue(session, "exports.run", {"export_id": 2}, by=SYSTEM)
    page = browse("viewer", width=390)
    page.clock.install()
    page.goto("/jobs")
    card = page.get_by_role("row").filter(has=page.get_by_role("link", name=f"Job {job}", exact=True))
    expect(card).to_contain_text("The provider did not answer.")
    wide = "[...document.querySelectorAll('#jobs, #jobs *')].filter(one => !one.matches('.visually-hidden') && one.getBoundingClientRect().right > innerWidth).length"
    assert page.evaluate(wide) == 0

    with transaction() as session:
        session.execute(sa.update(Job).where(Job.id == job).values(status="done", last_error=None))
    page.clock.run_for(6_000)

    expect(card.get_by_text("Done", exact=True)).to_be_visible()
