"""One call: tried again where that helps and does nothing twice, and written down without a secret."""
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.extensions import db
from app.fakes.fake import DRIP, DROP, EXPIRED, GARBLED, HUGE, LOST, REDIRECT, SLOW, failing, limited, refusing
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
    RateLimited,
    Redirected,
    RejectedThere,
    TimedOut,
    UnavailableThere,
)
from app.integrations.retry import FIRST, IN_JOB, Patience, persist, until_next
from app.jobs import present
from app.transaction import transaction
from tests.integrations.conftest import SECRET, SOON, calls, changed, failure, stored


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


def test_an_address_in_a_reply_does_not_carry_our_key_elsewhere(connect):
    with pytest.raises(BlockedTarget, match="evil.example"):
        connect().call("things", "GET", "https://evil.example/v1/things?page=2")


def test_words_no_database_keeps_are_kept_without_them(connect, acme):
    acme.next(refusing(400, "No\0 such \ud800 thing", "bad\0code"))
    error = failure(connect())

    assert error.detail == "It answered 400: No such thing"
    assert [(call.said, call.provider_code) for call in calls()] == [(error.detail, "bad code")]


def test_an_empty_key_makes_nothing_repeatable(connect, acme):
    acme.next(LOST, LOST)
    assert isinstance(failure(connect(), "POST", idempotency_key="", patience=SOON), AmbiguousOutcome)
    assert len(acme.things) == 1


@pytest.mark.alike
def test_who_calls_may_know_better_than_the_method_whether_twice_is_once(connect, acme):
    acme.next(LOST)
    connect().call("things", "POST", "/things", safe=True, patience=SOON)
    assert len(acme.things) == 2
    acme.next(LOST)
    assert isinstance(failure(connect(), safe=False, patience=SOON), AmbiguousOutcome)


@pytest.mark.alike
def test_an_answer_nobody_can_use_may_be_to_something_that_was_done(connect, acme):
    acme.next(HUGE)
    assert isinstance(failure(connect(), "POST", patience=SOON), AmbiguousOutcome)
    assert len(acme.heard) == 1


@pytest.mark.alike
def test_a_provider_that_is_left_alone_is_not_waited_for_in_line():
    numbers = []

    def turned_away(number, _left):
        numbers.append(number)
        raise CircuitOpen("no", sent=False)
    with pytest.raises(CircuitOpen):
        persist(turned_away, is_repeatable=True, patience=SOON)
    assert numbers == [1]


@pytest.mark.alike
def test_waits_widen_from_attempt_to_attempt():
    assert max(until_next(RateLimited(), 7) for _ in range(40)) > 2 * FIRST


@pytest.mark.alike
def test_the_code_of_an_error_holds_no_secret_either(connect, acme):
    acme.next(refusing(400, "no", f"bad_{SECRET}"))
    error = failure(connect())
    assert error.provider_code.startswith("bad_")
    assert SECRET not in error.provider_code


def test_a_refusal_after_an_attempt_that_was_lost_is_no_proof_that_nothing_was_done(connect, acme):
    acme.next(LOST, EXPIRED)
    error = failure(connect(), "POST", idempotency_key="k1", patience=SOON)
    assert isinstance(error, AuthError)
    assert not error.safe_to_repeat
    acme.next(limited("0"), EXPIRED)
    assert failure(connect(), "POST", idempotency_key="k2", patience=SOON).safe_to_repeat


@pytest.mark.parametrize("path", ["/v2/things", ".evil.example/things", "@evil.example/", "//[", "/v1.evil/things", "/v10/things"])
def test_an_address_in_a_reply_lies_below_that_of_the_connection(connect, acme, path):
    client = connect(base=f"{acme.url}/v1")
    address = acme.url + path if path != "//[" else "http://["
    with pytest.raises(BlockedTarget):
        client.call("things", "GET", address)
    assert acme.heard == []


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
