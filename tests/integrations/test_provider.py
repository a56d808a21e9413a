"""The pieces providers are made of: receipts, moments, signatures, the registry."""
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import NotFound
from app.integrations import registry
from app.integrations.provider import EndpointConfig, Provider, Receipt, Rejected, Secret, Unreadable, dig, from_epoch, from_iso
from app.integrations.signing import check_clock, first_matching, from_base64, hmac_base64, hmac_hex

NOW = datetime(2026, 6, 12, 9, 42, tzinfo=UTC)
ENDPOINT = EndpointConfig("Test", "test")


def receipt(body: bytes = b"", **headers: str) -> Receipt:
    return Receipt("POST", "", headers, body, None, NOW)


def test_a_header_is_found_however_it_is_spelt():
    found = Receipt("POST", "", {"X-Sig": "a"}, b"", None, NOW)

    assert found.header("x-sig") == "a"
    assert found.header("other") == ""


def test_a_secret_is_never_printed():
    assert "whsec" not in repr(EndpointConfig("Test", "test", (Secret(1, "whsec_1"),)))


def test_a_body_is_never_printed():
    assert "personal" not in repr(receipt(b"personal"))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"a": Infinity}', b"[" * 200_000])
def test_a_body_that_is_no_json_is_said_so(body):
    with pytest.raises(Unreadable, match="not JSON"):
        receipt(body).json()


@given(st.integers(-(2**70), 2**70) | st.floats() | st.text() | st.none() | st.booleans())
def test_any_seconds_are_a_moment_or_said_not_to_be(seconds):
    with suppress(Unreadable):
        assert from_epoch(seconds).tzinfo is UTC


@given(st.text() | st.none() | st.integers() | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat))
def test_any_text_is_a_moment_or_said_not_to_be(text):
    with suppress(Unreadable):
        assert from_iso(text).utcoffset() == timedelta()


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_moments_beyond_the_calendar_are_said_to_be_none(text):
    with pytest.raises(Unreadable):
        from_iso(text)


def test_digging_never_breaks():
    deep = {"a": [{"b": 1}], "c": None, "d": "text"}

    assert dig(deep, "a", 0, "b") == 1
    assert [dig(deep, *path) for path in (("a", 1), ("a", "b"), ("c", "x"), ("d", 0), ("x",), (0,))] == [None] * 6
    assert dig(None, "a") is None


def test_a_signature_names_the_secret_it_was_made_with():
    secrets = (Secret(2, "new"), Secret(1, "old"))

    assert first_matching(secrets, hmac_hex("sha256", b"x"), hmac_hex("sha256", b"x")("old")).id == 1
    assert first_matching(secrets, hmac_base64("sha256", b"x"), "rubbish", hmac_base64("sha256", b"x")("new")).id == 2
    with pytest.raises(Rejected):
        first_matching(secrets, hmac_hex("sha256", b"y"), hmac_hex("sha256", b"x")("old"))


def test_without_secrets_or_signatures_nothing_is_proven():
    for secrets, signatures in (((), ("a",)), ((Secret(1, "a"),), ()), ((Secret(1, "a"),), ("",))):
        with pytest.raises(Rejected):
            first_matching(secrets, hmac_hex("sha256", b"x"), *signatures)


def test_published_digests():
    """RFC 4231, test case 2."""
    made = hmac_hex("sha256", b"what do ya want for nothing?")("Jefe")

    assert made == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_the_clock_may_be_off_by_the_tolerance(seconds, good):
    clock = str(int(NOW.timestamp()) + seconds)
    if good:
        assert check_clock(clock, ENDPOINT, NOW) == NOW + timedelta(seconds=seconds)
    else:
        with pytest.raises(Rejected):
            check_clock(clock, ENDPOINT, NOW)


@pytest.mark.parametrize("clock", ["", "x", "-1", "1.5", "٣", "9" * 13, " 1"])
def test_a_clock_that_is_no_number_proves_nothing(clock):
    with pytest.raises(Rejected):
        check_clock(clock, ENDPOINT, NOW)


def test_base64_may_lack_its_padding():
    assert from_base64("YWI") == from_base64("YWI=") == b"ab"
    with pytest.raises(ValueError, match="base64"):
        from_base64("a!b")


def test_two_providers_of_one_name_are_a_mistake(monkeypatch):
    monkeypatch.setattr(registry, "_providers", {})

    class One(Provider):
        name, label = "acme", "Acme"

    class Two(Provider):
        name, label = "acme", "Another Acme"

    registry.register(One)
    registry.register(One)
    with pytest.raises(RuntimeError):
        registry.register(Two)


def test_a_provider_that_is_not_there_is_not_found(app):
    with pytest.raises(NotFound, match="stripe"):
        registry.provider("nobody")


def test_a_provider_answers_no_handshake_and_fetches_nothing_unless_it_says_so(app):
    stripe = registry.provider("stripe")

    assert stripe.answer(receipt(), ENDPOINT) is None
