"""How an endpoint is: its last day, what is usual, and that it fell silent, told once by its own history."""
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select
from sqlalchemy import event as listen

from app.audit import COMMAND_LINE
from app.extensions import db
from app.integrations.provider import TEST
from app.notices import Notice, dismiss
from app.transaction import transaction
from app.webhooks import endpoints, health, watch
from app.webhooks.models import Endpoint, Event, Hour
from tests.records.stock import statements

NOW = datetime.now(UTC)


def heard(endpoint: Endpoint, *moments: datetime, status: str = "done", said: str = "charge.updated") -> None:
    """Events that came at these moments."""
    number = db.session.scalar(select(Event.id).order_by(Event.id.desc()).limit(1)) or 0
    with transaction() as session:
        session.execute(insert(Event), [{
            "endpoint_id": endpoint.id, "received_at": at, "occurred_at": at, "item": 0, "dedupe_key": f"evt_{number}_{place}", "said": said,
            "status": status, "kind": None, "object_key": None} for place, at in enumerate(sorted(moments))])


def every(step: timedelta, since: timedelta, until: timedelta = timedelta()) -> list[datetime]:
    """Moments from `since` ago to `until` ago."""
    return [NOW - since + place * step for place in range(int((since - until) / step))]


def look() -> dict[str, int]:
    """What the job does."""
    counted_to = None
    while True:
        with transaction() as session:
            counted_to = health.roll(session, counted_to)
            if counted_to is None:
                return watch.watch(session)


def told() -> list[Notice]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Notice).order_by(Notice.id)))


def test_the_last_day_is_counted_by_the_hour(endpoint):
    found = endpoint()
    heard(found, NOW - timedelta(hours=30), NOW - timedelta(hours=5), NOW - timedelta(hours=5, seconds=1), NOW)
    heard(found, NOW - timedelta(hours=2), status="dead")

    now = health.health(db.session(), found)

    assert (now.count, now.dead, now.share) == (4, 1, 25.0)
    assert len(now.hours) == len(now.bars()) == 24
    assert sum(count for _, count, _ in now.hours) == 4
    assert now.last_at is not None


def test_hours_that_are_over_are_not_counted_again_and_the_latest_are_looked_at(endpoint):
    found = endpoint()
    heard(found, *every(timedelta(minutes=20), timedelta(hours=10)))
    look()
    with transaction() as session:
        session.execute(delete(Event).where(Event.received_at < NOW - timedelta(hours=3)))
    heard(found, datetime.now(UTC))

    assert health.health(db.session(), found).count == 31


def test_no_more_is_looked_at_than_a_page_can_wait_for(sign_in, endpoint, monkeypatch):
    monkeypatch.setattr(health, "CAP", 3)
    found = endpoint()
    heard(found, *every(timedelta(minutes=10), timedelta(hours=1)))

    now = health.health(db.session(), found)
    assert (now.count, now.is_capped) == (3, True)
    assert ">3+<" in sign_in("admin").get(f"/webhooks/endpoints/{found.id}").text
    look()
    assert health.health(db.session(), found).count >= 3


def test_the_page_of_an_endpoint_shows_its_day_and_leads_to_what_failed(sign_in, endpoint):
    found = endpoint()
    heard(found, NOW - timedelta(hours=1), NOW)
    heard(found, NOW, status="dead")

    page = sign_in("admin").get(f"/webhooks/endpoints/{found.id}").text

    assert "Bars by hour for a day. 3 events, at most" in page
    assert f'href="/webhooks?status=dead&amp;endpoint={found.id}">1, 33.3 %<' in page


def test_what_another_endpoint_hears_is_not_counted(endpoint):
    one, two = endpoint(name="One"), endpoint(name="Two")
    heard(one, NOW)

    assert health.health(db.session(), two).count == 0
    assert health.last_heard(db.session(), [one.id, two.id]).keys() == {one.id}


def test_when_it_was_last_heard_is_read_from_the_end_of_an_index(endpoint):
    found = endpoint()
    heard(found, *every(timedelta(minutes=1), timedelta(days=2)))
    asked: list[str] = []

    def keep(_c, _cu, statement, *_):
        asked.append(statement)
    listen.listen(db.engine, "before_cursor_execute", keep)
    try:
        health.last_heard(db.session(), [found.id])
    finally:
        listen.remove(db.engine, "before_cursor_execute", keep)

    [statement] = [each for each in asked if "webhook_events" in each]
    assert "max(" not in statement
    assert "LIMIT" in statement


