"""How bytes leave Backroom: one request, one reply, no redirects, no proxies, a size and a time nobody goes beyond.

The only importer of `requests`. It knows nothing of providers, retries or limits; it says whether a request was sent.
"""
import json
import logging
import os
import socket
import ssl
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.util.connection import create_connection

from app.config import config
from app.integrations.errors import BadResponse, BlockedTarget, ProviderError, TimedOut, UnavailableThere
from app.integrations.guard import networks, plain, vetted

LARGEST = 5_000_000        # bytes of a reply, unpacked
PIECE = 65_536
CONNECT = 5.0              # seconds one address has to accept us
AGENT = "Backroom/0.1"
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)     # it writes addresses down, query and all


@dataclass(frozen=True)
class Request:
    """What is to be sent. `seconds`: from now until the last byte of the reply is here."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    seconds: float = 20.0
    largest: int = LARGEST


@dataclass(frozen=True)
class Reply:
    """What came back, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    ms: int = 0

    def header(self, name: str) -> str:
        """The header's value, "" when there is none."""
        return self.headers.get(name.lower(), "")

    def json(self) -> Any:
        """The body as JSON. Raises BadResponse."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise BadResponse("The reply is not JSON.", status_there=self.status) from None

    def json_or_none(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return self.json()
        except BadResponse:
            return None


def send(request: Request) -> Reply:
    """Send it once and read the whole reply. May be called from any thread, never within transaction().

    Raises BlockedTarget, UnavailableThere, TimedOut or BadResponse; their `sent` is False only if no byte of the request left
    this machine.
    """
    plain(request.url)
    begun, until, before = time.monotonic(), _Deadline(request.seconds), sys.exception()
    try:
        with until:
            reply = _exchange(request, begun)
            if until.passed:     # a body without a length ends where the connection was cut, as if it were whole
                raise TimedOut(f"{urlsplit(request.url).hostname} gave no whole answer in time.")
            return reply
    except ProviderError as error:
        error.sent = until.sent
        raise
    except (requests.RequestException, HTTPError, OSError, ValueError) as error:
        host = urlsplit(request.url).hostname or ""
        raise _told(error, before, until, host) from None     # theirs quote the address, query and all


def _exchange(request: Request, begun: float) -> Reply:
    session = _session(os.getpid())
    headers = {"User-Agent": AGENT, **request.headers}
    made = requests.Request(request.method, request.url, headers=headers, data=request.body or None)
    with session.send(session.prepare_request(made), stream=True, allow_redirects=False, verify=True,
                      timeout=(CONNECT, request.seconds)) as answer:
        body = _read(answer, request.largest)
        told = {name.lower(): value.replace("\0", "") for name, value in answer.headers.items()}
        return Reply(answer.status_code, told, body, round((time.monotonic() - begun) * 1000))


def _read(answer: requests.Response, largest: int) -> bytes:
    found = bytearray()
    for piece in answer.iter_content(PIECE):
        found += piece
        if len(found) > largest:
            raise BadResponse(f"The reply is larger than {largest:,} bytes.", status_there=answer.status_code)
    return bytes(found)


class _Deadline:
    """The moment by which everything is over: then the connection is cut, whatever it is waiting for.

    Timeouts of sockets are per read: a reply that comes byte by byte, its headers too, never runs into them.
    """

    current: ClassVar[threading.local] = threading.local()

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.sent = False
        self.passed = False
        self._held: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self.current.deadline = self
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self.current.deadline = None
        with self._lock:
            self._let_go()

    @property
    def left(self) -> float:
        return max(self.until - time.monotonic(), 0.001)

    def hold(self, connection: socket.socket) -> None:
        """Cut this connection when the time is up. A duplicate of it: TLS replaces the object, not the connection."""
        with self._lock:
            self._let_go()
            self._held = socket.socket(fileno=os.dup(connection.fileno()))
            if self.passed:
                self._shut()

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            self._shut()

    def _shut(self) -> None:
        if self._held is not None:
            try:
                self._held.shutdown(socket.SHUT_RDWR)
            except OSError:
                self._let_go()      # it is closed already

    def _let_go(self) -> None:
        if self._held is not None:
            self._held.close()
            self._held = None


class _Plain(HTTPConnection):
    """A connection to an address the guard has seen, watched by the deadline of the call. The name stays in Host and SNI."""

    secure: ClassVar[bool] = False

    def _new_conn(self) -> socket.socket:
        deadline: _Deadline = _Deadline.current.deadline
        found = vetted(self._dns_host, self.port, secure=self.secure, allowed=networks(config().outbound_allow),
                       seconds=deadline.left)
        connection = self._first(found, deadline)
        deadline.hold(connection)
        return connection

    def _first(self, addresses: list[str], deadline: _Deadline) -> socket.socket:
        for address in addresses[:-1]:
            try:
                return self._to(address, deadline)
            except OSError:
                continue        # the next one may accept us; the last one says why not
        return self._to(addresses[-1], deadline)

    def _to(self, address: str, deadline: _Deadline) -> socket.socket:
        return create_connection((address, self.port), min(CONNECT, deadline.left), socket_options=self.socket_options)

    def request(self, *args: Any, **values: Any) -> None:
        deadline: _Deadline = _Deadline.current.deadline
        if self.sock is None:
            self.connect()
        deadline.hold(cast(socket.socket, self.sock))
        cast(socket.socket, self.sock).settimeout(deadline.left)
        deadline.sent = True
        super().request(*args, **values)


class _Secure(_Plain, HTTPSConnection):
    secure = True


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **values: Any) -> None:
        super().init_poolmanager(*args, **values)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


@lru_cache(maxsize=1)
def _session(process: int) -> requests.Session:
    """Connections are kept open for the next call, never across a fork. No cookies: nobody logs us in behind our back."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        session.mount(scheme, _Adapter(pool_connections=16, pool_maxsize=8, max_retries=0))
    return session


