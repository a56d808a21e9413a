"""Tokens that are fetched with other credentials: once for all, renewed once, and no loop where none is good."""
import base64
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from app.fakes.fake import DROP, EXPIRED, failing, limited, refusing
from app.integrations import auth
from app.integrations.auth import Basic, ClientCredentials, _seconds
from app.integrations.errors import (
    AuthError,
    CircuitOpen,
    RateLimited,
    UnavailableThere,
)
from app.integrations.transport import Request
from tests.integrations.conftest import SOON, calls, changed, failure


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
    acme.next(None, DROP)

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
    assert error.retry_at
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


@pytest.mark.alike
def test_a_token_is_replaced_before_it_ends(connect, acme):
    acme.good.clear()
    client = connect(oauth(acme))
    client.call("things", "GET", "/things")
    [(token, until)] = auth._own.values()
    assert (token, until <= time.time() + 3600 - auth.EARLY) == ("token-1", True)


@pytest.mark.alike
def test_a_token_somebody_else_has_replaced_is_not_replaced_again(connect, acme):
    acme.good.clear()
    client = connect(oauth(acme))
    client.call("things", "GET", "/things")

    assert client.auth.renew(Request("GET", acme.url, {"Authorization": "Bearer the-one-before"}))
    assert acme.tokens == 1


@pytest.mark.alike
def test_whatever_proves_who_asks_is_a_secret(connect, acme):
    client = connect(oauth(acme))
    client.call("things", "GET", "/things")
    pair = base64.b64encode(b"id:a very secret word").decode()
    assert set(client.auth.secrets()) == {"a very secret word", "token-1", pair}
    assert base64.b64encode(b"sk_1:").decode() in Basic("sk_1").secrets()


@pytest.mark.alike
def test_other_credentials_have_another_token(app):
    names = {ClientCredentials(url, id, word, "acme:1", scope)._name for url, id, word, scope in (
        ("u", "i", "s", ""), ("v", "i", "s", ""), ("u", "j", "s", ""), ("u", "i", "t", ""), ("u", "i", "s", "read"))}
    assert len(names) == 5
