"""A queue: claims, leases, the fence, tries, and that nothing is worked on twice at a time."""
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import Conflict, Problem, Unavailable
from app.extensions import db
from app.jobs import queue
from app.jobs.enqueue import requeue
from app.jobs.models import Attempt
from app.jobs.queue import (
    LONGEST_WAIT,
    Claim,
    LostLease,
    backoff,
    claim,
    expire,
    extend,
    fail,
    finish,
    finish_many,
    lapse,
    release,
)
from app.transaction import now, transaction
from tests.jobs.trials import Effect, Parcel, Refused, effect, effects


def ids(claims: list[Claim]) -> list[int]:
    return [one.id for one in claims]


def attempts_of(id: int) -> list[Attempt]:
    db.session.rollback()
    query = sa.select(Attempt).where(Attempt.source == "trial_parcels", Attempt.row_id == id).order_by(Attempt.id)
    return list(db.session.execute(query.execution_options(populate_existing=True)).scalars())


def let_lapse(*claims: Claim) -> None:
    """As if the lease of these claims had run out."""
    with transaction() as session:
        session.execute(sa.update(Parcel).where(Parcel.id.in_(ids(list(claims)))).values(lease_until=now(session) - timedelta(seconds=1)))


def settle(session: Session, one: Claim, outcome: str = "carried") -> None:
    effect(session, "parcels", one.id)
    finish(session, one, outcome)


# claiming

def test_a_claim_takes_what_is_due_in_order_of_priority_then_age(parcels, send):
    late, = send(1, run_at=datetime.now(UTC) + timedelta(hours=1))
    first, second = send(2)
    urgent, = send(1, priority=-1)

    assert ids(claim(parcels, "me")) == [urgent, first, second]
    assert claim(parcels, "me") == []
    assert late not in ids(claim(parcels, "me"))


def test_a_claim_counts_the_attempt_and_says_who_holds_it_until_when(parcels, send, parcel):
    id, = send(1)
    one, = claim(parcels, "me")
    row = parcel(id)
    assert (row.status, row.attempts, row.lease_owner, row.lease_token) == ("running", 1, "me", one.token)
    assert timedelta(0) < row.lease_until - datetime.now(UTC) <= timedelta(seconds=2)
    attempt, = attempts_of(id)
    assert (attempt.worker, attempt.number, attempt.ended_at) == ("me", 1, None)


def test_a_batch_holds_at_most_one_row_of_an_object(parcels, send):
    a1, a2, b1, free1, free2 = send("a", "a", "b", None, None)
    assert ids(claim(parcels, "me")) == [a1, b1, free1, free2]
    assert ids(claim(parcels, "other")) == []


def test_the_next_row_of_an_object_is_free_once_the_first_has_ended(parcels, send):
    a1, a2 = send("a", "a")
    one, = claim(parcels, "me")
    with transaction() as session:
        finish(session, one)
    assert ids(claim(parcels, "me")) == [a2]


def test_a_row_that_was_tried_before_is_claimed_alone(parcels, send):
    tried, = send(1, attempts=1)
    fresh, other = send(2)
    assert ids(claim(parcels, "me")) == [tried]
    assert ids(claim(parcels, "me")) == [fresh, other]


def test_rows_that_were_tried_before_never_join_a_batch(parcels, send):
    fresh, = send(1)
    tried, = send(1, attempts=2)
    assert ids(claim(parcels, "me")) == [fresh]
    assert ids(claim(parcels, "me")) == [tried]


def test_no_claim_is_larger_than_asked(parcels, send):
    send(7)
    assert len(claim(parcels, "me", 3)) == 3


def test_many_claimers_at_once_never_take_the_same_row(app, parcels, send):
    sent = send(*[f"object {number % 30}" for number in range(120)])

    def take(worker: int) -> list[int]:
        with app.app_context():
            return ids(claim(parcels, f"worker {worker}", 10))

    with ThreadPoolExecutor(8) as pool:
        taken = [id for claims in pool.map(take, range(8)) for id in claims]
    assert len(taken) == len(set(taken)) == 30
    assert set(taken) <= set(sent)


def test_the_database_itself_refuses_a_second_running_row_of_an_object(parcels, send):
    _, second = send("a", "a")
    claim(parcels, "me")
    with pytest.raises(IntegrityError), transaction() as session:
        session.execute(sa.update(Parcel).where(Parcel.id == second).values(status="running"))


# the fence

def test_effect_and_end_commit_together(parcels, send, parcel):
    id, = send(1)
    one, = claim(parcels, "me")
    with transaction() as session:
        settle(session, one)
    assert effects() == {id: 1}
    assert (parcel(id).status, parcel(id).outcome, parcel(id).lease_until) == ("done", "carried", None)
    assert attempts_of(id)[0].outcome == "carried"
    assert attempts_of(id)[0].ended_at is not None


def test_whoever_lost_the_lease_leaves_no_effect(parcels, send, parcel):
    id, = send(1)
    late, = claim(parcels, "frozen")
    let_lapse(late)
    expire(parcels)
    one, = claim(parcels, "other")
    with transaction() as session:
        settle(session, one)

    with pytest.raises(LostLease), transaction() as session:
        settle(session, late, "twice")

    assert effects() == {id: 1}
    assert parcel(id).outcome == "carried"
    assert [attempt.outcome for attempt in attempts_of(id)] == ["lapsed", "carried"]


@pytest.mark.parametrize("end", ["finish", "fail", "cancel"])
def test_every_way_to_end_a_row_is_fenced(parcels, send, end):
    send(1)
    late, = claim(parcels, "frozen")
    let_lapse(late)
    expire(parcels)
    claim(parcels, "other")
    ways: dict[str, Callable[[Session, Claim], None]] = {"finish": finish, "fail": lambda session, one: fail(session, one, ValueError()), "cancel": queue.cancel}
    with pytest.raises(LostLease), transaction() as session:
        ways[end](session, late)


def test_one_lost_row_rolls_its_whole_batch_back(parcels, send):
    send(3)
    batch = claim(parcels, "me")
    let_lapse(batch[1])
    expire(parcels)
    with pytest.raises(LostLease), transaction() as session:
        for one in batch:
            effect(session, "parcels", one.id)
        finish_many(session, [(one, "carried") for one in batch])
    assert effects() == {}


def test_a_batch_ends_with_an_outcome_a_row(parcels, send, parcel):
    first, second, third = send(3)
    outcomes = dict(zip([first, second, third], ["updated", "stale", "updated"], strict=True))
    batch = claim(parcels, "me")
    with transaction() as session:
        finish_many(session, [(one, outcomes[one.id]) for one in batch])
    assert {id: parcel(id).outcome for id in outcomes} == outcomes
    assert {attempts_of(id)[0].outcome for id in (first, third)} == {"updated"}


def test_changes_of_the_session_are_written_before_the_fence(parcels, send, parcel):
    """The fence has to be last: what is still pending in the session may not follow it."""
    send(1)
    one, = claim(parcels, "me")
    statements: list[str] = []
    engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", listener := lambda *args: statements.append(args[2]))
    with transaction() as session:
        session.add(Effect(of="parcels", row_id=one.id, pid=0))
        finish(session, one)
    sa.event.remove(engine, "before_cursor_execute", listener)
    assert "UPDATE trial_parcels" in statements[-1]
    assert any("trial_effects" in statement for statement in statements)


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
    assert "test_queue.py" in str(attempts_of(id)[0].error)


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
    claim(parcels, "me")
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
