"""How providers sign: HMAC in its spellings, compared in constant time, and the clock they put into it."""
import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable
from datetime import datetime

from app.integrations.provider import EndpointConfig, OffClock, Receipt, Rejected, Secret, from_epoch

Key = Callable[[str], bytes]
Sign = Callable[[str], str]
Check = Callable[[str, str], bool]
NOBODY = "No live secret of this endpoint made this signature."


def as_text(secret: str) -> bytes:
    """The secret as the text it is: what most providers sign with."""
    return secret.encode("utf-8", "surrogateescape")


def hmac_hex(algorithm: str, body: bytes, key: Key = as_text) -> Sign:
    """secret → HMAC of `body` in lower-case hex; `key` turns the secret's text into bytes."""
    return lambda secret: hmac.digest(key(secret), body, algorithm).hex()


def hmac_base64(algorithm: str, body: bytes, key: Key = as_text) -> Sign:
    """secret → HMAC of `body` in base64; `key` turns the secret's text into bytes."""
    return lambda secret: base64.b64encode(hmac.digest(key(secret), body, algorithm)).decode()


def itself(secret: str) -> str:
    """secret → the secret: for those who send it along, in a header or the address."""
    return secret


def first_matching(secrets: Iterable[Secret], sign: Sign, *signatures: str) -> Secret:
    """The secret one of `signatures` was made with. Every pair is compared, in constant time. Raises Rejected."""
    given = [_digest(signature) for signature in signatures]
    matching = [secret for secret in secrets if _any_equal(_digest(sign(secret.value)), given)]
    if not matching:
        raise Rejected(NOBODY)
    return matching[0]


def first_verifying(secrets: Iterable[Secret], check: Check, *signatures: str) -> Secret:
    """The public key one of `signatures` verifies under; for `check` see integrations/public_keys.py. Raises Rejected."""
    for secret in secrets:
        if any(check(secret.value, signature) for signature in signatures):
            return secret
    raise Rejected(NOBODY)


def basic_auth(receipt: Receipt, endpoint: EndpointConfig) -> Secret:
    """The secret `user:password` the post came with (RFC 7617). Raises Rejected."""
    scheme, _, given = receipt.header("Authorization").partition(" ")
    if scheme.lower() != "basic":
        raise Rejected("The post came without HTTP basic authentication.")
    try:
        found = from_base64(given.strip()).decode("utf-8", "surrogateescape")
    except ValueError:
        raise Rejected("The header Authorization is not base64.") from None
    return first_matching(endpoint.secrets, itself, found)


def stamped(receipt: Receipt, header: str, between: str, clock: str, scheme: str) -> tuple[str, list[str]]:
    """The clock and the signatures of a header like `t=1781257320,v1=…,v1=…`, of one scheme. Raises Rejected without one."""
    parts = [part.strip().partition("=") for part in receipt.header(header).split(between)]
    signatures = [value for name, _, value in parts if name == scheme]
    if not signatures:
        raise Rejected(f"The header {header} is missing or has no {scheme} signature.")
    return next((value for name, _, value in parts if name == clock), ""), signatures


def check_clock(seconds: str, endpoint: EndpointConfig, now: datetime) -> datetime:
    """The signed moment, if it is near enough to `now`. Raises Rejected: old posts may be replays.

    Ask it after the signature: an OffClock says that the rest is good.
    """
    if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 12):
        raise Rejected("The signed time is missing or not a number of seconds.")
    at = from_epoch(int(seconds))
    if abs(now - at) > endpoint.tolerance:
        far = f"{endpoint.tolerance.total_seconds():.0f} s"
        raise OffClock(f"The signed time {at:%Y-%m-%d %H:%M:%S} is more than {far} from our clock.", at - now)
    return at


def from_base64(text: str) -> bytes:
    """The bytes of padded or unpadded base64. Raises ValueError."""
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("this is not base64") from None


def from_hex(text: str) -> bytes:
    """The bytes of hex digits. Raises ValueError."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError("this is not hex") from None


def _any_equal(made: bytes, given: Iterable[bytes]) -> bool:
    found = False
    for each in given:
        found |= hmac.compare_digest(made, each)
    return found


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
