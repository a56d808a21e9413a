"""The first page: what waits for a person, for whoever may know of it; and two weeks in bars."""
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, insert

from app import cache
from app.access import ROLES
from app.accounts.models import User
from app.audit import Actor
from app.dashboard import charts
from app.dashboard.charts import Chart, Day, rounded
from app.extensions import db
from app.imports.models import Import
from app.jobs.models import Job
from app.records.batches import Batch
from app.transaction import transaction
from app.webhooks.models import Endpoint, Event
from tests.records.stock import put

NOW = datetime.now(UTC)
MANAGER = Actor("staff", "manager", 1, ROLES["manager"])


def payment(id: int, status: str, days: float = 0, amount: int = 1000, **values: Any) -> dict[str, Any]:
    at = NOW - timedelta(days=days)
    return {"id": id, "external_id": f"pi_{id}", "status": status, "amount_minor": amount, "currency": "EUR", "created_at": at,
            "updated_at": at, **values}


def order(id: int, days: float = 0, **values: Any) -> dict[str, Any]:
    return {"id": id, "number": f"O-{id}", "status": "placed", "total_minor": 1000, "currency": "EUR",
            "placed_at": NOW - timedelta(days=days), **values}


def dead_event(id: int) -> None:
    with transaction() as session:
        if session.get(Endpoint, 1) is None:
            session.add(Endpoint(id=1, token="t", provider="stripe", name="Stripe", account="stripe", created_at=NOW))
            session.flush()
        session.execute(insert(Event).values(id=id, endpoint_id=1, dedupe_key=f"evt_{id}", said="charge.refunded", occurred_at=NOW,
                                             received_at=NOW, status="dead"))


def imported(stage: str, **outcomes: int) -> None:
    with transaction() as session:
        batch = Batch(resource="orders", door="import", rows=sum(outcomes.values()), outcomes=outcomes, plans=outcomes)
        session.add(batch)
        session.flush()
        session.add(Import(resource="orders", stage=stage, file_name="june.xlsx", file="f", size=1, sha256=stage, batch_id=batch.id,
                           created_by_kind="staff", created_by_id=1, created_by="manager"))


def titles(page: str) -> list[str]:
    return re.findall(r'<li class="t-\w+">.*?<b>(.*?)</b>', page, re.S)


# What needs a person

def test_a_quiet_day_says_that_nothing_needs_anybody(sign_in):
    page = sign_in("viewer").get("/").text
    assert "Nothing needs you" in page
    assert f"{datetime.now(UTC):%A}" in page


def test_what_waits_in_every_room_stands_on_the_page_the_worst_first(sign_in):
    put("payments", payment(1, "failed"), payment(2, "failed", 3), payment(3, "failed", 30), payment(4, "disputed", 200), payment(5, "paid"))
    put("deliveries", {"id": 1, "external_id": "d1", "status": "held_up"}, {"id": 2, "external_id": "d2", "status": "lost", "updated_at": NOW})
    put("subscriptions", {"id": 1, "external_id": "s1", "status": "past_due"})
    dead_event(1)
    dead_event(2)
    with transaction() as session:
        session.add(Job(kind="exports.run", queue="heavy", args={}, status="dead", created_at=NOW))
    page = sign_in("viewer").get("/").text
    assert titles(page) == ["2 webhook events are dead", "1 job is dead", "1 payment is disputed", "2 payments failed", "1 delivery is lost",
                            "1 delivery is held up", "1 subscription is past due"]


def test_the_button_of_a_tile_opens_the_list_it_counted(sign_in):
    put("payments", payment(1, "failed"), payment(2, "failed", 30), payment(3, "paid"))
    client = sign_in("viewer")
    [address] = re.findall(r'href="(/payments\?status=failed[^"]*)"', client.get("/").text)
    listed = client.get(address.replace("&amp;", "&")).text
    assert "pi_1" in listed
    assert "pi_2" not in listed
    assert "pi_3" not in listed


def test_what_is_in_the_trash_waits_for_nobody(sign_in):
    put("payments", payment(1, "disputed", trashed_at=NOW))
    assert titles(sign_in("viewer").get("/").text) == []


def test_refused_rows_and_unfinished_imports_are_named(sign_in):
    imported("done", created=10, invalid=2)
    imported("preview", created=3)
    page = sign_in("manager").get("/").text
    assert "2 rows are refused in june.xlsx" in page
    assert "june.xlsx waits for you" in page


def test_several_imports_of_a_kind_are_one_tile_that_leads_to_their_list(sign_in):
    for _ in range(3):
        imported("preview", created=3)
    imported("done", created=1, invalid=2)
    imported("done", created=1, invalid=1, repeated=4)
    imported("done", created=1)
    client = sign_in("manager")

    page = client.get("/").text
    waiting, refused = (client.get(f"/imports?needs={need}").text for need in ("waiting", "refused"))

    assert titles(page) == ["3 rows are refused in 2 files", "3 files wait for you"]
    assert "/imports?needs=waiting" in page
    assert [listed.count("june.xlsx") for listed in (waiting, refused, client.get("/imports").text)] == [3, 2, 6]
    assert client.get("/imports?needs=shoes").status_code == 400


def test_an_import_without_refused_rows_is_settled(sign_in):
    imported("done", created=10, unchanged=2)
    page = sign_in("manager").get("/").text
    assert titles(page) == []
    assert "Last imports" in page


