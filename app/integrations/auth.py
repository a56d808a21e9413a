"""How calls prove who asks: a bearer token, a password, a key, a signature, or a token of OAuth 2 that is shared and renewed."""
import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import isfinite
from threading import Lock
from urllib.parse import quote, urlencode

from redis import RedisError

from app.integrations import shared
from app.integrations.errors import AuthError, BadResponse, RateLimited, UnavailableThere
from app.integrations.judging import retry_after
from app.integrations.secrets import Sealed, seal, unseal
from app.integrations.transport import Reply, Request, send

EARLY = 60.0          # seconds before its end a token is replaced
FLIGHT = 15.0         # seconds the one who fetches a token may take
_own: dict[str, tuple[str, float]] = {}
_locks: dict[str, Lock] = {}


@dataclass(frozen=True)
class Bearer:
    token: str = field(repr=False)

    def sign(self, request: Request) -> Request:
        return with_header(request, "Authorization", f"Bearer {self.token}")

    def renew(self, refused: Request) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return (self.token,)


@dataclass(frozen=True)
class Basic:
    """RFC 7617, in UTF-8."""

    user: str = field(repr=False)
    password: str = field(default="", repr=False)

    def sign(self, request: Request) -> Request:
        return with_header(request, "Authorization", f"Basic {self._pair()}")

    def renew(self, refused: Request) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return (self._pair(), self.password or self.user)

    def _pair(self) -> str:
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True)
class ApiKey:
    """A key in a header, or in the query, from where the call log leaves it out."""

    value: str = field(repr=False)
    header: str = "X-Api-Key"
    query: str = ""
    scheme: str = ""       # a word before it, like ShippoToken

    def sign(self, request: Request) -> Request:
        if self.query:
            glue = "&" if "?" in request.url else "?"
            return replace(request, url=f"{request.url}{glue}{urlencode({self.query: self.value})}")
        return with_header(request, self.header, f"{self.scheme} {self.value}".strip())

    def renew(self, refused: Request) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return (self.value,)


@dataclass(frozen=True)
class Hmac:
    """A signature over what `canonical` makes of the request, as hex, in a header."""

    secret: str = field(repr=False)
    canonical: Callable[[Request], bytes]
    header: str = "X-Signature"
    algorithm: str = "sha256"

    def sign(self, request: Request) -> Request:
        made = hmac.new(self.secret.encode(), self.canonical(request), self.algorithm).hexdigest()
        return with_header(request, self.header, made)

    def renew(self, refused: Request) -> bool:
        return False

    def secrets(self) -> tuple[str, ...]:
        return (self.secret,)