def _told(error: BaseException, before: BaseException | None, deadline: _Deadline, host: str) -> ProviderError:
    """Our word for what the libraries raise, of which the innermost says why; what was being handled before is not of it."""
    chain = _causes(error, before)
    kept = next((each for each in chain if isinstance(each, ProviderError)), None)
    if kept is not None:
        kept.sent = deadline.sent
        return kept
    if deadline.passed or any(isinstance(each, TimeoutError | requests.Timeout) for each in chain):
        return TimedOut(f"{host} {'gave no whole answer' if deadline.sent else 'did not accept a connection'} in time.",
                        sent=deadline.sent)
    if bad := next((each for each in chain if isinstance(each, ssl.SSLError)), None):
        return UnavailableThere(_tls(bad, host), why="tls", sent=deadline.sent)
    if any(isinstance(each, ConnectionRefusedError) for each in chain):
        return UnavailableThere(f"{host} refuses connections.", why="refused", sent=deadline.sent)
    if not deadline.sent or any(isinstance(each, UnicodeEncodeError) for each in chain):
        return _never_sent(error, chain, host)
    if any(isinstance(each, ProtocolError | ConnectionError | requests.ConnectionError) for each in chain):
        return UnavailableThere(f"{host} closed the connection before the answer was whole.", why="reset", sent=True)
    return BadResponse(f"The answer of {host} breaks the rules of HTTP ({type(chain[-1]).__name__}).")


def _never_sent(error: BaseException, chain: list[BaseException], host: str) -> ProviderError:
    if any(isinstance(each, OSError) and not isinstance(each, requests.RequestException) for each in chain):
        return UnavailableThere(f"No way leads to {host} ({type(chain[-1]).__name__}).", why="unreachable", sent=False)
    return BlockedTarget(f"This cannot be sent ({type(error).__name__}): look for odd characters in the credentials.", sent=False)


def _tls(error: ssl.SSLError, host: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of {host} is not one we can trust: {error.verify_message or 'it does not fit'}."
    return f"No encrypted connection to {host} comes about ({error.reason or 'TLS'}). Is https spoken there?"


def _causes(error: BaseException, before: BaseException | None) -> "list[BaseException]":
    """The error and what it was made of, the outermost first. requests keeps the inner one in args, urllib3 in `reason`."""
    found: list[BaseException] = []
    todo: list[Any] = [error]
    while todo:
        each = todo.pop(0)
        if isinstance(each, BaseException) and each not in found and each is not before:
            found.append(each)
            todo += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
    return found


__all__ = ["LARGEST", "Reply", "Request", "send"]
