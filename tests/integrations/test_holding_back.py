"""When nobody calls: what a provider's limit says, what the breaker saw, and that calls do not hold up each other."""
import threading
from datetime import UTC, datetime, timedelta

import pytest
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from app.config import config
from app.fakes.fake import EXPIRED, Said, Scenario, failing, limited, refusing
from app.integrations import breaker, limiter, shared
from app.integrations.calling import Limit
from app.integrations.errors import (
    CircuitOpen,
    ProviderError,
    RateLimited,
    TimedOut,
    UnavailableThere,
)
from tests.integrations.conftest import ONCE, changed, failure
from tests.integrations.test_tokens import oauth


def test_too_many_calls_say_when_to_come_back(connect, acme):
    acme.next(limited("120"))

    error = failure(connect())

    assert isinstance(error, RateLimited)
    assert error.retry_at
    assert timedelta(seconds=110) < error.retry_at - datetime.now(UTC) <= timedelta(seconds=120)
    assert error.retry == error.retry_at         # a job hears it: it is queued again for then


def test_after_too_many_calls_nobody_asks_for_this_account_until_then(connect, acme):
    client = connect()
    acme.next(limited("120"))
    failure(client)

    error = failure(client)

    assert isinstance(error, RateLimited)
    assert not error.sent
    assert len(acme.heard) == 1
    assert limiter.blocked_until(client.connection) is not None
    assert connect(account="other").call("things", "GET", "/things").status == 200


def test_a_provider_that_fails_time_after_time_is_left_alone(connect, acme):
    client = connect()
    acme.next(*[failing(500)] * breaker.FAILURES)
    for _ in range(breaker.FAILURES):
        failure(client)

    error = failure(client)

    assert isinstance(error, CircuitOpen)
    assert not error.sent
    assert error.retry_at
    assert datetime.now(UTC) < error.retry_at <= datetime.now(UTC) + breaker.REST + timedelta(seconds=breaker.SPREAD)
    assert not error.costs_a_try
    assert error.retry == error.retry_at
    assert len(acme.heard) == breaker.FAILURES
    assert breaker.state(client.connection) == "open"
    breaker.close(client.connection)
    assert client.call("things", "GET", "/things").status == 200


def test_refusals_do_not_open_the_breaker(connect, acme):
    client = connect()
    acme.next(*[refusing(404)] * (breaker.FAILURES + 2))
    for _ in range(breaker.FAILURES + 2):
        failure(client)
    assert breaker.state(client.connection) == "closed"


def test_slow_calls_do_not_wait_for_each_other(connect, made):
    """pybreaker holds a lock while it calls: shared by threads it would let them through one by one."""
    client, together = connect(), threading.Barrier(2, timeout=20)

    def ask(_):
        with made.app_context():
            breaker.guarded(client.connection, together.wait)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not together.broken


def test_the_limit_holds(connect, acme, without_redis):
    client = connect(changed(limit=Limit(2, 60)))
    outcomes = [_outcome(client) for _ in range(4)]
    assert outcomes.count("ok") == len(acme.heard) <= 2      # a share of it while Redis is away
    assert outcomes[-1] == "RateLimited"


def _outcome(client):
    try:
        client.call("things", "GET", "/things", patience=ONCE)
    except ProviderError as error:
        return error.kind
    return "ok"


def test_a_shorter_rest_does_not_end_a_longer_one(connect, without_redis):
    connection = connect().connection
    limiter.block(connection, limiter.soon(60))
    limiter.block(connection, limiter.soon(1))
    until = limiter.blocked_until(connection)
    assert until
    assert until > limiter.soon(30)


def _try(connection, error=None):
    def call():
        if error:
            raise error
        return "answered"
    return breaker.guarded(connection, call)


def _break(connection, error):
    for _ in range(breaker.FAILURES):
        with pytest.raises(type(error)):
            _try(connection, error)


