"""How a custom endpoint is proven: an HMAC over a template, HTTP basic, a token sent along, or nothing but its address.

    {timestamp}.{body}   {url}{body}   v0:{timestamp}:{body}   {header:X-Id}.{body}

The signature is a whole header, or one of its parts (`t=…,v1=…`), with a prefix like `sha256=` before it.
"""
import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from app.integrations.provider import EndpointConfig, Receipt, Rejected, Secret
from app.integrations.signing import (
    Key,
    Sign,
    as_text,
    basic_auth,
    check_clock,
    first_matching,
    from_base64,
    from_hex,
    hmac_base64,
    hmac_hex,
    itself,
)
from app.providers.custom_paths import Header, header_name

HMAC, BASIC, TOKEN, QUERY, ADDRESS = "hmac", "basic", "token", "query", "address"
PIECE = re.compile(r"(\{[^{}]*\})")
PARAMETER = re.compile(r"[A-Za-z0-9_.-]{1,80}")
PART = re.compile(r"[A-Za-z0-9_-]{1,40}")
KEYS: Mapping[str, Key] = {"text": as_text, "hex": from_hex, "base64": lambda secret: from_base64(secret.removeprefix("whsec_"))}
MADE = {"hex": hmac_hex, "base64": hmac_base64}
MILLISECONDS = 13      # digits


@dataclass(frozen=True)
class Proof:
    """What a person said of it, read."""

    how: str
    algorithm: str = "sha256"
    encoding: str = "hex"
    key: str = "text"
    header: str = ""
    prefix: str = ""
    part: str = ""
    signed: tuple[str, ...] = ()      # the template in pieces
    clock: str | Header | None = None     # text: the part of the signature's header of this name

    @property
    def has_clock(self) -> bool:
        return "{timestamp}" in self.signed

    @property
    def covers(self) -> frozenset[str]:
        """The headers nobody can change without being found out."""
        named = {piece[8:-1].strip().lower() for piece in self.signed if piece.startswith("{header:")}
        return frozenset(named | ({self.clock.name} if self.has_clock and isinstance(self.clock, Header) else set()))


def read(options: Mapping[str, str], errors: dict[str, str]) -> Proof:
    """The proof these options describe; what is wrong goes to `errors`, by option."""
    how = options.get("proof") or HMAC
    signed = tuple(piece for piece in PIECE.split(options.get("signed", "").replace("\\n", "\n")) if piece)
    proof = Proof(how, options.get("algorithm") or "sha256", options.get("encoding") or "hex", options.get("key") or "text",
                  options.get("header", ""), options.get("prefix", "").strip(), options.get("part", ""), signed,
                  _clock(options.get("clock", ""), errors) if how == HMAC else None)
    _check_name(proof, errors)
    if how == HMAC:
        _check_hmac(proof, errors)
    return proof


