"""Secrets at rest: sealed under the newest key, opened by any, useless without."""
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.config import Config
from app.integrations.secrets import Sealed, reseal, seal, unseal


@pytest.fixture
def keys(app, monkeypatch):
    """Change SECRET_KEY: `keys("new", "old")`."""
    def turn(*given: str) -> None:
        changed: Config = replace(app.extensions["backroom.config"], secret_keys=given)
        monkeypatch.setitem(app.extensions, "backroom.config", changed)
    return turn


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_what_is_sealed_is_opened_again(app, text):
    assert unseal(seal(text)) == text


def test_the_same_secret_is_sealed_differently_each_time(app):
    assert seal("whsec_1") != seal("whsec_1")
    assert "whsec_1" not in seal("whsec_1")


def test_after_a_rotation_the_old_key_still_opens_and_the_new_one_seals(keys):
    keys("old-key-of-sixteen-letters")
    sealed = seal("whsec_1")

    keys("new-key-of-sixteen-letters", "old-key-of-sixteen-letters")
    assert unseal(sealed) == "whsec_1"
    moved = reseal(sealed)

    keys("new-key-of-sixteen-letters")
    assert unseal(moved) == "whsec_1"
    with pytest.raises(Sealed, match="SECRET_KEY"):
        unseal(sealed)


def test_a_changed_byte_is_noticed(app):
    sealed = seal("whsec_1")
    spoilt = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]

    with pytest.raises(Sealed):
        unseal(spoilt)


@pytest.mark.parametrize("rubbish", ["", "x", "gAAAA", "ü"])
def test_what_was_never_sealed_is_said_so(app, rubbish):
    with pytest.raises(Sealed):
        unseal(rubbish)
