"""Passwords: what is refused, what is kept, what is compared."""
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.accounts import passwords
from tests.conftest import METHOD


@pytest.mark.parametrize("password", [
    "short", "elevenchars", "password1234", "Password123!", "backroom2026!", "qwerty123456", "aaaaaaaaaaaaaaaa", "121212121212",
    "ada.lovelace1", "lovelace12345", "ada@example.com", "123456789012", "            ", "passwordpassword"])
def test_what_is_tried_first_is_refused(password):
    with pytest.raises(ValueError, match=r"\.$"):
        passwords.check(password, "ada.lovelace@example.com")


@pytest.mark.parametrize("password", [
    "correct horse battery staple", "Lüneburg im Regen", "tr0ub4dor&3xyz", "日本語のパスワードはここです", "my dog eats blue shoes"])
def test_sentences_are_good(password):
    passwords.check(password, "ada.lovelace@example.com")


def test_a_password_too_long_to_hash_cheaply_is_refused():
    with pytest.raises(ValueError, match="at most"):
        passwords.check("a long sentence " * 20, "ada@example.com")


def test_the_same_password_is_kept_differently_each_time(monkeypatch):
    monkeypatch.setattr(passwords, "METHOD", METHOD)      # the other tests hash at less cost
    first, second = passwords.keep("correct horse"), passwords.keep("correct horse")
    assert first != second
    assert first.startswith("scrypt:32768:8:1$")
    assert passwords.matches("correct horse", first)
    assert not passwords.matches("correct hors", first)


def test_nothing_matches_an_account_without_a_password():
    assert not passwords.matches("nobody has this one", None)
    assert not passwords.matches("", None)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.emails())
def test_any_text_is_either_good_or_refused_with_a_sentence(password, email):
    if passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        with suppress(ValueError):
            passwords.check(password, email)
    else:
        with pytest.raises(ValueError, match=r"\.$"):
            passwords.check(password, email)
