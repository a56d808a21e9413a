"""What may be kept of a call: without credentials, by the names of keys, by what values look like, and by knowing the secrets."""
import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit, urlunsplit

from app.logs import HIDDEN, clean

LARGEST = 8_000          # bytes of a request or reply that are kept
SHORTEST = 4             # a shorter secret is no secret: hiding it would hide half of what is written
CARD = re.compile(r"(?<![0-9A-Za-z])(?:\d[ -]?){12,18}\d(?![0-9A-Za-z])")
QUERY_NAMES = re.compile(r"key|token|secret|pass|auth|sign|code|credential", re.I)


class Redactor:
    """Hides the secrets of one connection, however they are written."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {spelt for secret in secrets if len(secret) >= SHORTEST for spelt in _spellings(secret)}
        longest_first = sorted(spellings, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, value: str) -> str:
        """A sentence or a word without secrets."""
        hidden = self._known.sub(HIDDEN, value) if self._known else value
        return str(clean(_without_cards(hidden)))

    def url(self, url: str) -> str:
        """The address without the values of queries that sound like secrets."""
        parts = urlsplit(url)
        query = [(name, HIDDEN if QUERY_NAMES.search(name) else value) for name, value in parse_qsl(parts.query, True)]
        return self.text(urlunsplit(parts._replace(query=urlencode(query, safe="[]/:,"), fragment="")))

    def body(self, content: bytes, content_type: str) -> str:
        """What is kept of a body: JSON and forms by their keys too, other text by its looks, and of other bytes their number."""
        if not content:
            return ""
        text = content.decode("utf-8", "replace")
        if "json" in content_type or text[:1] in "{[":
            shown = self._json(text)
        elif "x-www-form-urlencoded" in content_type:
            shown = "\n".join(f"{name}={HIDDEN if _hides(name) else self.text(value)}" for name, value in parse_qsl(text, True))
        elif "\ufffd" in text or "\0" in text:
            shown = f"({len(content):,} bytes)"
        else:
            shown = self.text(text)
        return cut(shown)

    def _json(self, text: str) -> str:
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            return self.text(text)
        return self.text(json.dumps(clean(told), ensure_ascii=False, indent=1))


def cut(text: str) -> str:
    """At most LARGEST bytes of it, and without what no database keeps."""
    whole = text.replace("\0", "").encode("utf-8", "replace")
    return whole.decode() if len(whole) <= LARGEST else whole[:LARGEST].decode("utf-8", "ignore") + "…"


def _hides(name: str) -> bool:
    return bool(clean({name: ""})[name] == HIDDEN)


def _spellings(secret: str) -> Iterable[str]:
    """As it is, as an address, a form, JSON and base64 write it."""
    raw = secret.encode("utf-8", "surrogatepass")
    return (secret, quote(raw, safe=""), quote_plus(raw), json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1],
            base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(), repr(secret)[1:-1])


def _without_cards(text: str) -> str:
    return CARD.sub(lambda found: HIDDEN if _is_card(found[0]) else found[0], text)


def _is_card(written: str) -> bool:
    """Thirteen to nineteen digits whose check digit is right (Luhn, ISO/IEC 7812-1)."""
    digits = [int(each) for each in reversed(written) if each.isdecimal()]
    total = sum(digit if place % 2 == 0 else sum(divmod(digit * 2, 10)) for place, digit in enumerate(digits))
    return 13 <= len(digits) <= 19 and total % 10 == 0 and len(set(digits)) > 1


__all__ = ["LARGEST", "Redactor", "cut"]
