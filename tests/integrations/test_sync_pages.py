"""The pages of syncs: begun, looked at, filtered, taken over, put aside; who may do what."""
import re

import pytest
from sqlalchemy import select, update

from app import access
from app.audit import COMMAND_LINE, Audit
from app.extensions import db
from app.fakes.fake import served
from app.fakes.stripe import FakeStripe
from app.integrations import sync_run
from app.integrations.sync import Sync
from app.jobs.models import Job, Schedule
from app.transaction import transaction
from tests.integrations.syncing import begun, connected, connection, customer, fresh
from tests.records import gate
from tests.records.gate import EVENT, act, payment


@pytest.fixture
def stripe(app):
    fake = FakeStripe()
    with served(fake) as url:
        connected(url)
        yield fake


@pytest.fixture
def differing(stripe, drain):
    """The id of a sync that found one payment missing here, one that differs, one missing there."""
    stripe.paid("pi_lost", amount=1000)
    stripe.paid("pi_differs", amount=1000)
    act(payment("pending", 1, id="pi_differs"), payment("paid", 1, id="pi_gone"), source=EVENT)
    sync = begun()
    drain()
    return sync


def said(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


@pytest.mark.alike
def test_a_sync_is_begun_on_the_page_of_its_connection_and_shows_what_differs(sign_in, stripe, drain):
    stripe.paid("pi_lost", amount=1000)
    operator, url = sign_in("operator"), f"/integrations/connections/{connection()}"
    assert f"{url}/syncs" in operator.get(url).text
    answer = operator.post(f"{url}/syncs", data={"listing": "payments", "from": "all"})
    assert answer.status_code == 303
    working = operator.get(answer.location).text
    assert "data-live" in working
    assert "Listing what Stripe has" in working
    drain()

    page = said(operator.get(answer.location).text)
    assert "1 payment is missing here" in page
    assert "pi_lost" in page
    assert "10.00 EUR" in page
    assert "Take over" not in page      # an operator may look
    assert "1 missing here" in said(operator.get(f"{url}/syncs").text)


def test_what_differs_is_taken_over_and_taken_back_by_a_manager(sign_in, differing, drain):
    manager, url = sign_in("manager"), f"/integrations/syncs/{differing}"
    page = said(manager.get(url).text)
    assert "Take over 2 payments" in page
    assert "Pending → is now Paid" in page
    assert manager.post(f"{url}/apply", data={"only": ""}).status_code == 303
    drain()
    assert "2 payments taken over" in manager.get(url).text
    record = gate.row("payments", external_id="pi_differs")
    assert f'href="{url}"' in manager.get(f"/payments/{record['id']}").text      # the timeline leads back
    manager.post(f"{url}/undo")
    drain()
    assert "Taken back" in manager.get(url).text
    assert gate.row("payments", external_id="pi_differs")["status"] == "pending"
    db.session.rollback()
    deeds = set(db.session.scalars(select(Audit.action).where(Audit.resource == "syncs")))
    assert deeds == {"integrations.sync", "integrations.apply", "integrations.undo"}


def test_only_the_ticked_rows_are_taken_over(sign_in, differing, drain):
    manager, url = sign_in("manager"), f"/integrations/syncs/{differing}"
    [number] = re.findall(r'name="row" value="(\d+)" aria-label="Choose pi_lost', manager.get(url).text)
    assert "Tick some rows first." in manager.get(manager.post(f"{url}/apply", data={"only": "ticked"}).location).text
    manager.post(f"{url}/apply", data={"only": "ticked", "row": number})
    drain()
    assert gate.row("payments", external_id="pi_differs")["status"] == "pending"
    assert gate.row("payments", external_id="pi_lost")["status"] == "paid"
    assert "Left out" in manager.get(url).text


@pytest.mark.alike
def test_rows_are_found_by_tab_and_by_id_and_what_is_missing_there_can_be_thrown_away(sign_in, differing):
    manager, url = sign_in("manager"), f"/integrations/syncs/{differing}"
    there = manager.get(f"{url}?rows=there").text
    assert "pi_gone" in there
    assert "pi_lost" not in there
    assert f"/payments/bulk?do=trash&amp;id={gate.row('payments', external_id='pi_gone')['id']}" in there
    one = manager.get(f"{url}?id=pi_differs").text
    assert "pi_differs" in one
    assert "pi_gone" not in one
    assert "No row has this ID" in manager.get(f"{url}?id=nobody").text
    assert manager.get(f"{url}?colour=red").status_code == 400


@pytest.mark.alike
def test_many_rows_come_in_pages(sign_in, stripe, drain):
    for number in range(60):
        customer(stripe, number)
    sync = begun("customers")
    drain()
    viewer = sign_in("viewer")
    first = viewer.get(f"/integrations/syncs/{sync}").text
    assert first.count("cus_") >= 50
    [more] = set(re.findall(r'href="([^"]+after=\d+)"', first))
    second = viewer.get(more.replace("&amp;", "&")).text
    assert "cus_0" in second
    assert "cus_59" not in second


@pytest.mark.alike
def test_a_role_sees_no_more_of_a_sync_than_of_the_records(sign_in, differing, monkeypatch):
    monkeypatch.setitem(access.ROLES, "viewer", ("integrations.read", "account.manage"))
    page = sign_in("viewer").get(f"/integrations/syncs/{differing}").text
    assert "10.00 EUR" not in page
    assert "pi_differs" in page


@pytest.mark.alike
def test_looking_is_for_everybody_beginning_for_operators_writing_for_managers_the_clock_for_admins(sign_in, differing):
    url, page = f"/integrations/syncs/{differing}", f"/integrations/connections/{connection()}/syncs"
    allowed = {"viewer": (), "operator": ("begin",), "manager": ("begin", "write"), "admin": ("begin", "write", "clock")}
    for role, deeds in allowed.items():
        person = sign_in(role)
        assert person.get(url).status_code == person.get(page).status_code == 200
        asked = {"begin": person.post(f"{url}/go-on"), "write": person.post(f"{url}/apply", data={"only": "ticked"}),
                 "clock": person.post(f"{page}/schedule", data={"every": "day"})}
        assert {name: answer.status_code for name, answer in asked.items()} == {name: 303 if name in deeds else 403 for name in asked}


@pytest.mark.alike
def test_it_comes_again_every_day_and_the_page_says_when(sign_in, stripe):
    admin, page = sign_in("admin"), f"/integrations/connections/{connection()}/syncs"
    assert "Not by itself" in admin.get(page).text
    admin.post(f"{page}/schedule", data={"every": "day"})
    db.session.rollback()
    assert db.session.scalars(select(Schedule.cron).where(Schedule.kind == "integrations.sync")).one().endswith(" 4 * * *")
    assert "Every day. Next on" in said(admin.get(page).text)
    assert admin.post(f"{page}/schedule", data={"every": "minute"}).status_code == 422


@pytest.mark.alike
def test_a_day_that_is_none_is_said_and_nothing_begins(sign_in, stripe):
    operator, page = sign_in("operator"), f"/integrations/connections/{connection()}/syncs"
    answer = operator.post(page, data={"listing": "payments", "from": "day", "day": "yesterday"})
    assert "Write the day" in operator.get(answer.location).text
    assert "Choose at least one list." in operator.get(operator.post(page, data={}).location).text
    assert operator.post(page, data={"listing": "secrets"}).status_code == 404
    db.session.rollback()
    assert db.session.scalars(select(Sync)).all() == []


@pytest.mark.alike
def test_a_stopped_sync_offers_to_go_on_and_an_outdated_one_says_so(sign_in, stripe, drain):
    stripe.paid("pi_1")
    sync = begun()
    with transaction() as session:
        session.execute(update(Job).values(status="cancelled"))
    operator, url = sign_in("operator"), f"/integrations/syncs/{sync}"
    assert "Going on asks for no page twice" in operator.get(url).text
    operator.post(f"{url}/go-on")
    drain()
    assert fresh(sync).stage == "review"
    sync_run.start(connection(), ["payments"], None, by=COMMAND_LINE)
    drain()
    assert "Only the numbers are kept" in operator.get(url).text
    operator.post(f"{url}/stop")
    assert fresh(sync).stage == "outdated"


@pytest.mark.alike
def test_the_navigation_counts_what_waits(sign_in, differing):
    assert "1 open" in said(sign_in("viewer").get("/integrations").text)
