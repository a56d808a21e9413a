"""What is probably the matter with a rejected post, for whoever sets the endpoint up: each usual mistake is tried out.

A mistake is tried by judging the post again as it would be without it. The caller bounds how often this is done.
"""
import base64
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy.exc import DBAPIError

from app.config import config
from app.errors import Problem
from app.integrations.provider import EndpointConfig, OffClock, Provider, Receipt, Rejected, Secret, no_fetch
from app.integrations.signing import from_base64, from_hex
from app.webhooks import live
from app.webhooks.live import Live
from app.webhooks.texts import clean

OTHERS = 20              # endpoints of the same provider whose secrets are tried
LARGEST = 262_144        # bytes of a body that is written anew
ANY_TIME = timedelta(days=36_500)
PREFIXES = ("whsec_", "v1,whsec_", "whpk_", "sha256=", "hmac-sha256-hex=")
Trial = Callable[[Live, Provider, Receipt], str | None]


def hint(endpoint: Live, by: Provider, receipt: Receipt, problem: Problem) -> str | None:
    """One sentence; None when it is none of the usual mistakes. Never raises, calls nobody."""
    if isinstance(problem, OffClock):
        return _off_clock(problem.by)
    if by.needs_secret and not endpoint.config.secrets:
        return f"Paste the secret {by.label} shows for this address on the page of the endpoint: until then nothing is proven."
    if not isinstance(problem, Rejected) or _proves(by, receipt, endpoint.config):
        return None
    return next((clean(found) for trial in TRIALS if (found := trial(endpoint, by, receipt)) is not None), None)


def _off_clock(by: timedelta) -> str:
    return (f"The signature is good, but the clock in it is {_long(by)} {'ahead of' if by > timedelta() else 'behind'} ours. "
            "Either a clock is wrong, or the post was held up or sent again.")


def _long(by: timedelta) -> str:
    seconds = abs(by.total_seconds())
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _of_another_endpoint(endpoint: Live, by: Provider, receipt: Receipt) -> str | None:
    try:
        others = live.others(by.name, endpoint.id, OTHERS)
    except (DBAPIError, Problem):
        return None
    for other in others:
        told = replace(other.config, public_url=endpoint.config.public_url, options=endpoint.config.options)
        if _proves(by, receipt, told) or _proves(by, receipt, other.config):
            return f"The signature matches the secret of the endpoint {other.config.name}: it was sent to the wrong address."
    return None


def _secret_of_another_form(endpoint: Live, by: Provider, receipt: Receipt) -> str | None:
    for secret in endpoint.config.secrets:
        for value, sentence in _forms(secret.value):
            if _proves(by, receipt, replace(endpoint.config, secrets=(Secret(secret.id, value),))):
                return f"The signature matches if the secret is {sentence}. Add the secret again as the provider shows it."
    return None


def _forms(value: str) -> Iterator[tuple[str, str]]:
    """What may have been meant by a secret, and how to say it."""
    bare = value.strip().strip("\"'")
    if bare != value:
        yield bare, "taken without the blanks or quotes around it"
    begins = next((prefix for prefix in PREFIXES if bare.startswith(prefix)), "")
    core = bare.removeprefix(begins)
    if begins:
        yield core, f"taken without the {begins} it begins with"
    yield from ((prefix + core, f"given the {prefix} it should begin with") for prefix in PREFIXES if prefix != begins)
    for name, decode in (("base64", from_base64), ("hex", from_hex)):
        with suppress(ValueError):
            yield decode(core).decode("utf-8", "surrogateescape"), f"decoded from {name} first"
    for text in (bare, core):
        raw = text.encode("utf-8", "surrogateescape")
        yield from ((prefix + base64.b64encode(raw).decode(), "taken as plain text, not as base64") for prefix in ("", "whsec_"))
        yield raw.hex(), "taken as plain text, not as hex"


def _body_written_anew(endpoint: Live, by: Provider, receipt: Receipt) -> str | None:
    for body in _bodies(receipt.body):
        if body != receipt.body and _proves(by, replace(receipt, body=body), endpoint.config):
            return ("The body was changed on the way: the signature matches the same content written differently. Something "
                    "between the provider and Backroom reads the body and writes it anew; let it pass the bytes on as they are.")
    return None


def _bodies(body: bytes) -> Iterator[bytes]:
    """The ways the same content is usually written."""
    bare = body.rstrip(b"\r\n")
    yield from (bare, bare + b"\n", bare + b"\r\n", body.replace(b"\r\n", b"\n"))
    if len(body) > LARGEST:
        return
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return
    for is_ascii in (False, True):
        for separators in ((",", ":"), (", ", ": ")):
            text = json.dumps(found, ensure_ascii=is_ascii, separators=separators)
            yield text.encode("utf-8", "surrogatepass")
            yield text.replace("/", "\\/").encode("utf-8", "surrogatepass")
        for indent in (2, 4):
            yield json.dumps(found, ensure_ascii=is_ascii, indent=indent).encode("utf-8", "surrogatepass")


def _for_another_address(endpoint: Live, by: Provider, receipt: Receipt) -> str | None:
    for url in _addresses(endpoint.config, receipt):
        if url != endpoint.config.public_url and _proves(by, receipt, replace(endpoint.config, public_url=url)):
            return f"It was made for the address {_without_token(url)}: make that the public address of the endpoint."
    return None


def _addresses(told: EndpointConfig, receipt: Receipt) -> Iterator[str]:
    """How else the address may be written at the provider."""
    path = urlsplit(receipt.url).path or urlsplit(told.public_url).path
    for url in (told.public_url, receipt.url, config().address + path):
        for scheme in ("https", "http"):
            same = f"{scheme}://{url.partition('://')[2]}"
            yield same
            yield same.rstrip("/")
            yield same.rstrip("/") + "/"


def _without_token(url: str) -> str:
    """The address without what makes it a secret: hints are read by more people than endpoints are."""
    head, found, token = url.partition("/hooks/")
    if not found:
        return url
    provider, _, rest = token.partition("/")
    return f"{head}/hooks/{provider}/…{'/' if rest.endswith('/') else ''}"


def _proves(by: Provider, receipt: Receipt, told: EndpointConfig) -> bool:
    try:
        return by.verify(receipt, replace(told, tolerance=ANY_TIME, fetch=no_fetch), receipt.received_at) is not None
    except Exception:   # the edge: secrets of a form they cannot have may break the check
        return False


TRIALS: tuple[Trial, ...] = (_of_another_endpoint, _secret_of_another_form, _body_written_anew, _for_another_address)
