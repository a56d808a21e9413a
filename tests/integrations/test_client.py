"""One call: tried again where that helps and does nothing twice, limited, guarded by a breaker, and written down."""
import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.extensions import db
from app.fakes.fake import DRIP, DROP, EXPIRED, GARBLED, HUGE, LOST, REDIRECT, SLOW, failing, limited, refusing
from app.integrations import breaker, limiter
from app.integrations.auth import ClientCredentials, _seconds
from app.integrations.calling import Limit
from app.integrations.cause import because
from app.integrations.client import flat
from app.integrations.errors import (
    AmbiguousOutcome,
    AuthError,
    BadResponse,
    BlockedTarget,
    CircuitOpen,
    ConflictThere,
    NotFoundThere,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Redirected,
    RejectedThere,
    TimedOut,
    UnavailableThere,
)
from app.integrations.retry import IN_JOB, Patience, persist
from app.jobs import present
from app.transaction import transaction
from tests.integrations.conftest import SECRET, calls, changed, stored

SOON = Patience(2, 5.0)
ONCE = Patience(0, 3.0)


def failure(client, method="GET", **values):
    with pytest.raises(ProviderError) as caught:
        client.call("things", method, "/things", **{"patience": ONCE, **values})
    return caught.value


def test_a_call_proves_who_asks_and_is_written_down(connect, acme):
    with because(record=("payments", 7), event=900), present.working_on(12):
        reply = connect().call("things.list", "GET", "/things", params={"a": 1, "none": None})

    assert reply.json() == {"count": 0}
    assert acme.heard[0].headers["authorization"] == f"Bearer {SECRET}"
    assert acme.heard[0].query == {"a": "1"}
    (call,) = calls()
    assert (call.op, call.method, call.status, call.attempt, call.error) == ("things.list", "GET", 200, 1, None)
    assert (call.resource, call.record_id, call.event_id, call.job_id) == ("payments", 7, 900, 12)
    assert call.url.endswith("/things?a=1")
    assert call.quota == "38 of 40"
    assert (call.request_id or "").startswith("req_")
    assert stored().last_ok_at is not None


def test_the_log_survives_a_rollback(connect):
    client = connect()
    with pytest.raises(RuntimeError, match="on purpose"):
        _call_and_fail(client)

    assert [call.status for call in calls()] == [200]


def _call_and_fail(client):
    client.call("things", "GET", "/things")
    with transaction():
        raise RuntimeError("on purpose")


def test_nobody_is_asked_within_a_transaction(connect, acme):
    client = connect()
    with transaction(), pytest.raises(RuntimeError, match="never asked within a transaction"):
        client.call("things", "GET", "/things")
    assert acme.heard == []


def test_a_read_that_is_open_is_left_alone(connect):
    client = connect()
    db.session.connection()
    assert client.call("things", "GET", "/things").status == 200


@pytest.mark.parametrize("wrong", [failing(500), failing(503), DROP, limited("0"), LOST])
def test_a_safe_method_is_tried_again(connect, acme, wrong):
    acme.next(wrong)

    assert connect().call("things", "GET", "/things", patience=SOON).status == 200
    assert [call.attempt for call in calls()] == [1, 2]
    assert len({call.operation for call in calls()}) == 1


@pytest.mark.parametrize("wrong", [LOST, failing(500, does_it=True), SLOW, DRIP])
def test_a_lost_reply_without_a_key_is_ambiguous_and_never_repeated(connect, acme, wrong):
    acme.next(wrong)

    error = failure(connect(), "POST", seconds=0.5, patience=SOON)

    assert isinstance(error, AmbiguousOutcome)
    assert not error.retryable
    assert error.retry is False
    assert len(acme.things) == len(acme.heard) == 1


@pytest.mark.parametrize("wrong", [LOST, failing(500, does_it=True)])
def test_a_lost_reply_with_a_key_is_asked_for_again_and_done_once(connect, acme, wrong):
    acme.next(wrong, wrong)

    connect().call("things.add", "POST", "/things", json={}, idempotency_key="effect-1", patience=SOON)

    assert acme.things == ["effect-1"]
    assert len(acme.heard) == 3
    assert {call.idempotency_key for call in calls()} == {"effect-1"}


def test_a_key_the_provider_does_not_know_makes_nothing_repeatable(connect, acme):
    acme.next(LOST)
    error = failure(connect(changed(keyed_by="")), "POST", idempotency_key="effect-1", patience=SOON)

    assert isinstance(error, AmbiguousOutcome)
    assert "idempotency-key" not in acme.heard[0].headers