def verify(proof: Proof, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret | None:
    """The secret that proves the post. Raises Rejected."""
    if proof.how == ADDRESS:
        return None
    if proof.how == BASIC:
        return basic_auth(receipt, endpoint)
    if proof.how == TOKEN:
        return first_matching(endpoint.secrets, itself, receipt.header(proof.header).removeprefix(proof.prefix).strip())
    if proof.how == QUERY:
        return first_matching(endpoint.secrets, itself, receipt.query(proof.header))
    return _by_hmac(proof, receipt, endpoint, now)


def sign(proof: Proof, body: bytes, secret: str, endpoint: EndpointConfig, now: datetime) -> Receipt:
    """A post as the sender would make it, proven by `secret`."""
    headers, url = {"Content-Type": "application/json"}, endpoint.public_url
    if proof.how == BASIC:
        headers["Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
    elif proof.how == TOKEN:
        headers[proof.header] = f"{proof.prefix} {secret}".strip()
    elif proof.how == QUERY:
        url = f"{url}?{proof.header}={quote(secret)}"
    elif proof.how == HMAC:
        headers |= _signed_headers(proof, body, secret, endpoint, now)
    return Receipt("POST", url, headers, body, None, now)


def _by_hmac(proof: Proof, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret:
    given = _given(proof, receipt.header(proof.header))
    clock = _said_clock(proof, receipt)
    try:
        found = first_matching(endpoint.secrets, _made(proof, _signed(proof, receipt, endpoint, clock)), *given)
    except ValueError as error:
        raise Rejected(f"A secret of this endpoint is not what its settings say: {error}.") from None
    if proof.has_clock:
        check_clock(clock[:-3] if len(clock) == MILLISECONDS else clock, endpoint, now)
    return found


def _given(proof: Proof, header: str) -> list[str]:
    """The signatures the post came with."""
    if not header:
        raise Rejected(f"The header {proof.header} is missing.")
    found = [value for name, value in _parts(header) if name == proof.part] if proof.part else [header.strip()]
    if not any(each.startswith(proof.prefix) for each in found):
        lacks = f"has no part {proof.part}" if not found else f"does not hold what begins with {proof.prefix}"
        raise Rejected(f"The header {proof.header} {lacks}.")
    bare = [each.removeprefix(proof.prefix).strip() for each in found if each.startswith(proof.prefix)]
    return [each.lower() for each in bare] if proof.encoding == "hex" else bare


def _parts(header: str) -> list[tuple[str, str]]:
    pairs = (each.strip().partition("=") for each in re.split(r"[,;]", header))
    return [(name.strip(), value.strip()) for name, _, value in pairs]


def _said_clock(proof: Proof, receipt: Receipt) -> str:
    if isinstance(proof.clock, Header):
        return receipt.header(proof.clock.name)
    return next((value for name, value in _parts(receipt.header(proof.header)) if name == proof.clock), "")


def _signed(proof: Proof, receipt: Receipt, endpoint: EndpointConfig, clock: str) -> bytes:
    def of(piece: str) -> bytes:
        if piece == "{body}":
            return receipt.body
        known = {"{url}": endpoint.public_url, "{timestamp}": clock}
        said = receipt.header(piece[8:-1].strip()) if piece.startswith("{header:") else known.get(piece, piece)
        return said.encode("utf-8", "surrogatepass")
    return b"".join(of(piece) for piece in proof.signed)


def _made(proof: Proof, signed: bytes) -> Sign:
    return MADE[proof.encoding](proof.algorithm, signed, KEYS[proof.key])


def _signed_headers(proof: Proof, body: bytes, secret: str, endpoint: EndpointConfig, now: datetime) -> dict[str, str]:
    clock = f"{now.timestamp():.0f}"
    headers = {proof.clock.name: clock} if isinstance(proof.clock, Header) else {}
    receipt = Receipt("POST", "", headers, body, None, now)
    signature = proof.prefix + _made(proof, _signed(proof, receipt, endpoint, clock))(secret)
    timed = f"{proof.clock}={clock}," if isinstance(proof.clock, str) else ""
    return headers | {proof.header: f"{timed}{proof.part}={signature}" if proof.part else signature}


def _clock(text: str, errors: dict[str, str]) -> str | Header | None:
    """`header:X-Timestamp` or `part:t`."""
    kind, _, name = text.partition(":")
    try:
        if kind == "header":
            return Header(header_name(name.strip()))
    except ValueError as error:
        errors["clock"] = str(error)
        return None
    if kind == "part" and PART.fullmatch(name.strip()):
        return name.strip()
    if text:
        errors["clock"] = "Write header: and its name, or part: and its name, like part:t."
    return None


def _check_name(proof: Proof, errors: dict[str, str]) -> None:
    if proof.how == QUERY and not PARAMETER.fullmatch(proof.header):
        errors["header"] = "Give the name of the parameter, like token."
    elif proof.how in (HMAC, TOKEN):
        try:
            header_name(proof.header)
        except ValueError as error:
            errors["header"] = str(error)


def _check_hmac(proof: Proof, errors: dict[str, str]) -> None:
    strange = [piece for piece in proof.signed if piece.startswith("{") and piece not in ("{body}", "{url}", "{timestamp}")
               and not re.fullmatch(r"\{header:\s*[A-Za-z0-9_-]{1,80}\s*\}", piece)]
    if strange:
        errors["signed"] = f"{strange[0][:40]} is not known. There are {{body}}, {{url}}, {{timestamp}} and {{header:X-Name}}."
    elif "{body}" not in proof.signed:
        errors["signed"] = "It must hold {body}: what is not signed could be anybody's."
    elif proof.has_clock and proof.clock is None:
        errors.setdefault("clock", "Say where the time stands that is signed.")
    elif proof.clock is not None and not proof.has_clock:
        errors.setdefault("clock", "This time is not signed: put {timestamp} into what is signed, or leave it empty.")
    own = f"{{header:{proof.header.lower()}}}"
    if own in (piece.lower().replace(" ", "") for piece in proof.signed):
        errors.setdefault("signed", "The header of the signature cannot be part of what it signs.")
    _check_part(proof, errors)


def _check_part(proof: Proof, errors: dict[str, str]) -> None:
    if proof.part and not PART.fullmatch(proof.part):
        errors["part"] = "The name of a part has letters and digits, like v1."
    if proof.part and set(proof.prefix) & set(",;"):
        errors["prefix"] = "A part of a header has no comma or semicolon in it."
    if proof.clock in (proof.part, Header(proof.header.lower())) and proof.clock:
        errors.setdefault("clock", "The signature stands there already.")
    if isinstance(proof.clock, str) and not proof.part:
        errors.setdefault("part", "The time is a part of the header, so the signature is one too: give its name, like v1.")
