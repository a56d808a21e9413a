"""The provider contract: what a file in providers/ answers for an outside service. Their dialect in, our words out.

A provider is a class with a name, found by its file being there and registered by `@register`. It never touches the
database, never calls out (save `fetch`), and keeps nothing between two calls, so that any process may ask it anything.
"""
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, Protocol
from urllib.parse import parse_qs, urlsplit

from app.errors import Problem, Unavailable
from app.integrations.calling import Api, Connection
from app.records.change import Change

TEST = "backroom.test"      # the kind of an event that only tries out whether an endpoint hears


class Rejected(Problem):
    """A post that does not prove where it comes from. `detail` is the sentence the reject log keeps."""

    status, title = 400, "This post is not signed by the provider"


class OffClock(Rejected):
    """The signature is good, but its clock is `by` from ours (positive: ahead)."""

    def __init__(self, detail: str, by: timedelta) -> None:
        super().__init__(detail)
        self.by = by


class Unreadable(Problem):
    """A post that is signed but says nothing we can read. It is kept, and waits for a person."""

    status, title = 422, "The provider signed something we cannot read"


@dataclass(frozen=True)
class Secret:
    """One secret that proves a post, decrypted. Never printed, never logged."""

    id: int
    value: str = field(repr=False)


class Fetch(Protocol):
    """How a provider gets at what it publishes, like the certificate it signs with; only from a host it pins."""

    def __call__(self, url: str, *, host: str, path: str = "/") -> bytes:
        """What lies at `url`. `host`: "api.example.com" or "*.example.com"; `path`: how the path has to begin.

        Raises Rejected for any other address, Unavailable when it does not answer: the post is then not judged, but sent again.
        """


def no_fetch(url: str, *, host: str, path: str = "/") -> bytes:
    """For endpoints that stand alone, as in tests: nothing answers."""
    raise Unavailable(f"{host} cannot be asked from here.")


@dataclass(frozen=True)
class Option:
    """Something a provider has to be told for each endpoint, like the id PayPal signs with: a field of the endpoint's page."""

    name: str
    label: str
    hint: str = ""
    required: bool = False
    default: str = ""
    choices: tuple[tuple[str, str], ...] = ()        # (value, label); none: free text
    kind: Literal["text", "long"] = "text"           # long: several lines, like JSON
    limit: int = 200                                 # characters


@dataclass(frozen=True)
class EndpointConfig:
    """What a provider may know of the endpoint a post came to. `secrets`: every live one, the newest first."""

    name: str
    account: str                          # whose outside ids these are; also the default of the provider's connection
    secrets: tuple[Secret, ...] = ()
    public_url: str = ""                  # as the provider sees it: some sign the address
    tolerance: timedelta = timedelta(seconds=300)   # how far a signed clock may be from ours
    options: Mapping[str, str] = field(default_factory=dict, hash=False)   # by name, those left out with their default
    fetch: Fetch = field(default=no_fetch, repr=False)