def test_hours_are_counted_once_however_often_it_is_looked(endpoint):
    found = endpoint()
    heard(found, *every(timedelta(hours=1), timedelta(days=3)))
    look()
    look()
    heard(found, NOW)
    look()

    with db.session() as session:
        hours = list(session.scalars(select(Hour).where(Hour.endpoint_id == found.id)))
    assert sum(hour.events for hour in hours) == 73
    assert len({hour.began_at for hour in hours}) == len(hours)


def test_what_is_usual_is_said_with_the_silence(endpoint):
    found = endpoint(name="Stripe EU")
    heard(found, *every(timedelta(minutes=36), timedelta(days=13), timedelta(days=3)))

    assert look() == {"silent": 1}

    [notice] = told()
    assert notice.title == "Stripe EU is silent"
    assert notice.detail.startswith("No event for 3 days, usually 40 a day.")
    silence = health.health(db.session(), found).silence
    assert silence is not None
    assert silence.sentence == "No event for 3 days, usually 40 a day."


@pytest.mark.parametrize(("moments", "why"), [
    (every(timedelta(hours=1), timedelta(days=10), timedelta(hours=4)), "five hours are no silence"),
    (every(timedelta(hours=1), timedelta(hours=30), timedelta(hours=15)), "fifteen events are no history"),
    (every(timedelta(hours=1), timedelta(days=10), timedelta(days=8)) + every(timedelta(hours=1), timedelta(days=5), timedelta(days=4)),
     "it paused as long before"),
    ([], "it never heard anything"),
])
def test_a_pause_is_no_silence_yet(endpoint, moments, why):
    if moments:
        heard(endpoint(), *moments)

    assert look() == {"silent": 0}, why


def test_test_events_break_no_silence(endpoint):
    found = endpoint()
    heard(found, *every(timedelta(hours=1), timedelta(days=10), timedelta(days=3)))
    heard(found, NOW, said=TEST)

    assert look() == {"silent": 1}
    assert health.health(db.session(), found).count == 0


def test_one_silence_is_told_once_and_settled_when_it_ends(endpoint):
    found = endpoint()
    heard(found, *every(timedelta(hours=1), timedelta(days=10), timedelta(days=3)))
    look()
    look()
    assert [notice.times for notice in told()] == [1]
    heard(found, NOW)
    look()

    assert [notice.ended_at is None for notice in told()] == [False]


def test_whoever_dismissed_it_is_not_told_again(endpoint):
    heard(endpoint(), *every(timedelta(hours=1), timedelta(days=10), timedelta(days=3)))
    look()
    with transaction() as session:
        dismiss(session, told()[0].id, by=COMMAND_LINE)
    look()

    assert len(told()) == 1


def test_an_endpoint_that_is_off_may_be_silent(endpoint):
    found = endpoint()
    heard(found, *every(timedelta(hours=1), timedelta(days=10), timedelta(days=3)))
    endpoints.switch(found.id, on=False, by=COMMAND_LINE)

    assert look() == {"silent": 0}


def test_staff_hear_of_it_on_the_first_page_and_at_the_endpoint(sign_in, endpoint):
    found = endpoint(name="Stripe EU")
    heard(found, *every(timedelta(minutes=36), timedelta(days=13), timedelta(days=3)))
    look()

    assert "Stripe EU is silent" in sign_in("viewer").get("/").text
    assert "Silent" in sign_in("viewer").get("/webhooks/endpoints").text
    assert "No event for 3 days, usually 40 a day." in sign_in("admin").get(f"/webhooks/endpoints/{found.id}").text


def test_hours_are_counted_a_day_at_a_time_whole_and_again_the_same(endpoint):
    found = endpoint()
    moments = [*every(timedelta(minutes=20), timedelta(days=9), timedelta(days=8)), *every(timedelta(minutes=7), timedelta(days=3))]
    heard(found, *moments)
    steps, counted_to = 0, None
    while steps == 0 or counted_to is not None:
        with transaction() as session:
            counted_to = health.roll(session, counted_to)
        steps += 1

    assert 9 <= steps <= 11, "no step is longer than a day"
    assert sum(db.session.scalars(select(Hour.events))) == len(moments)
    look()
    look()
    assert sum(db.session.scalars(select(Hour.events))) == len(moments)


def test_where_nothing_ever_came_nothing_is_counted(app):
    with transaction() as session:
        assert health.roll(session) is None


def test_many_endpoints_cost_as_many_statements_as_one(endpoint):
    with statements() as one:
        heard(endpoint(name="A"), *every(timedelta(hours=1), timedelta(days=2)))
        one.clear()
        health.silences(db.session())
    for name in "BCD":
        heard(endpoint(name=name), NOW)
    with statements() as four:
        health.silences(db.session())

    assert len(four) == len(one) == 3
