"""How providers sign: HMAC in its spellings, compared in constant time, and the clock they put into it."""
import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable
from datetime import datetime

from app.integrations.provider import EndpointConfig, Rejected, Secret, from_epoch

Sign = Callable[[str], str]


def hmac_hex(algorithm: str, body: bytes) -> Sign:
    """secret → HMAC of `body` in lower-case hex; the secret is used as the text it is."""
    return lambda secret: hmac.new(secret.encode(), body, algorithm).hexdigest()


def hmac_base64(algorithm: str, body: bytes, key: Callable[[str], bytes] = str.encode) -> Sign:
    """secret → HMAC of `body` in base64; `key` turns the secret's text into bytes."""
    return lambda secret: base64.b64encode(hmac.digest(key(secret), body, algorithm)).decode()


def first_matching(secrets: Iterable[Secret], sign: Sign, *signatures: str) -> Secret:
    """The secret one of `signatures` was made with. Every pair is compared, in constant time. Raises Rejected."""
    given = [_digest(signature) for signature in signatures]
    matching = [secret for secret in secrets if _any_equal(_digest(sign(secret.value)), given)]
    if not matching:
        raise Rejected("No live secret of this endpoint made this signature.")
    return matching[0]


def check_clock(seconds: str, endpoint: EndpointConfig, now: datetime) -> datetime:
    """The signed moment, if it is near enough to `now`. Raises Rejected: old posts may be replays."""
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 12):
        raise Rejected("The signed time is missing or not a number of seconds.")
    at = from_epoch(int(seconds))
    if abs(now - at) > endpoint.tolerance:
        far = f"{endpoint.tolerance.total_seconds():.0f} s"
        raise Rejected(f"The signed time {at:%Y-%m-%d %H:%M:%S} is more than {far} from our clock.")
    return at


def from_base64(text: str) -> bytes:
    """The bytes of padded or unpadded base64. Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError("this is not base64") from None


def _any_equal(made: bytes, given: Iterable[bytes]) -> bool:
    found = False
    for each in given:
        found |= hmac.compare_digest(made, each)
    return found


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
