"""A payload with invented values in the place of personal data and secrets: the same keys, the same shapes, nobody's data.

What a parser decides by stays: kinds, states, currencies, times, amounts. Everything else is replaced, letter by letter and digit
by digit; equal values stay equal within one payload and cannot be computed back: the salt they are made with is kept nowhere.
"""
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any
from urllib.parse import urlsplit

DECIDES = re.compile(r"^(object|type|kind|event|event_?type|event_?code|event_?category|resource_?type|action|mode|scope|topic|"
                     r"status|state|outcome|result|reason|currency|currency_?code|api_?version|version|livemode|success|interval|carrier|"
                     r"method|payment_?method_?types?|unit|language|locale)$", re.I)
PERSONAL = re.compile(r"name|mail|phone|mobile|address|street|city|zip|postal|birth|dob|ssn|tax|iban|bic|account|card|last_?4|"
                      r"secret|token|password|key|signature|ip$|lat|lng|longitude", re.I)
AMOUNT = re.compile(r"amount|total|price|value|quantity|fee|balance|rate", re.I)
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:/ -]{0,60}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
DECIMAL = re.compile(r"-?\d{1,12}(\.\d{1,4})?")
PREFIX = re.compile(r"[A-Za-z]{2,6}[_-](?=[A-Za-z0-9])")
EMAIL = re.compile(r"([^@\s]+)@[^@\s]+\.[^@\s]+")
KEPT_HEADER = re.compile(r"content-type|topic|event|timestamp|time$", re.I)
LARGE = 10**8            # whole numbers from here on are ids, unless they are moments
MOMENTS = (range(10**9, 3 * 10**9), range(10**12, 3 * 10**12))     # seconds and milliseconds of our days


def redacted(body: bytes) -> bytes:
    """The body as it may leave the house. What is no JSON is replaced letter by letter."""
    invent = _inventor(secrets.token_bytes(16))
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return invent(body.decode("utf-8", "replace")).encode()
    return json.dumps(_value(found, "", invent), indent=2, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def headers(found: dict[str, str]) -> dict[str, str]:
    """Headers as they may leave the house: what names a type stays."""
    invent = _inventor(secrets.token_bytes(16))
    return {name: value if KEPT_HEADER.search(name) or value.isdecimal() else _text(value, name, invent)
            for name, value in found.items()}


Invent = Callable[[str], str]


def _value(found: Any, key: str, invent: Invent) -> Any:
    if isinstance(found, dict):
        return {invent(name) if "@" in name else name: _value(value, name, invent) for name, value in found.items()}
    if isinstance(found, list):
        return [_value(value, key, invent) for value in found]
    if isinstance(found, str):
        return _text(found, key, invent)
    if isinstance(found, bool) or found is None or isinstance(found, float) and not PERSONAL.search(key):
        return found
    return _number(found, key, invent)


def _number(found: int | float, key: str, invent: Invent) -> int | float:
    if AMOUNT.search(key) or isinstance(found, int) and any(found in span for span in MOMENTS) and not PERSONAL.search(key):
        return found
    if PERSONAL.search(key) or abs(found) >= LARGE:
        return type(found)(invent(str(found)))
    return found


def _text(found: str, key: str, invent: Invent) -> str:
    is_personal = PERSONAL.search(key) and not DECIDES.match(key)
    if not is_personal:
        if DECIDES.match(key) and WORD.fullmatch(found) or MOMENT.fullmatch(found):
            return found
        if AMOUNT.search(key) and DECIMAL.fullmatch(found):
            return found
    elif MOMENT.fullmatch(found):
        return "1990-01-01" + found[10:]
    if EMAIL.fullmatch(found):
        return invent(found.partition("@")[0]) + "@example.com"
    if found.startswith(("http://", "https://")):
        return "https://example.com" + invent(urlsplit(found).path)
    prefix = PREFIX.match(found)
    return prefix[0] + invent(found[prefix.end():]) if prefix else invent(found)


def _inventor(salt: bytes) -> Invent:
    """text → text of the same shape, always the same for the same text."""

    def invent(text: str) -> str:
        stream = hmac.digest(salt, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
        made = [_alike(each, stream[place % len(stream)] + place // len(stream)) for place, each in enumerate(text)]
        return "".join(made)
    return invent


def _alike(each: str, pick: int) -> str:
    for alphabet in (ascii_lowercase, ascii_uppercase):
        if each in alphabet:
            return alphabet[pick % 26]
    if each in digits:
        return "0" if each == "0" else digits[1 + pick % 9]
    return "x" if ord(each) > 127 else each
