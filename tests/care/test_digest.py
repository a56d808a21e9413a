"""The mail of what waits: to whom it concerns, once a day, and to nobody where nothing waits or nobody asked for it."""
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from app.audit import COMMAND_LINE
from app.care import digest
from app.extensions import db
from app.imports.models import Import
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.notices import Notice, tell
from app.transaction import transaction
from tests.exports.test_definitions import server
from tests.wait import wait_for

__all__ = ["server"]     # a mail server that keeps what it takes
pytestmark = pytest.mark.alike


@pytest.fixture
def wanted(app):
    with transaction() as session:
        digest.WANTED.set(session, True, by=COMMAND_LINE)


@pytest.fixture
def waiting(user):
    """An endpoint that is silent, a job that is dead, an import of the manager."""
    manager = user("manager")
    user("viewer")
    at = datetime.now(UTC)
    with transaction() as session:
        tell(session, "silent 1", "Stripe is silent", "Nothing came for 9 h.", needs="webhooks.retry", url="/webhooks/endpoints/1")
        enqueue(session, "privacy.erase", {"customer_id": 1}).status = "dead"
        session.add(Import(resource="orders", stage="applied", file_name="may.csv", size=1, sha256="0", options={}, about={}, columns=[],
                           created_at=at, finished_at=at, created_by_kind="staff", created_by_id=manager, created_by="Manager"))
    return manager


def send(drain):
    with transaction() as session:
        return_id = enqueue(session, "care.digest").id
    drain()
    db.session.expire_all()
    found = db.session.get_one(Job, return_id)
    assert found.status == "done"
    return found.result


def test_each_hears_once_of_what_they_may_mend(wanted, waiting, server, drain):
    assert send(drain) == {"mailed": 1}           # the viewer may mend nothing of it
    wait_for(lambda: len(server.taken) == 1)
    [mail] = server.taken
    assert "To: manager@example.com" in mail
    assert "Subject: Backroom: 3 things to look at" in mail
    for each in ("Stripe is silent. Nothing came for 9 h.", "/webhooks/endpoints/1", "1 dead job, waiting for a person.", "may.csv"):
        assert each in mail


@pytest.mark.parametrize("days", [0, 2])
def test_what_was_told_of_before_or_is_nothing_is_no_mail(wanted, user, server, drain, days):
    user("manager")
    if days:
        with transaction() as session:
            tell(session, "silent 1", "Stripe is silent", needs="webhooks.retry")
            session.flush()
            session.execute(update(Notice).values(first_at=datetime.now(UTC) - timedelta(days=days)))
    assert send(drain) == {"mailed": 0}
    assert server.taken == []


def test_it_is_off_until_somebody_wants_it(waiting, server, drain):
    assert send(drain) == {"mailed": 0}


def test_without_a_mail_server_it_is_off(wanted, waiting, drain):
    assert send(drain) == {"mailed": 0}


def test_one_address_that_is_refused_keeps_nobody_else_from_hearing(wanted, waiting, user, server, drain):
    user("admin")
    server.refusing = b"550 nobody here\r\n"
    assert send(drain) == {"mailed": 0}
    server.refusing = b""
    assert send(drain) == {"mailed": 2}


def test_a_try_that_begins_again_mails_nobody_twice(wanted, waiting, user, server, drain):
    """It goes on behind whom it came to, whatever came of that mail."""
    with transaction() as session:
        enqueue(session, "care.digest").cursor = {"at": datetime.now(UTC).isoformat(), "after": waiting, "mailed": 1}
    drain()
    assert server.taken == []
