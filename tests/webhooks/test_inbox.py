"""The inbox: who comes together is written together, nobody hears yes before the commit, and one bad post spoils no other."""
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event as Flag

import pytest
from redis import Redis
from sqlalchemy import event as listen
from sqlalchemy import func, select

from app.errors import Unavailable
from app.extensions import db
from app.integrations.provider import Receipt
from app.jobs import ring
from app.records import adding
from app.webhooks import inbox
from app.webhooks.inbox import Arrival, keep
from app.webhooks.models import Body, StoredSecret
from tests.wait import wait_for
from tests.webhooks.conftest import events, only, receipts


@pytest.fixture
def arrive(endpoint):
    """What a post of one event becomes on its way: `arrive("evt_1")`."""
    made, secret = endpoint(), only(StoredSecret).id

    def make(*keys, **values):
        receipt = Receipt("POST", "", {}, " ".join(keys).encode(), None, datetime.now(UTC))
        rows = [{"endpoint_id": made.id, "received_at": receipt.received_at, "item": item, "dedupe_key": key, "kind": "payment.paid",
                 "said": "paid", "object_key": None, "occurred_at": receipt.received_at, "status": "waiting", "outcome": None,
                 "last_error": None} | values for item, key in enumerate(keys)]
        return Arrival(made.id, secret, receipt, {}, rows)
    return make


@pytest.fixture
def together(app, monkeypatch):
    """Let these arrive while another transaction is under way, so that they are written in one; what each heard: None is yes."""
    real, sizes = inbox._commit, []

    def run(*arrivals, first):
        began, go_on = Flag(), Flag()

        def held(group):
            sizes.append(len(group))
            if not began.is_set():
                began.set()
                assert go_on.wait(30)
            return real(group)
        monkeypatch.setattr(inbox, "_commit", held)
        with ThreadPoolExecutor(len(arrivals) + 1) as pool:
            leader = pool.submit(_heard, app, first)
            assert began.wait(30)
            others = [pool.submit(_heard, app, arrival) for arrival in arrivals]
            wait_for(lambda: len(inbox._waiting) == len(arrivals))
            assert not any(each.done() for each in (leader, *others))
            go_on.set()
            return [each.result(30) for each in others], sizes
    return run


def _heard(app, arrival):
    with app.app_context():
        try:
            keep(arrival)
        except Unavailable as problem:
            return problem
        return None


def test_those_who_come_together_are_one_transaction(together, arrive):
    heard, sizes = together(*(arrive(f"evt_{number}") for number in range(6)), first=arrive("evt_first"))

    assert heard == [None] * 6
    assert sizes == [1, 6]
    assert {each.dedupe_key for each in events()} == {"evt_first", *(f"evt_{number}" for number in range(6))}
    assert [receipt.verdict for receipt in receipts()] == ["ok"] * 7


def test_those_who_come_together_ring_one_bell(together, arrive, valkey, monkeypatch):
    monkeypatch.setattr(ring, "_silent_until", 0.0)
    with Redis.from_url(valkey) as redis:
        redis.flushall()
        together(*(arrive(f"evt_{number}") for number in range(6)), first=arrive("evt_first"))

        assert redis.llen("rq:queue:webhooks") == 2, "one for each transaction"
        redis.flushall()


def test_a_post_of_more_events_than_a_statement_holds_is_kept_whole_and_once(arrive):
    keys = [f"evt_{number:03}" for number in range(2 * adding.TOGETHER + 30)]
    keep(arrive(*keys))
    keep(arrive("evt_000", "evt_new", *keys[1:]))

    assert sorted(each.dedupe_key for each in events()) == [*keys, "evt_new"]
    verdicts = [receipt.verdict for receipt in receipts()]
    assert (verdicts.count("ok"), verdicts.count("duplicate")) == (len(keys) + 1, len(keys))


def test_everybody_keeps_their_own_body(together, arrive):
    together(*(arrive(f"evt_{number}") for number in range(12)), first=arrive("evt_first"))

    known = {each.id: each.dedupe_key for each in events()}
    bodies = {known[receipt.event_id]: only(Body, Body.id == receipt.body_id).content.decode() for receipt in receipts()}
    assert len(bodies) == 13
    assert all(key == body for key, body in bodies.items())


def test_nobody_is_answered_before_the_commit(together, arrive):
    arrivals, at_commit = [arrive(f"evt_{number}") for number in range(3)], []

    def look(_connection):
        at_commit.append([arrival.is_settled for arrival in arrivals])
    listen.listen(db.engine, "commit", look)
    try:
        heard, _ = together(*arrivals[1:], first=arrivals[0])
    finally:
        listen.remove(db.engine, "commit", look)

    assert at_commit == [[False, False, False], [True, False, False]]
    assert heard == [None, None]


def test_a_repeat_in_the_same_transaction_is_a_duplicate(together, arrive):
    together(arrive("evt_1"), arrive("evt_1", "evt_2"), arrive("evt_2", "evt_first"), first=arrive("evt_first"))

    assert sorted(each.dedupe_key for each in events()) == ["evt_1", "evt_2", "evt_first"]
    verdicts = [receipt.verdict for receipt in receipts()]
    assert (verdicts.count("ok"), verdicts.count("duplicate")) == (3, 3)
    firsts = {receipt.event_id: receipt for receipt in receipts() if receipt.verdict == "ok"}
    assert {each.id for each in events()} == set(firsts)
    for each in events():
        body = only(Body, Body.id == firsts[each.id].body_id).content
        assert each.dedupe_key in body.decode().split()


def test_one_bad_post_does_not_spoil_its_neighbours(together, arrive):
    bad = arrive("evt_bad", said=None)     # the table wants a word there

    heard, sizes = together(arrive("evt_1"), bad, arrive("evt_2"), first=arrive("evt_first"))

    assert [problem is None for problem in heard] == [True, False, True]
    assert heard[1].status == 503
    assert sizes == [1, 3, 1, 1, 1]
    assert sorted(each.dedupe_key for each in events()) == ["evt_1", "evt_2", "evt_first"]


def test_whoever_waits_for_a_writer_that_falls_over_is_told_to_come_again(together, arrive, monkeypatch):
    """Even what no handler catches: the thread is ended in the middle of it."""
    def fall(connection, group):
        raise SystemExit
    monkeypatch.setattr(inbox, "_store", fall)

    with pytest.raises(SystemExit):
        keep(arrive("evt_alone"))

    monkeypatch.undo()
    assert events() == []
    keep(arrive("evt_then"))      # the door is open again
    assert len(events()) == 1


def test_a_fall_before_the_commit_answers_503_to_all_and_keeps_nothing(app, together, arrive, monkeypatch):
    def break_off(_connection):
        raise RuntimeError("the machine is on fire")
    first = arrive("evt_first")
    listen.listen(db.engine, "commit", break_off)
    try:
        heard, _ = together(arrive("evt_1"), arrive("evt_2"), first=first)
    finally:
        listen.remove(db.engine, "commit", break_off)

    assert [problem.status for problem in heard] == [503, 503]
    assert first.refused is not None
    assert events() == receipts() == []
    assert db.session.scalar(select(func.count()).select_from(Body)) == 0


def test_who_has_waited_too_long_is_not_made_to_wait_again(app, arrive, monkeypatch):
    monkeypatch.setattr(inbox, "PATIENCE", -1.0)

    with pytest.raises(Unavailable):
        keep(arrive("evt_1"))

    assert events() == []