def test_nobody_hears_of_what_they_may_not_see(sign_in):
    put("payments", payment(1, "disputed", account="eu"), payment(2, "disputed", account="us"))
    dead_event(1)
    client = sign_in("viewer", email="narrow@example.com")

    def rights(grants: list[str], **scopes: str) -> list[str]:
        with transaction() as session:
            row = session.get_one(User, client.user_id)
            row.role, row.grants, row.scopes = "none", ["dashboard.read", *grants], scopes
        cache.clear()
        return titles(client.get("/").text)

    assert rights([]) == []
    assert rights(["webhooks.read"]) == ["1 webhook event is dead"]
    assert rights(["payments.read"]) == ["2 payments are disputed"]
    assert rights(["payments.read"], payments="external_id=pi_1") == ["1 payment is disputed"]


def test_the_page_costs_a_few_statements_however_much_waits(sign_in):
    client = sign_in("admin")
    said: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda c, cursor, statement, *rest: said.append(statement))
    client.get("/")
    few = len(said)
    put("payments", *(payment(id, "disputed") for id in range(1, 40)))
    for id in range(1, 20):
        dead_event(id)
    cache.clear()
    said.clear()
    client.get("/")
    assert len([one for one in said if one.startswith("SELECT")]) <= few <= 30


@pytest.mark.alike
def test_strangers_are_sent_to_sign_in_without_a_detour(client):
    assert client.get("/").location == "/login?next=/"


# Two weeks in bars

def test_days_are_counted_from_midnight_where_the_reader_is(app):
    put("orders", order(1), order(2, 1), order(3, 1), order(4, 13), order(5, 14.1), order(6, status="cancelled"), order(7, status="draft"),
        order(8, placed_at=None), order(9, currency="USD"), order(10, trashed_at=NOW))
    chart = charts.orders_by_day(db.session(), MANAGER)
    assert chart is not None
    assert [day.count for day in chart.days] == [1, *[0] * 11, 2, 2]
    assert chart.days[-1].date == NOW.date()
    assert chart.today.total == "10.00 EUR", "amounts in another currency are not added up"
    assert chart.days[-2].total == "20.00 EUR"


def test_orders_whose_payment_failed_have_their_own_scale(app):
    put("orders", *(order(id, payment_status="paid") for id in range(1, 31)), order(31, payment_status="failed"),
        order(32, 2, payment_status="refunded"), order(33, status="cancelled", payment_status="failed"))
    chart = charts.orders_by_day(db.session(), MANAGER)
    assert chart is not None
    assert (chart.count, chart.failed, chart.top, chart.worst) == (32, 1, 40, 2)
    assert chart.bars()[-1] == (131.5, 22.5, 77.5)
    assert chart.failures() == [(131.5, 12.0, 12.0)]
    assert chart.finding("orders").endswith("31 so far today. The payment of 1 failed.")


def test_paid_orders_are_counted_by_the_day_they_were_placed(app):
    put("orders", order(1, payment_status="paid"), order(2, 1, payment_status="part_refunded"), order(3, 1, payment_status="pending"),
        order(4, payment_status=None), order(5, status="draft", payment_status="paid"))
    chart = charts.paid_by_day(db.session(), MANAGER)
    assert chart is not None
    assert ([day.count for day in chart.days][-2:], chart.failed) == ([1, 1], 0)


def test_whoever_may_not_see_records_sees_no_chart_of_them(app):
    assert charts.orders_by_day(db.session(), Actor("staff", "x", 1, ("payments.read",))) is None


def test_a_chart_counts_only_what_is_in_ones_scope_and_is_not_shared_with_others(app):
    put("orders", order(1, channel="shopify"), order(2, channel="phone"))
    scoped = Actor("staff", "x", 1, ROLES["viewer"], {"orders": "channel=shopify"})
    whole, part = charts.orders_by_day(db.session(), MANAGER), charts.orders_by_day(db.session(), scoped)
    assert whole is not None
    assert part is not None
    assert (whole.today.count, part.today.count) == (2, 1)


def test_the_chart_is_in_the_page_as_marks_with_its_words_and_a_table_beside_it(sign_in):
    put("orders", order(1, payment_status="paid"), order(2, 3))
    page = sign_in("viewer").get("/").text
    assert 'role="img" aria-label="Bars by day for two weeks. Between 0 and 1 orders a day; 1 so far today."' in page
    assert page.count("<rect class=") >= 14
    assert "<text" not in page
    assert "style=" not in page
    assert "Show as a table" in page
    assert "of today so far, 10.00 EUR" in page


@given(st.integers(0, 10**12))
def test_a_scale_is_round_holds_all_and_wastes_little(most):
    top = rounded(most)
    assert top >= most
    assert top % 2 == 0
    assert top <= max(2, most * 2.5)
    assert str(top).rstrip("0") in ("1", "2", "4")


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=14, max_size=14))
def test_no_bar_leaves_the_picture(numbers):
    chart = Chart(tuple(Day((NOW + timedelta(days=at)).date(), count, failed, "") for at, (count, failed) in enumerate(numbers)))
    for bars, height in ((chart.bars(), charts.HEIGHT), (chart.failures(), charts.MINI)):
        for x, y, tall in bars:
            assert 0 <= x <= 14 * charts.STEP - charts.WIDTH
            assert y >= 0
            assert y + tall == pytest.approx(height)
