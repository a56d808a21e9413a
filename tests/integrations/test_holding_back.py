"""When nobody calls: what a provider's limit says, what the breaker saw, and that calls do not hold up each other."""
import threading
from datetime import UTC, datetime, timedelta

from app.fakes.fake import failing, limited, refusing
from app.integrations import breaker, limiter
from app.integrations.calling import Limit
from app.integrations.errors import (
    CircuitOpen,
    ProviderError,
    RateLimited,
)
from tests.integrations.conftest import ONCE, changed, failure


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