def test_what_was_refused_for_too_many_calls_was_not_done_and_may_be_repeated(connect, acme):
    acme.next(limited("0"))
    connect().call("things.add", "POST", "/things", json={}, patience=SOON)
    assert len(acme.things) == 1


def test_what_was_never_sent_may_be_repeated(connect):
    error = failure(connect(base="http://127.0.0.1:9"), "POST", patience=Patience(1, 5))

    assert isinstance(error, UnavailableThere)
    assert error.safe_to_repeat
    assert [call.is_sent for call in calls()] == [False, False]


@pytest.mark.parametrize(("wrong", "kind"), [
    (refusing(400), RejectedThere), (refusing(401), AuthError), (refusing(402), RejectedThere), (refusing(403), PermissionDenied),
    (refusing(404), NotFoundThere), (refusing(409), ConflictThere), (refusing(422), RejectedThere), (REDIRECT, Redirected),
    (HUGE, BadResponse), (EXPIRED, AuthError)])
def test_a_refusal_is_final(connect, acme, wrong, kind):
    acme.next(wrong)

    error = failure(connect(), patience=SOON)

    assert type(error) is kind
    assert error.retry is False
    assert len(acme.heard) == 1
    (call,) = calls()
    assert call.error == kind.__name__


def test_an_error_carries_the_words_of_the_provider(connect, acme):
    acme.next(refusing(422, "The amount is too large", "amount_too_large"))

    error = failure(connect())

    assert error.detail == "It answered 422: The amount is too large"
    assert (error.provider_code, error.status_there) == ("amount_too_large", 422)
    assert error.request_id.startswith("req_")


def test_an_answer_that_says_json_and_is_none(connect, acme):
    acme.next(GARBLED)
    with pytest.raises(BadResponse, match="not JSON"):
        connect().call("things", "GET", "/things").json()


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


def test_a_timeout_says_whether_it_was_sent(connect, acme):
    acme.next(SLOW)
    error = failure(connect(), seconds=0.3)

    assert isinstance(error, TimedOut)
    assert error.sent


def test_a_page_waits_three_seconds_at_most_and_a_job_comes_back_later(connect, acme, app):
    client = connect()
    acme.next(limited("8"))
    with app.test_request_context("/"), pytest.raises(RateLimited):
        client.call("things", "GET", "/things")
    assert len(acme.heard) == 1
    assert IN_JOB.retries == 2


def test_the_loop_gives_up_after_its_tries():
    numbers = []

    def fail(number, _left):
        numbers.append(number)
        raise UnavailableThere("no", sent=False)

    with pytest.raises(UnavailableThere):
        persist(fail, is_repeatable=False, patience=Patience(2, 30))
    assert numbers == [1, 2, 3]


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


def test_an_address_in_a_reply_does_not_carry_our_key_elsewhere(connect):
    with pytest.raises(BlockedTarget, match="evil.example"):
        connect().call("things", "GET", "https://evil.example/v1/things?page=2")


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


def oauth(acme, scope=""):
    return changed(auth=lambda connection: ClientCredentials(f"{acme.url}/token", "id", "a very secret word", connection.key, scope))


def test_a_token_is_fetched_once_and_used_by_all(connect, acme, made):
    acme.good.clear()
    client = connect(oauth(acme))

    def ask():
        with made.app_context():
            client.call("things", "GET", "/things", patience=SOON)

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert acme.tokens == 1
    assert len(calls()) == 5
    assert {call.error for call in calls()} == {None}


def test_a_token_that_has_ended_is_renewed_once(connect, acme):
    acme.good.clear()
    client = connect(oauth(acme))
    client.call("things", "GET", "/things")
    acme.good.clear()

    assert client.call("things", "GET", "/things").status == 200
    assert acme.tokens == 2
    assert [call.error for call in calls()] == [None, "AuthError", None]


def test_a_token_that_is_never_accepted_is_no_loop(connect, acme):
    client = connect(oauth(acme))
    acme.next(None, EXPIRED, None, EXPIRED)
    assert isinstance(failure(client), AuthError)
    assert acme.tokens == 2


def test_a_token_that_cannot_be_renewed_leaves_nothing_in_doubt(connect, acme):
    """The call was refused; what failed then was only the question for a new token."""
    acme.good.clear()
    client = connect(oauth(acme))
    client.call("things", "GET", "/things")
    acme.good.clear()
    acme.next(None, failing(500))

    error = failure(client, "POST")
    assert isinstance(error, UnavailableThere)
    assert error.safe_to_repeat


