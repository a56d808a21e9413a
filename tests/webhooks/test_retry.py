"""What a person does to an event: retry, ignore, retry all; each once, audited, and never beside a worker."""
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app import create_app
from app.audit import SYSTEM, Actor, Audit
from app.errors import Conflict, NotFound
from app.extensions import db
from app.jobs.queue import claim
from app.jobs.queues import named
from app.webhooks import retry
from tests.nursery import NURSERY, ended
from tests.webhooks.conftest import BAD, events, payment

SOMEBODY = Actor("staff", "Mara", 7, ("*",))


def deeds(action: str) -> list[Audit]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Audit).where(Audit.action == action)))


@pytest.fixture
def dead(post, drain) -> int:
    post(BAD, "standard")
    drain()
    assert events()[0].status == "dead"
    id: int = events()[0].id
    return id


def test_a_dead_event_is_queued_again_with_all_its_tries(dead):
    retry.retry(dead, by=SOMEBODY)

    [event] = events()
    assert (event.status, event.attempts, event.last_error) == ("waiting", 0, None)
    assert [(each.actor, each.record_id) for each in deeds("webhooks.retry")] == [("Mara", dead)]


def test_pressing_retry_twice_queues_it_once(dead):
    retry.retry(dead, by=SOMEBODY)
    retry.retry(dead, by=SOMEBODY)

    assert len(deeds("webhooks.retry")) == 1


def test_pressing_retry_ten_times_at_once_queues_it_once(app, dead):
    def press(_: int) -> None:
        with app.app_context():
            retry.retry(dead, by=SOMEBODY)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(press, range(10)))

    assert len(deeds("webhooks.retry")) == 1


@pytest.mark.parametrize("deed", [retry.retry, retry.ignore])
def test_what_is_being_worked_on_is_left_alone(post, deed):
    post("payment_succeeded")
    [held] = claim(named("webhooks"), "somebody")

    with pytest.raises(Conflict):
        deed(held.id, by=SYSTEM)


@pytest.mark.parametrize("deed", [retry.retry, retry.ignore])
def test_an_event_that_is_not_there_cannot_be_touched(app, deed):
    with pytest.raises(NotFound):
        deed(4711, by=SYSTEM)


def test_an_event_is_done_once_more_without_doing_anything_twice(post, drain):
    post("payment_succeeded")
    drain()
    retry.retry(events()[0].id, by=SYSTEM)
    drain()

    assert [each.outcome for each in events()] == ["unchanged"]
    assert payment().version == 1


def test_an_ignored_event_is_off_the_list_and_can_come_back(dead, drain):
    retry.ignore(dead, by=SOMEBODY)
    retry.ignore(dead, by=SOMEBODY)
    assert [(each.status, each.outcome) for each in events()] == [("done", "ignored")]
    assert len(deeds("webhooks.ignore")) == 1

    retry.retry(dead, by=SOMEBODY)
    drain()
    assert events()[0].status == "dead"


def test_what_took_effect_cannot_be_ignored(post, drain):
    post("payment_succeeded")
    drain()

    with pytest.raises(Conflict):
        retry.ignore(events()[0].id, by=SYSTEM)


def test_two_processes_that_press_retry_queue_it_once(app, dead, environ):
    both = NURSERY.Barrier(2)
    pressing = [NURSERY.Process(target=_press, args=(environ, dead, both)) for _ in range(2)]
    db.session.rollback()
    for each in pressing:
        each.start()

    assert [ended(each) for each in pressing] == [0, 0]
    assert len(deeds("webhooks.retry")) == 1
    assert [each.status for each in events()] == ["waiting"]


def _press(environ, id, both):
    os.environ.update(environ)
    with create_app().app_context():
        both.wait(60)
        retry.retry(id, by=Actor("staff", "Mara", 7, ("*",)))


def test_retry_and_ignore_at_once_leave_one_state(app, dead):
    def press(number: int) -> None:
        with app.app_context():
            (retry.retry if number % 2 else retry.ignore)(dead, by=SOMEBODY)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(press, range(8)))

    [event] = events()
    last = max(deeds("webhooks.retry") + deeds("webhooks.ignore"), key=lambda deed: deed.id)
    assert (event.status, event.outcome) == (("waiting", None) if last.action == "webhooks.retry" else ("done", "ignored"))
