"""Draining in this process: batches, failures that blame the right row, and stopping between batches."""
import threading

import pytest
import sqlalchemy as sa

from app.config import config
from app.extensions import db
from app.jobs import process, queues
from app.jobs.drain import drain, settle
from app.jobs.heart import Heart
from app.jobs.models import Attempt
from app.jobs.queue import Queue, claim, expire
from tests.jobs.trials import Parcel, effects
from tests.wait import wait_for


@pytest.fixture(autouse=True)
def _not_stopping():
    yield
    process._stopping.clear()


def test_everything_due_is_worked_off_once(parcels, send, drain):
    sent = send(250)
    assert drain() == 250
    assert effects() == dict.fromkeys(sent, 1)
    assert drain() == 0


def test_one_failing_row_of_a_batch_takes_nobody_with_it(parcels, send, parcel):
    good, bad, also_good = send(1)[0], send(1, does="fail")[0], send(1)[0]
    drain("parcels")
    assert effects() == {good: 1, also_good: 1}
    assert (parcel(bad).status, parcel(bad).attempts) == ("waiting", 1)
    assert parcel(bad).last_error == "This is not available right now. The road is closed."


def test_a_row_that_cannot_be_helped_is_dead_and_its_batch_done(parcels, send, parcel):
    bad, = send(1, does="refuse")
    good = send(5)
    drain("parcels")
    assert parcel(bad).status == "dead"
    assert effects() == dict.fromkeys(good, 1)


def test_a_row_that_fails_again_and_again_ends_dead(parcels, send, parcel):
    bad, = send(1, does="fail", max_attempts=3)
    for _ in range(3):
        make_due()
        drain("parcels")
    assert (parcel(bad).status, parcel(bad).attempts) == ("dead", 3)
    db.session.rollback()
    tries = db.session.execute(sa.select(Attempt.number, Attempt.outcome).where(Attempt.row_id == bad).order_by(Attempt.id)).all()
    assert [tuple(one) for one in tries] == [(1, "failed"), (2, "failed"), (3, "failed")]


def test_a_failed_event_does_not_hold_the_later_ones_of_its_object(parcels, send, parcel):
    bad, later = send("a", does="fail")[0], send("a")[0]
    drain("parcels")
    assert parcel(bad).status == "waiting"
    assert parcel(later).status == "done"


def test_a_drain_ends_after_so_many_rows(parcels, send):
    send(250)
    assert drain("parcels", rows=150) == 200
    assert drain("parcels") == 50


def test_told_to_stop_it_finishes_the_batch_in_hand_and_takes_no_other(parcels, send, monkeypatch):
    send(250)

    def last(claims):
        parcels.process(claims)
        process.stop()
    monkeypatch.setitem(queues._queues, "parcels", replaced(parcels, last))
    assert drain("parcels") == 100
    assert len(effects()) == 100


def test_a_second_signal_gives_back_what_is_in_hand(parcels, send, parcel, monkeypatch):
    sent = send(3)

    def interrupted(claims):
        raise SystemExit
    monkeypatch.setitem(queues._queues, "parcels", replaced(parcels, interrupted))
    with pytest.raises(SystemExit):
        drain("parcels")
    assert {parcel(id).status for id in sent} == {"waiting"}
    assert {parcel(id).attempts for id in sent} == {0}


def test_while_rows_are_worked_on_the_heart_keeps_the_lease(parcels, send, parcel):
    id, = send(1)
    claims = claim(parcels, "me")
    first = parcel(id).lease_until
    with Heart(claims):
        wait_for(lambda: parcel(id).lease_until > first, within=config().lease_seconds)
    assert expire(parcels) == 0
    settle(claims)
    assert parcel(id).status == "done"


def test_the_heart_stops_with_the_work(parcels, send):
    send(1)
    with Heart(claim(parcels, "me")):
        pass
    assert "heart" not in {thread.name for thread in threading.enumerate()}


def replaced(queue, work):
    return Queue(queue.name, queue.model, work, object_key=queue.object_key)


def make_due():
    db.session.execute(sa.update(Parcel).where(Parcel.status == "waiting").values(run_at=sa.func.now()))
    db.session.commit()
