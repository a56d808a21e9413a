"""What becomes of a row that failed, was given back, lapsed or was put back by a person."""
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Conflict, Problem, Unavailable
from app.jobs.enqueue import requeue
from app.jobs.queue import LONGEST_WAIT, backoff, claim, expire, extend, fail, lapse, release
from app.transaction import transaction
from tests.jobs.trials import Parcel, Refused, attempts_of, ids, let_hold, let_lapse

# failing

def test_a_failure_is_tried_again_later_and_kept(parcels, send, parcel):
    id, = send(1)
    one, = claim(parcels, "me")
    with transaction() as session:
        fail(session, one, Unavailable("Come back tomorrow"))
    row = parcel(id)
    assert (row.status, row.last_error) == ("waiting", "This is not available right now. Come back tomorrow.")
    assert row.run_at > datetime.now(UTC)
    assert (attempts_of(id)[0].outcome, attempts_of(id)[0].error) == ("failed", row.last_error)


def test_what_a_retry_cannot_help_is_dead_at_once(parcels, send, parcel):
    id, = send(1)
    one, = claim(parcels, "me")
    with transaction() as session:
        fail(session, one, Refused("Nobody wants it"))
    assert (parcel(id).status, parcel(id).last_error) == ("dead", "The parcel was refused. Nobody wants it.")
    assert parcel(id).finished_at is not None


def test_who_says_when_to_come_again_is_obeyed(parcels, send, parcel):
    id, = send(1)
    one, = claim(parcels, "me")
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=7)
    with transaction() as session:
        fail(session, one, Problem("later", retry=moment))
    assert (parcel(id).status, parcel(id).run_at) == ("waiting", moment)


def test_something_unforeseen_is_tried_again_and_its_traceback_kept(parcels, send, parcel):
    id, = send(1)
    one, = claim(parcels, "me")
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError as error:
        with transaction() as session:
            fail(session, one, error)
    assert parcel(id).status == "waiting"
    assert parcel(id).last_error == "ZeroDivisionError: division by zero"
    assert "test_fail.py" in str(attempts_of(id)[0].error)


def test_what_was_not_begun_costs_no_try(parcels, send, parcel):
    class NotBegun(Problem):
        retry, costs_a_try = True, False

    id, = send(1, max_attempts=2)
    for _ in range(4):
        one, = claim(parcels, "me")
        with transaction() as session:
            fail(session, one, NotBegun("the door is closed", retry=datetime.now(UTC) - timedelta(seconds=1)))
    assert (parcel(id).status, parcel(id).attempts) == ("waiting", 0)
    assert parcel(id).last_error == "Something went wrong. the door is closed."


def test_a_row_out_of_tries_is_dead(parcels, send, parcel):
    id, = send(1, max_attempts=2, attempts=1)
    one, = claim(parcels, "me")
    with transaction() as session:
        fail(session, one, Unavailable("Still no"))
    assert parcel(id).status == "dead"


@given(st.integers(1, 10_000))
def test_the_wait_grows_with_every_attempt_up_to_an_hour(attempt):
    wait = backoff(attempt).total_seconds()
    assert 0.5 <= wait <= min(LONGEST_WAIT, 5.0 * 2.0 ** min(attempt - 1, 20))


# giving back, lapsing, holding on

def test_a_row_given_back_has_lost_no_try(parcels, send, parcel):
    id, = send(1)
    batch = claim(parcels, "me")
    with transaction() as session:
        assert release(session, batch) == 1
    assert (parcel(id).status, parcel(id).attempts) == ("waiting", 0)
    assert attempts_of(id)[0].outcome == "returned"


def test_giving_back_what_is_not_ours_any_more_changes_nothing(parcels, send, parcel):
    id, = send(1)
    late = claim(parcels, "frozen")
    let_lapse(*late)
    expire(parcels)
    claim(parcels, "other")
    with transaction() as session:
        assert release(session, late) == 0
    assert (parcel(id).status, parcel(id).lease_owner, parcel(id).attempts) == ("running", "other", 2)


def test_a_lapsed_lease_puts_the_row_back_and_the_try_stays_counted(parcels, send, parcel):
    id, = send(1)
    let_lapse(*claim(parcels, "gone"))
    assert expire(parcels) == 1
    assert (parcel(id).status, parcel(id).attempts) == ("waiting", 1)
    assert expire(parcels) == 0


def test_a_lease_that_holds_is_left_alone(parcels, send):
    send(1)
    let_hold(*claim(parcels, "me"))
    assert expire(parcels) == 0


def test_a_row_that_outlived_its_last_try_is_dead(parcels, send, parcel):
    id, = send(1, max_attempts=1)
    let_lapse(*claim(parcels, "gone"))
    expire(parcels)
    assert (parcel(id).status, parcel(id).last_error) == ("dead", "The worker stopped in the middle of it.")


def test_what_a_dead_worker_held_comes_back_at_once_and_only_that(parcels, send, parcel):
    send(2)
    mine, = claim(parcels, "me", 1)
    theirs, = claim(parcels, "other", 1)
    assert lapse(parcels, "me", "The worker was killed by SIGKILL.") == 1
    assert parcel(mine.id).status == "waiting"
    assert parcel(theirs.id).status == "running"
    assert attempts_of(mine.id)[0].error == "The worker was killed by SIGKILL."


def test_a_heartbeat_holds_on_to_the_rows(parcels, send, parcel):
    id, = send(1)
    batch = claim(parcels, "me")
    let_lapse(*batch)
    assert extend(batch) == 1
    assert expire(parcels) == 0
    assert parcel(id).lease_until > datetime.now(UTC)


def test_a_heartbeat_takes_nothing_back_that_was_lost(parcels, send, parcel):
    id, = send(1)
    late = claim(parcels, "frozen")
    let_lapse(*late)
    expire(parcels)
    claim(parcels, "other")
    before = parcel(id).lease_until
    assert extend(late) == 0
    assert parcel(id).lease_until == before


# a person decides

def test_putting_a_dead_row_back_gives_it_all_its_tries(parcels, send, parcel):
    id, = send(1, status="dead", attempts=10, last_error="No")
    for _ in range(2):  # pressed twice
        with transaction() as session:
            requeue(session, session.get_one(Parcel, id))
    assert (parcel(id).status, parcel(id).attempts, parcel(id).last_error) == ("waiting", 0, None)
    assert ids(claim(parcels, "me")) == [id]


def test_a_row_that_is_being_worked_on_is_not_put_back(parcels, send):
    id, = send(1)
    claim(parcels, "me")
    with pytest.raises(Conflict), transaction() as session:
        requeue(session, session.get_one(Parcel, id))
