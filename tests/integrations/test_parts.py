"""The parts of a call: how it proves who asks, what a reply means, when to come back, what may be kept, how long."""
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from werkzeug.datastructures import MultiDict

from app.extensions import db
from app.integrations import call_log
from app.integrations.auth import ApiKey, Basic, Bearer, Hmac
from app.integrations.errors import ProviderError, RateLimited
from app.integrations.jobs import KEPT
from app.integrations.judging import quota, retry_after, wrong
from app.integrations.models import Call
from app.integrations.redaction import LARGEST, Redactor
from app.integrations.retry import until_next
from app.integrations.transport import Reply, Request
from app.jobs.enqueue import enqueue
from app.transaction import transaction
from tests.integrations.conftest import ACME, calls, changed

ASKED = Request("POST", "https://api.acme.example/things?a=1", {"X-Time": "5"}, b"body")
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


@pytest.mark.parametrize(("auth", "name", "value"), [
    (Bearer("t"), "Authorization", "Bearer t"),
    (Basic("Aladdin", "open sesame"), "Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),      # RFC 7617, 2
    (ApiKey("k"), "X-Api-Key", "k"),
    (ApiKey("k", header="Authorization", scheme="ShippoToken"), "Authorization", "ShippoToken k"),
    (Hmac("Jefe", lambda _: b"what do ya want for nothing?"), "X-Signature",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),                            # RFC 4231, test case 2
])
def test_a_call_proves_who_asks(auth, name, value):
    signed = auth.sign(ASKED)

    assert signed.headers == {"X-Time": "5", name: value}
    assert not auth.renew(signed)
    assert not any(secret in repr(auth) for secret in auth.secrets() if len(secret) > 3)


def test_a_key_in_the_query_is_left_out_of_what_is_kept():
    signed = ApiKey("k&y", query="api_key").sign(ASKED)

    assert signed.url == "https://api.acme.example/things?a=1&api_key=k%26y"
    assert "k%26y" not in Redactor(()).url(signed.url)
    assert "a=1" in Redactor(()).url(signed.url)


def test_a_signature_covers_what_its_canonical_text_says():
    def canonical(request):
        return f"{request.method}\n{request.url}\n{request.headers['X-Time']}\n".encode() + request.body
    one = Hmac("s", canonical).sign(ASKED).headers["X-Signature"]
    other = Hmac("s", canonical).sign(Request("POST", ASKED.url, {"X-Time": "6"}, b"body")).headers["X-Signature"]
    assert one != other


@pytest.mark.parametrize(("text", "seconds"), [("120", 120), ("1.5", 1.5), ("-5", 0), ("1e99", 86400), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)])
def test_when_to_come_back(text, seconds):
    at = retry_after(Reply(429, {"retry-after": text}, b""))
    assert at
    assert abs((at - datetime.now(UTC)).total_seconds() - seconds) < 5


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "1,5", "\u0661"])
def test_a_moment_that_is_none(text):
    found = retry_after(Reply(429, {"retry-after": text}, b""))
    assert found is None or found <= datetime.now(UTC) + timedelta(days=1)


@given(st.integers(100, 599), st.binary(max_size=200), st.text(max_size=20))
def test_any_reply_has_a_meaning(status, body, moment):
    found = wrong(Reply(status, {"retry-after": moment}, body), ACME)
    assert (found is None) == (200 <= status < 300)
    assert found is None or isinstance(found, ProviderError) and found.status_there == status


@given(st.recursive(st.none() | st.text(max_size=5) | st.integers(), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
    st.sampled_from(["error", "message", "code", "type"]), inner, max_size=3), max_leaves=6))
def test_any_error_body_is_read(told):
    found = wrong(Reply(400, {}, json.dumps(told).encode()), ACME)
    assert found is not None
    assert found.detail.startswith("It answered 400")


def test_the_wait_is_what_the_provider_asks_for_or_longer():
    asked = RateLimited(retry_at=datetime.now(UTC) + timedelta(seconds=9))
    assert all(until_next(asked, 1) >= 8.9 for _ in range(20))
    assert all(0 <= until_next(RateLimited(), number) <= 20 for number in range(1, 12))
    assert len({until_next(RateLimited(), 3) for _ in range(9)}) > 1        # not all at once