@dataclass(frozen=True)
class Receipt:
    """One post as it came over the wire. `body` is the very bytes: signatures cover them."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    remote_ip: str | None
    received_at: datetime

    def header(self, name: str) -> str:
        """The header's value, "" when it was not sent. Any spelling of the name."""
        wanted = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == wanted), "")

    def query(self, name: str) -> str:
        """The first value of this parameter of the address, "" when it is not there. Gone when the body is read again later."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True).get(name, [""])[0]

    def json(self) -> Any:
        """The body as JSON. Raises Unreadable with a sentence."""
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            known = isinstance(error, json.JSONDecodeError)
            place = f" It goes wrong in line {error.lineno}, column {error.colno}." if known else ""  # type: ignore[union-attr]
            raise Unreadable(f"The body is not JSON.{place}") from None


@dataclass(frozen=True)
class Incoming:
    """One thing a provider says happened.

    `kind` is our word like "payment.paid", None for what we do not act on; `said` is the provider's own word, shown in the
    event log. `dedupe_key` makes two receipts the same event and must come from signed bytes. `object_key` is the outside id
    of what it is about, the same for every event that changes the same record; None lets it run beside anything.
    `account`: whose it is, from signed bytes, where one endpoint hears of several accounts. `is_strict`: never before an earlier
    event of its object has ended. `is_thin`: it names an object and shows none, or proves nothing of it, so `fetch` has to ask
    for it; `is_shown`: where nobody can be asked, what it says counts all the same. `unread`: why this item of a batch cannot
    be read; it is kept, dead, and costs the others nothing.
    """

    kind: str | None
    dedupe_key: str
    object_key: str | None
    occurred_at: datetime
    payload: Any
    said: str = ""
    account: str = ""
    is_strict: bool = False
    is_thin: bool = False
    is_shown: bool = False
    unread: str = ""


@dataclass(frozen=True)
class Answer:
    """What to send back instead of a plain 200: the handshakes some providers insist on."""

    body: str = ""
    status: int = 200
    content_type: str = "text/plain; charset=utf-8"


class Provider:
    """An outside service. Subclasses say `name` (in URLs), `label` (on pages) and how to verify, parse and translate."""

    name: ClassVar[str]
    label: ClassVar[str]
    icon: ClassVar[str] = "plug"
    where: ClassVar[str] = ""                      # where its own pages take our address, in its words
    looks_like: ClassVar[str] = ""                 # its secret, for the form
    needs_secret: ClassVar[bool] = True            # False: nobody knows the address but us and them, which is all the proof
    shortest_secret: ClassVar[int] = 8             # characters; fewer where people choose it there, and it takes them
    has_blanks: ClassVar[bool] = False             # whether a blank can stand in its secret: else it was pasted with too much
    options: ClassVar[tuple[Option, ...]] = ()     # what an endpoint of it is told besides
    own_page: ClassVar[str] = ""                   # the view that asks for the options, where a list of fields will not do
    kept_headers: ClassVar[tuple[str, ...]] = ()   # beyond the common ones; `parse` sees only kept headers on a retry
    success: ClassVar[Answer] = Answer("kept\n")   # what it wants to hear once its events are kept
    reject_status: ClassVar[int] = 400             # what it wants to hear about a bad signature
    reject_body: ClassVar[str | None] = None       # and in which words; None: our reason as problem+json
    is_strict: ClassVar[bool] = False              # every event of it waits for the earlier ones of its object
    tolerance: ClassVar[int] = 300                 # seconds a new endpoint lets its clock differ
    api: ClassVar[Api | None] = None               # how it is called; None: it only ever posts

    def check_secret(self, value: str) -> None:
        """Raise ValueError with a sentence when `value` cannot be a secret of this provider."""

    def check_options(self, options: Mapping[str, str]) -> dict[str, str]:
        """What is wrong with the options of an endpoint beyond what they declare: sentences by name."""
        return {}

    def keeps(self, endpoint: EndpointConfig) -> tuple[str, ...]:
        """The headers this endpoint keeps beyond the common ones."""
        return self.kept_headers

    def greet(self, receipt: Receipt, endpoint: EndpointConfig) -> Answer | None:
        """The answer to a handshake that is not signed, GET or POST, of which nothing is kept; None for everything else.

        Raises Rejected for a handshake that does not know the secret it must know.
        """
        return None

    def verify(self, receipt: Receipt, endpoint: EndpointConfig, now: datetime) -> Secret | None:
        """The secret that proves the receipt, found in constant time; None only for a provider that needs none.

        Where each item of a batch is signed by itself, one that is proven will do: `refused` names the others. Raises Rejected,
        or Unavailable when it cannot be judged now.
        """
        raise NotImplementedError

    def answer(self, receipt: Receipt, endpoint: EndpointConfig) -> Answer | None:
        """The answer to a verified handshake, which is no event; None for everything else."""
        return None

    def parse(self, receipt: Receipt, endpoint: EndpointConfig) -> list[Incoming]:
        """The events in a verified receipt, in their order, which is the same each time. Raises Unreadable."""
        raise NotImplementedError

    def refused(self, receipt: Receipt, endpoint: EndpointConfig, found: list[Incoming]) -> Mapping[int, str]:
        """Which of the items `parse` found are not proven, and why, by place: they are logged as rejected and never stored."""
        return {}

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        """What our records should become, by column. Raises Unreadable when the payload lacks what it must have."""
        raise NotImplementedError

    def sample(self, endpoint: EndpointConfig, now: datetime) -> Receipt | None:
        """A post of the kind TEST as it would send it, signed with the newest secret; None where we cannot sign as it does."""
        return None

    def fetch(self, incoming: Incoming, connection: Connection) -> Incoming | None:
        """The object as the provider has it now, asked under the lease and outside any transaction; None: it cannot be asked."""
        return None


def one_by_one(items: Iterable[Any], read: Callable[[Any], Incoming], at: datetime) -> list[Incoming]:
    """Every item of a batch, read; one that cannot be read is kept as such, as of `at`, and costs the others nothing."""
    return [_read(item, read, at) for item in items]


def _read(item: Any, read: Callable[[Any], Incoming], at: datetime) -> Incoming:
    try:
        return read(item)
    except Unreadable as problem:
        return Incoming(None, fingerprint(item), None, at, item, "unreadable", unread=problem.detail)


def fingerprint(*parts: Any) -> str:
    """A dedupe key where the provider gives none: of the signed values that make an event what it is, and nothing sent anew."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=str)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def from_epoch(seconds: object, name: str = "The moment") -> datetime:
    """A moment given in whole or broken seconds since 1970, in UTC. Raises Unreadable, about the field `name`."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise Unreadable(f"{name} must be a moment in seconds, and {shown(seconds)}.")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise Unreadable(f"{name} {shown(seconds)}, no moment a calendar has.") from None


def from_iso(text: object, name: str = "The moment") -> datetime:
    """A moment in RFC 3339, in UTC; without an offset it is UTC. Raises Unreadable, about the field `name`."""
    if not isinstance(text, str):
        raise Unreadable(f"{name} must be a moment like 2026-06-12T09:42:00Z, and {shown(text)}.")
    try:
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(f"{name} must be a moment like 2026-06-12T09:42:00Z, and {shown(text)}.") from None


def shown(value: object) -> str:
    """How a value that will not do reads in a sentence: "is missing", or "is" and the beginning of it as JSON."""
    return "is missing" if value is None else f"is {json.dumps(value, default=str)[:40]}"


def dig(payload: Any, *path: str | int) -> Any:
    """The value at `path` in nested objects and lists; None where any step is missing."""
    for step in path:
        if isinstance(payload, Mapping):
            payload = payload.get(step)
        elif isinstance(payload, list) and isinstance(step, int):
            payload = payload[step] if step < len(payload) else None
        else:
            return None
    return payload


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
