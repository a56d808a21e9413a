"""How a provider is called: what its file declares of its API, and one account of it that we may use."""
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from app.integrations.errors import ProviderError
from app.integrations.transport import Reply, Request


@dataclass(frozen=True)
class Credential:
    """One thing a connection needs to be let in, as its form asks for it. `check` raises ValueError with a sentence."""

    name: str
    label: str
    help: str = ""
    is_secret: bool = True
    is_required: bool = True
    check: Callable[[str], None] | None = None


@dataclass(frozen=True)
class Limit:
    """So many calls in so many seconds, for all processes together."""

    calls: int
    seconds: int = 1


@dataclass(frozen=True)
class Connection:
    """One account of a provider, its credentials decrypted. Never printed, never logged."""

    id: int
    provider: str
    name: str
    account: str
    base: str                                  # without a slash at its end
    credentials: Mapping[str, str] = field(repr=False)
    is_sandbox: bool = False

    @property
    def key(self) -> str:
        """What its limits, its breaker and its tokens are kept under."""
        return f"{self.provider}:{self.account}:{self.id}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be seen. Every credential is one: which of them are not is the form's matter."""
        return tuple(self.credentials.values())


class Auth(Protocol):
    """How a call proves who asks."""

    def sign(self, request: Request) -> Request:
        """The request with the proof in it. May itself call out, and raises what that raises."""

    def renew(self, refused: Request) -> bool:
        """The provider refused it: whether there is a new proof now that makes another try worth it."""

    def secrets(self) -> tuple[str, ...]:
        """What must never be seen, beyond the credentials."""


def told_by_status(reply: Reply) -> tuple[str, str]:
    """The provider's word and sentence for what is wrong, found where most put them; "" where there is none."""
    told = reply.json_or_none()
    inner = told.get("error", told) if isinstance(told, dict) else told
    if isinstance(inner, str):
        return inner, str(told.get("error_description", "")) if isinstance(told, dict) else ""
    if not isinstance(inner, dict):
        return "", ""
    code = inner.get("code") or inner.get("type") or inner.get("name")
    return str(code or ""), str(inner.get("message") or inner.get("detail") or "")


def nothing_wrong(_credentials: Mapping[str, str], _is_sandbox: bool) -> dict[str, str]:
    """No rule beyond what the credentials themselves say."""
    return {}


@dataclass(frozen=True)
class Api:
    """What a provider's file declares of its API."""

    base: str
    credentials: tuple[Credential, ...]
    auth: Callable[[Connection], Auth]
    probe: tuple[str, str]                     # (op, path) of a GET that needs the credentials and nothing else: the Test button
    sandbox: str = ""                          # its base address for tests; "": the same, only other credentials
    limit: Limit = Limit(20)
    keyed_by: str = ""                         # the header that carries an idempotency key; "": it knows none
    request_id: str = "x-request-id"           # the header that carries the provider's number of a call
    quota: tuple[str, str] = ("x-ratelimit-remaining", "x-ratelimit-limit")   # headers: what is left, of how much
    headers: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Mapping[str, str], bool], dict[str, str]] = nothing_wrong    # credentials, sandbox → sentences by name
    told: Callable[[Reply], tuple[str, str]] = told_by_status
    classes: Mapping[int, type[ProviderError]] = field(default_factory=dict)    # where a status means something else here