@pytest.mark.parametrize(("headers", "shown"), [
    ({"x-ratelimit-remaining": "38", "x-ratelimit-limit": "40"}, "38 of 40"), ({"x-ratelimit-remaining": "38"}, "38"), ({}, "")])
def test_what_is_left_of_the_quota(headers, shown):
    assert quota(Reply(200, headers, b""), ACME) == shown


def test_a_quota_that_says_what_is_used():
    api = changed(quota=("x-shopify-shop-api-call-limit", ""))
    assert quota(Reply(200, {"x-shopify-shop-api-call-limit": "32/40"}, b""), api) == "8 of 40"
    assert quota(Reply(200, {"x-shopify-shop-api-call-limit": "many/40"}, b""), api) == ""


@pytest.mark.parametrize(("text", "hidden"), [
    ("card 4242 4242 4242 4242 declined", "4242 4242"), ("4000-0000-0000-0002", "0000-0000"), ("pan=378282246310005", "378282246310005"),
    ("Authorization: Bearer abcdefghijkl", "abcdefghijkl"), ("sk_live_abcdefgh12345678", "sk_live_abcdefgh12345678"),
    ("https://user:passw0rd@host/", "passw0rd")])
def test_what_looks_like_a_secret_is_hidden(text, hidden):
    assert hidden not in Redactor(()).text(text)
    assert hidden not in Redactor(()).body(text.encode(), "text/plain")


@pytest.mark.parametrize("text", ["order 1234567890123456", "1111 1111 1111 1111", "pi_3QkTb2eZvKYlo2C1", "2026-06-12T09:42:00Z"])
def test_what_only_looks_long_is_kept(text):
    assert Redactor(()).text(text) == text


def test_keys_that_name_secrets_hide_their_values_in_json_and_forms():
    kept = Redactor(()).body(b'{"client_secret": "abc", "deep": [{"password": "p"}], "amount": 5}', JSON)
    assert "abc" not in kept
    assert '"p"' not in kept
    assert '"amount": 5' in kept
    assert Redactor(()).body(b"access_token=abc&amount=5", FORM) == "access_token=[hidden]\namount=5"


def test_what_is_kept_has_an_end():
    assert len(Redactor(()).body(b'{"a": "' + b"\xc3\xa9" * 9_000 + b'"}', JSON).encode()) <= LARGEST + 3
    assert Redactor(()).body(b"\x00\xff\xfe" * 50, "image/png") == "(150 bytes)"
    assert "\0" not in Redactor(()).body(b"a\0b", "text/plain")


@given(st.text(min_size=4, max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_a_known_secret_is_hidden_wherever_it_stands(secret, before, after):
    redact = Redactor((secret,))
    around = f"{before}{secret}{after}"
    assert secret not in redact.text(around).replace("[hidden]", "\0") or secret in "[hidden]"
    kept = redact.body(json.dumps({"said": around}).encode(), JSON)
    assert secret in '{\n "said": "[hidden]"\n}…' or secret not in said(kept).replace("[hidden]", "\0")


def said(kept):
    """What was said, as far as JSON can still be read where a secret like 0000 was part of how a sign is written."""
    try:
        return json.loads(kept)["said"]
    except ValueError:
        return kept


@pytest.mark.alike
@pytest.mark.parametrize("name", call_log.TEXTS)
def test_every_filter_of_the_log_walks_an_index_of_its_own(app, name):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL chooses by how much there is")
    found = select(Call).where(*call_log.asked(MultiDict({name: "x"})).conditions).order_by(Call.id.desc()).limit(51)
    written = str(found.compile(db.engine, compile_kwargs={"literal_binds": True}))
    [step] = db.session.execute(text(f"EXPLAIN QUERY PLAN {written}"))
    assert step.detail.startswith("SEARCH calls USING INDEX ix_calls_")


def test_old_calls_are_dropped(connect, drain):
    client = connect()
    client.call("things", "GET", "/things")
    with transaction() as session:
        session.add(Call(connection_id=client.connection.id, provider="acme", operation="o", op="old", method="GET", url="", attempt=1,
                         ms=1, request="", reply="", at=datetime.now(UTC) - timedelta(days=KEPT.default + 1)))
        enqueue(session, "integrations.prune")
    drain()

    assert [call.op for call in calls()] == ["things"]
