"""Documents a provider publishes, like the certificates it signs with: fetched from its own hosts alone, and kept."""
import re
import time
from collections import deque
from threading import Lock
from urllib.parse import urlsplit

from app import cache
from app.integrations.errors import BadResponse, BlockedTarget, RateLimited
from app.integrations.transport import Request, send

KEPT = 24 * 3600.0        # seconds
SECONDS = 5.0
LARGEST = 100_000         # bytes
A_MINUTE = 10             # fetches by this process: the addresses come from posts anybody may send
NAME = "pinned"
_given: dict[str, bytes] = {}
_fetched: deque[float] = deque(maxlen=A_MINUTE)
_lock = Lock()


def document(url: str, *, host: str, path: str = "/") -> bytes:
    """What lies at `url`, at most a day old. `host`: "api.example.com", or "*.example.com" for it and every name below.

    `path` is what the path has to begin with. Raises BlockedTarget for any other address, RateLimited when too many new ones
    are asked for, or what the transport raises. Only for an answer of 200. Call it outside any transaction.
    """
    if not is_below(url, host, path):
        raise BlockedTarget(f"Only documents of {host} are fetched.", sent=False)
    return _given.get(url) or cache.get(NAME, url, KEPT, lambda: _fetch(url))


def remember(url: str, content: bytes) -> None:
    """Take `content` for what lies there, until the process ends: where the network is closed, and in tests."""
    _given[url] = content


def forget() -> None:
    """Fetch everything anew."""
    _given.clear()
    _fetched.clear()
    cache.drop(NAME)


def is_below(url: str, host: str, path: str = "/") -> bool:
    """Whether `url` is https on the usual port, on such a host and below such a path, without tricks in its spelling."""
    if not re.fullmatch(r"https://[a-zA-Z0-9.-]+(:443)?/[a-zA-Z0-9._~/?=&-]*", url) or "/.." in url:
        return False
    parts = urlsplit(url)
    name, wanted = (parts.hostname or "").lower(), host.removeprefix("*.")
    return (name == wanted or host.startswith("*.") and name.endswith("." + wanted)) and parts.path.startswith(path)


def _fetch(url: str) -> bytes:
    with _lock:
        if len(_fetched) == A_MINUTE and time.monotonic() - _fetched[0] < 60:
            raise RateLimited("Too many documents were asked for within a minute.", sent=False)
        _fetched.append(time.monotonic())
    reply = send(Request("GET", url, seconds=SECONDS, largest=LARGEST))
    if reply.status != 200:
        raise BadResponse(f"Instead of the document came an answer of {reply.status}.", status_there=reply.status)
    return reply.body
