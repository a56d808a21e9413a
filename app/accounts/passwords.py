"""Passwords: what a good one is, how it is kept, how it is compared without telling whether the account exists."""
import re
from functools import lru_cache

from werkzeug.security import check_password_hash, generate_password_hash

SHORTEST, LONGEST = 12, 200
METHOD = "scrypt:32768:8:1"      # a tenth of a second and 32 MB for each guess
SIMPLE = ("password", "passwort", "backroom", "qwerty", "qwertz", "asdfgh", "letmein", "welcome", "willkommen", "iloveyou",
          "administrator", "changeme", "monkey", "dragon", "123456", "abcdef", "secret", "football", "sunshine", "princess")
"""Words people begin with: a password that is little more than these, digits and signs is guessed first."""


def check(password: str, email: str) -> None:
    """Raise ValueError with a sentence when the password is too easy to guess. Length counts, not its kinds of signs."""
    if len(password) < SHORTEST:
        raise ValueError(f"Use at least {SHORTEST} characters. Three or four unrelated words are good and easy to type.")
    if len(password) > LONGEST:
        raise ValueError(f"Use at most {LONGEST} characters.")
    plain = password.lower()
    if len(set(plain)) < 5 or _what_is_left(plain, email) < 5:
        raise ValueError("This one is among the first that are tried. Use words that have nothing to do with you or Backroom.")


def keep(password: str) -> str:
    """The hash to store: scrypt with a salt, its cost written into it."""
    return generate_password_hash(password, METHOD)


def matches(password: str, kept: str | None) -> bool:
    """Whether this is the password. Takes as long without one to compare with, and is then False."""
    right = check_password_hash(kept or _decoy(), password[:LONGEST])
    return right and kept is not None


def _what_is_left(plain: str, email: str) -> int:
    """How many letters remain without simple words, the address and runs of digits and signs."""
    for word in sorted((*SIMPLE, *re.split(r"[^a-z0-9]+", email.lower())), key=len, reverse=True):
        if len(word) >= 3:
            plain = plain.replace(word, "")
    return len(re.sub(r"[\W\d_]+", "", plain))


@lru_cache(maxsize=1)
def _decoy() -> str:
    return generate_password_hash("nobody has this one", METHOD)
