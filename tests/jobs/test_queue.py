"""A queue: claims, leases, the fence, tries, and that nothing is worked on twice at a time."""
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.extensions import db
from app.jobs import queue
from app.jobs.queue import Claim, LostLease, claim, expire, fail, finish, finish_many
from app.transaction import transaction
from tests.jobs.trials import Effect, Parcel, attempts_of, effect, effects, ids, let_lapse


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