def test_who_grants_no_tokens_is_left_alone_too(connect, acme):
    client = connect(oauth(acme))
    acme.next(*[failing(500)] * 5)
    assert {type(failure(client)) for _ in range(5)} == {UnavailableThere}

    assert isinstance(failure(client), CircuitOpen)
    assert len(acme.heard) == 5


def test_too_many_questions_for_a_token_say_when_to_come_back(connect, acme):
    acme.next(limited("30"))
    error = failure(connect(oauth(acme)), "POST")
    assert isinstance(error, RateLimited)
    assert error.retry_at > datetime.now(UTC) + timedelta(seconds=20)


def test_credentials_that_grant_no_token_are_said_so(connect, acme):
    acme.next(refusing(401, "Client authentication failed", "invalid_client"))
    error = failure(connect(oauth(acme)), "POST", patience=SOON)

    assert isinstance(error, AuthError)
    assert "It grants no token" in error.detail
    assert not error.sent


@pytest.mark.parametrize(("told", "seconds"), [
    (3600, 3600.0), ("120", 120.0), (-5, 0.0), (float("inf"), 3600.0), (float("nan"), 3600.0), (1e300, 86_400.0), (None, 3600.0), ([], 3600.0)])
def test_how_long_a_token_is_good_is_always_a_number_of_seconds(told, seconds):
    assert _seconds(told) == seconds


def test_words_no_database_keeps_are_kept_without_them(connect, acme):
    acme.next(refusing(400, "No\0 such \ud800 thing", "bad\0code"))
    error = failure(connect())

    assert error.detail == "It answered 400: No such thing"
    assert [(call.said, call.provider_code) for call in calls()] == [(error.detail, "bad code")]


def test_an_empty_key_makes_nothing_repeatable(connect, acme):
    acme.next(LOST, LOST)
    assert isinstance(failure(connect(), "POST", idempotency_key="", patience=SOON), AmbiguousOutcome)
    assert len(acme.things) == 1


def test_a_refusal_after_an_attempt_that_was_lost_is_no_proof_that_nothing_was_done(connect, acme):
    acme.next(LOST, EXPIRED)
    error = failure(connect(), "POST", idempotency_key="k1", patience=SOON)
    assert isinstance(error, AuthError)
    assert not error.safe_to_repeat
    acme.next(limited("0"), EXPIRED)
    assert failure(connect(), "POST", idempotency_key="k2", patience=SOON).safe_to_repeat


@pytest.mark.parametrize("path", ["/v2/things", ".evil.example/things", "@evil.example/", "//["])
def test_an_address_in_a_reply_lies_below_that_of_the_connection(connect, acme, path):
    client = connect(base=f"{acme.url}/v1")
    address = acme.url + path if path != "//[" else "http://["
    with pytest.raises(BlockedTarget):
        client.call("things", "GET", address)
    assert acme.heard == []


def test_a_shorter_rest_does_not_end_a_longer_one(connect, without_redis):
    connection = connect().connection
    limiter.block(connection, limiter.soon(60))
    limiter.block(connection, limiter.soon(1))
    assert limiter.blocked_until(connection) > limiter.soon(30)


def test_values_in_a_form_are_nested_as_forms_nest_them():
    assert flat({"a": 1, "b": None, "c": True, "metadata": {"order": 7, "tags": ["x", "y"]}}) == [
        ("a", "1"), ("c", "true"), ("metadata[order]", "7"), ("metadata[tags][0]", "x"), ("metadata[tags][1]", "y")]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40).filter(lambda s: len(set(s)) > 3),
       body=st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))
def test_no_secret_is_ever_kept(connect, acme, caplog, secret, body):
    """Quoted back by the provider, sent in a form, in the query and in JSON: neither row nor log nor sentence holds it."""
    client = connect(api_key=secret)
    acme.next(refusing(400, f"Invalid key {secret} given"))
    before = len(calls())
    with caplog.at_level("DEBUG"):
        error = failure(client, "POST", json={**body, "said": f"x{secret}y"}, params={"q": secret})

    call = calls()[before]
    kept = [call.url, call.request, call.reply, call.said, error.detail, str(error), repr(client.connection), caplog.text]
    assert [text for text in kept if secret in text] == []