@dataclass(frozen=True)
class ClientCredentials:
    """OAuth 2 client credentials (RFC 6749, 4.4): one token for all processes, fetched by one, replaced before it ends."""

    url: str
    client_id: str
    client_secret: str = field(repr=False)
    key: str                     # what the token is kept under: the connection's key
    scope: str = ""

    def sign(self, request: Request) -> Request:
        return with_header(request, "Authorization", f"Bearer {self._token()}")

    def renew(self, refused: Request) -> bool:
        """Replace the token that was refused, unless somebody has done so already."""
        used = refused.headers.get("Authorization", "").removeprefix("Bearer ")
        with self._alone():
            if self._known() == used:
                self._keep("", 0.0)
        return self._token() != used

    def secrets(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.client_secret, self._known(), _pair(self.client_id, self.client_secret))))

    def _token(self) -> str:
        known = self._known()
        if known:
            return known
        with self._alone(), _Flight(self._name) as flight:
            while not flight.is_mine:
                if known := self._known():        # somebody else has just fetched it
                    return known
                flight.again()
            return self._known() or self._fetch()

    def _fetch(self) -> str:
        form = {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        reply = send(Request("POST", self.url, {
            "Authorization": f"Basic {_pair(quote(self.client_id, safe=''), quote(self.client_secret, safe=''))}",
            "Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}, urlencode(form).encode(), FLIGHT))
        token, seconds = _granted(reply)
        self._keep(token, time.time() + seconds - min(EARLY, seconds / 2))
        return token

    @property
    def _name(self) -> str:
        """Other credentials, another token."""
        digest = hashlib.sha256("\n".join((self.url, self.client_id, self.client_secret, self.scope)).encode()).hexdigest()[:16]
        return f"{shared.PREFIX}token:{self.key}:{digest}"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One thread of this process at a time. Raises UnavailableThere after as long as one may take."""
        lock = _locks.setdefault(self._name, Lock())
        if not lock.acquire(timeout=FLIGHT):
            raise UnavailableThere("It is still being asked for a token.", sent=False)
        try:
            yield
        finally:
            lock.release()

    def _known(self) -> str:
        token, until = _own.get(self._name, ("", 0.0))
        store = shared.redis()
        if store is not None:
            try:
                kept = store.get(self._name)
                token, until = json.loads(unseal(bytes(kept).decode())) if kept else ("", 0.0)  # type: ignore[arg-type]
            except Sealed:
                token = ""                 # another SECRET_KEY sealed it: fetch our own
            except (RedisError, OSError) as error:
                shared.lost(error)
        return token if until > time.time() else ""

    def _keep(self, token: str, until: float) -> None:
        _own[self._name] = (token, until)
        store = shared.redis()
        if store is not None:
            try:
                store.set(self._name, seal(json.dumps([token, until])), ex=max(1, int(until - time.time())))
            except (RedisError, OSError) as error:
                shared.lost(error)


class _Flight:
    """The turn to fetch a token: one process has it; it lapses with whoever dies in it. Without Redis everybody has it."""

    def __init__(self, name: str) -> None:
        self.name, self.word, self.until = f"{name}:flight", secrets.token_hex(8), time.monotonic() + FLIGHT
        self.is_mine = False

    def __enter__(self) -> "_Flight":
        self._try()
        return self

    def __exit__(self, *_: object) -> None:
        store = shared.redis()
        if store is not None and self.is_mine:
            try:
                if store.get(self.name) == self.word.encode():
                    store.delete(self.name)
            except (RedisError, OSError) as error:
                shared.lost(error)

    def again(self) -> None:
        time.sleep(0.05)
        self._try()

    def _try(self) -> None:
        store = shared.redis()
        try:
            self.is_mine = (store is None or bool(store.set(self.name, self.word, nx=True, px=int(FLIGHT * 1000)))
                            or time.monotonic() > self.until)
        except (RedisError, OSError) as error:
            shared.lost(error)
            self.is_mine = True


def forget() -> None:
    """Forget the tokens this process knows."""
    _own.clear()


def with_header(request: Request, name: str, value: str) -> Request:
    """The same request with one header more."""
    return replace(request, headers={**request.headers, name: value})


def _pair(user: str, password: str) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def _granted(reply: Reply) -> tuple[str, float]:
    """The token and for how many seconds it is good. Raises AuthError, RateLimited, UnavailableThere or BadResponse."""
    told = reply.json_or_none()
    told = told if isinstance(told, dict) else {}
    if reply.status == 429:
        raise RateLimited("It was asked for a token too often.", sent=False, retry_at=retry_after(reply), status_there=429)
    if reply.status >= 500 or reply.status == 408:
        raise UnavailableThere(f"It answered {reply.status} when asked for a token.", sent=False, status_there=reply.status)
    if reply.status != 200:
        why = str(told.get("error", ""))[:100]
        raise AuthError(f"It grants no token (it answered {reply.status}{', ' + why if why else ''}).", provider_code=why,
                        status_there=reply.status)
    token = told.get("access_token")
    if not isinstance(token, str) or not token:
        raise BadResponse("Its answer to our credentials holds no token.", sent=False, status_there=200)
    return token, _seconds(told.get("expires_in"))


def _seconds(told: object) -> float:
    """How long a token is good: a day at most, an hour where nobody can tell."""
    try:
        found = float(str(told))
    except ValueError:
        return 3600.0
    return min(max(found, 0.0), 86_400.0) if isfinite(found) else 3600.0
