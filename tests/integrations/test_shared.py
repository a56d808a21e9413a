"""What all processes share in Redis: the limit, the moment from which to ask again, the breaker, the token."""
import multiprocessing
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
from redis import Redis

from app import create_app
from app.fakes.fake import failing, limited
from app.integrations import auth, breaker, limiter, shared
from app.integrations.calling import Limit
from app.integrations.errors import CircuitOpen, ProviderError, RateLimited, UnavailableThere
from tests.conftest import SCALE
from tests.integrations.conftest import ONCE, failure
from tests.integrations.test_tokens import oauth
from tests.wait import wait_for

FORK = multiprocessing.get_context("fork")
A_SECOND = Limit(20, 1)


@pytest.fixture
def together(app, valkey):
    """Redis is there, and asked."""
    shared.retry_now()
    assert shared.redis() is not None
    return app


def _ask_for(settings, connection, seconds, times):
    with create_app(settings).app_context():
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                limiter.take(connection, A_SECOND, 5)
            except RateLimited:
                continue
            times.put(time.time())
    times.put(None)


@pytest.mark.alike
@pytest.mark.chaos
def test_three_processes_share_one_limit(together, connect, settings):
    connection, times, seconds = connect().connection, FORK.Queue(), 1.2 if SCALE == 1 else 10.0
    processes = [FORK.Process(target=_ask_for, args=(settings, connection, seconds, times)) for _ in range(3)]
    for process in processes:
        process.start()
    taken, ended = [], 0
    while ended < 3:
        found = times.get(timeout=60)
        ended += found is None
        taken += [] if found is None else [found]
    for process in processes:
        process.join()

    assert len(taken) > 20
    span = max(taken) - min(taken)
    assert len(taken) <= 20 * (int(span) + 2)     # of any window of a second at most twenty, whoever asks
    assert max(Counter(int(at) for at in taken).values()) <= 2 * 20


def _fail_often(settings, connection):
    with create_app(settings).app_context():
        for _ in range(breaker.FAILURES):
            with suppress(UnavailableThere):
                breaker.guarded(connection, _down)


def _down():
    raise UnavailableThere("down")


@pytest.mark.alike
@pytest.mark.chaos
def test_a_breaker_that_another_process_opened_lets_nobody_through(together, connect, acme, settings):
    client = connect()
    process = FORK.Process(target=_fail_often, args=(settings, client.connection))
    process.start()
    process.join()
    assert isinstance(failure(client), CircuitOpen)
    assert acme.heard == []


def forgetful():
    """As another process would be: it remembers nothing of its own."""
    for part in (limiter, breaker, auth):
        part.forget()


def test_the_moment_to_ask_again_is_heard_by_all(together, connect, acme):
    client = connect()
    acme.next(limited("120"))
    failure(client)
    forgetful()

    assert isinstance(failure(client), RateLimited)
    assert len(acme.heard) == 1


def test_a_shorter_rest_that_another_heard_of_does_not_end_a_longer_one(together, connect):
    connection = connect().connection
    limiter.block(connection, limiter.soon(60))
    forgetful()
    limiter.block(connection, limiter.soon(1))
    forgetful()
    until = limiter.blocked_until(connection)
    assert until
    assert until > limiter.soon(30)


def test_a_breaker_that_one_opened_is_seen_by_all(together, connect, acme):
    client = connect()
    acme.next(*[failing(500)] * breaker.FAILURES)
    for _ in range(breaker.FAILURES):
        failure(client)
    forgetful()

    assert isinstance(failure(client), CircuitOpen)
    assert breaker.state(client.connection) == "open"


def test_a_token_that_one_fetched_is_used_by_all_and_lies_there_sealed(together, connect, acme):
    acme.good.clear()
    client = connect(oauth(acme))
    client.call("things", "GET", "/things")
    forgetful()
    client.call("things", "GET", "/things")

    assert acme.tokens == 1
    store = shared.redis()
    assert store is not None
    kept = [store.get(key) for key in store.scan_iter(f"{shared.PREFIX}token:*") if not key.endswith(b":flight")]
    assert kept
    assert "token-1" not in str(kept)


def _flight(client):
    """The turn to fetch its token, and where it is kept."""
    flight = auth._Flight(client.auth._name)
    return flight, flight.name


@pytest.mark.alike
def test_while_one_process_fetches_a_token_the_others_wait_for_it(together, connect, acme):
    acme.good.clear()
    client, store, found = connect(oauth(acme)), shared.redis(), []
    assert store

    def ask():
        with together.app_context():
            found.append(client.call("things", "GET", "/things").status)
    with _flight(client)[0]:
        tried, asking = _sets(store), threading.Thread(target=ask)
        asking.start()
        wait_for(lambda: not asking.is_alive() or _sets(store) >= tried + 2)
        assert acme.tokens == 0
        acme.good.add("theirs")
        client.auth._keep("theirs", time.time() + 600)
    asking.join()
    assert (found, acme.tokens) == ([200], 0)


def _sets(store):
    """How often something was to be set in this Redis."""
    return store.info("commandstats").get("cmdstat_set", {"calls": 0})["calls"]


@pytest.mark.alike
def test_the_turn_to_fetch_a_token_ends_with_it_and_lapses_with_whoever_dies_in_it(together, connect, acme):
    client, store = connect(oauth(acme)), shared.redis()
    assert store
    flight, name = _flight(client)
    with flight:
        assert 0 < store.pttl(name) <= auth.FLIGHT * 1000
        late = auth._Flight(client.auth._name)
        turns = []
        for until in (late.until, 0.0):       # in the end it has waited as long as one may take
            late.until = until
            late._try()
            turns.append(late.is_mine)
        assert turns == [False, True]
    assert store.get(name) is None
    with flight:
        store.set(name, "somebody else's")
    assert store.get(name) == b"somebody else's"


@pytest.mark.alike
def test_a_token_under_another_key_of_ours_is_fetched_anew(together, connect, acme):
    acme.good.clear()
    client, store = connect(oauth(acme)), shared.redis()
    assert store
    store.set(client.auth._name, "sealed with a key that is gone")
    assert client.call("things", "GET", "/things").status == 200
    assert acme.tokens == 1


def test_redis_that_goes_away_stops_nobody(together, connect, acme, monkeypatch):
    client = connect()
    client.call("things", "GET", "/things")
    monkeypatch.setitem(shared._clients, together.extensions["backroom.config"].redis,
                        Redis.from_url("redis://127.0.0.1:9", socket_connect_timeout=0.2))

    assert client.call("things", "GET", "/things", patience=ONCE).status == 200
    with pytest.raises(ProviderError):
        acme.next(failing(500))
        client.call("things", "GET", "/things", patience=ONCE)
    shared.retry_now()