@pytest.mark.alike
@pytest.mark.parametrize("error", [TimedOut("late"), UnavailableThere("down")])
def test_whatever_says_that_a_provider_is_unwell_counts(connect, error):
    connection = connect().connection
    _break(connection, error)
    assert breaker.state(connection) == "open"
    assert _try(connect(account="other").connection) == "answered"     # of the same provider


@pytest.mark.alike
@pytest.mark.parametrize(("error", "then"), [(None, "closed"), (TimedOut("late"), "open")])
def test_after_its_rest_one_call_tries_and_decides(connect, error, then):
    connection = connect().connection
    _break(connection, UnavailableThere("down"))
    breaker._own[connection.key].opened_at = datetime.now(UTC) - breaker.REST - timedelta(seconds=1)

    assert breaker.state(connection) == "half-open"
    if error:
        with pytest.raises(TimedOut):
            _try(connection, error)
    else:
        assert _try(connection) == "answered"
    assert breaker.state(connection) == then


@pytest.mark.alike
def test_those_it_turned_away_do_not_all_come_back_at_once(connect):
    connection, moments = connect().connection, []
    _break(connection, UnavailableThere("down"))
    for _ in range(5):
        with pytest.raises(CircuitOpen) as caught:
            _try(connection)
        assert caught.value.retry_at
        moments.append(caught.value.retry_at)
    assert max(moments) > min(moments) + timedelta(milliseconds=1)


@pytest.mark.alike
def test_a_token_that_is_not_renewed_counts_too(connect, acme):
    client = connect(oauth(acme))
    client.call("things", "GET", "/things")
    acme.next(EXPIRED, *[failing(500)] * breaker.FAILURES)
    for _ in range(breaker.FAILURES):
        failure(client)
    assert breaker.state(client.connection) == "open"


def _taken(connection, limit, most):
    """How many calls may go at once."""
    waits: list[float] = []
    with pytest.raises(RateLimited) as caught:
        while len(waits) < most:
            waits.append(limiter.take(connection, limit, 0))
    assert caught.value.retry_at
    assert datetime.now(UTC) < caught.value.retry_at <= datetime.now(UTC) + timedelta(seconds=61)
    return len(waits)


@pytest.mark.alike
def test_without_redis_every_process_takes_its_share_of_the_limit_for_each_account(connect, without_redis):
    processes = config().workers + config().web_workers
    assert processes > 1
    assert _taken(connect(account="one").connection, Limit(2 * processes, 60), 9) == 2
    assert _taken(connect(account="two").connection, Limit(2 * processes, 60), 9) == 2


@pytest.mark.alike
def test_redis_that_goes_away_in_the_middle_leaves_the_share(connect, valkey, app, monkeypatch):
    shared.retry_now()
    gone = MovingWindowRateLimiter(storage_from_string("redis://127.0.0.1:9", wrap_exceptions=True, socket_connect_timeout=0.2))
    monkeypatch.setattr(limiter, "_everywhere", lambda url: gone)
    limit = Limit(config().workers + config().web_workers, 60)
    assert _taken(connect().connection, limit, 5) == 1
    assert shared.redis() is None                    # and it is left alone for a moment


@pytest.mark.alike
def test_a_provider_that_says_longer_than_an_hour_is_asked_again_after_one(connect):
    connection = connect().connection
    limiter.block(connection, limiter.soon(86_400))
    until = limiter.blocked_until(connection)
    assert until
    assert until <= limiter.soon(3_601)


@pytest.mark.alike
def test_who_is_woken_too_early_waits_no_longer_than_patience_in_all(connect, monkeypatch):
    connection = connect().connection
    limiter.block(connection, limiter.soon(0.5))
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(RateLimited):
        limiter.take(connection, Limit(20), 1.2)


@pytest.mark.alike
def test_too_many_calls_without_a_moment_pause_the_account_all_the_same(connect, acme):
    client = connect()
    acme.next(Scenario("429", said=Said(429)))
    error = failure(client)
    assert isinstance(error, RateLimited)
    assert error.retry_at
    assert error.retry_at > datetime.now(UTC)
    assert limiter.blocked_until(client.connection) is not None
