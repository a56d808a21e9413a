"""How often a provider is asked: one limit for all processes, counted in Redis; a share of it each while Redis is away."""
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from limits import RateLimitItemPerSecond
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from redis import RedisError

from app.config import config
from app.integrations import shared
from app.integrations.calling import Connection, Limit
from app.integrations.errors import RateLimited

LONGEST = timedelta(hours=1)     # a provider that says longer is asked again after this
_own = MovingWindowRateLimiter(MemoryStorage())
_blocked: dict[str, float] = {}


def take(connection: Connection, limit: Limit, patience: float) -> float:
    """Wait for a turn, at most `patience` seconds; returns the seconds waited. Safe to race.

    Raises RateLimited, which says from when on it is worth asking. Nothing was sent then.
    """
    waited = 0.0
    while (wait := _wait(connection, limit)) > 0:
        if waited + wait > patience:
            raise RateLimited(f"Its limit of calls is used up for {max(wait, 1):.0f} s.", sent=False, retry_at=soon(wait))
        time.sleep(wait)
        waited += wait
    return waited


def block(connection: Connection, until: datetime) -> None:
    """The provider said 429: nobody asks for this account before `until`, or later if it said so before."""
    until = min(until, datetime.now(UTC) + LONGEST)
    known = blocked_until(connection)
    if known is not None and until <= known:
        return
    _blocked[connection.key] = until.timestamp()
    store, left = shared.redis(), until - datetime.now(UTC)
    if store is not None and left > timedelta():
        try:
            store.set(_key(connection), until.timestamp(), px=max(1, left // timedelta(milliseconds=1)))
        except (RedisError, OSError) as error:
            shared.lost(error)


def soon(seconds: float) -> datetime:
    """That many seconds from now."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def left(connection: Connection, limit: Limit) -> int:
    """How many calls of the limit are free at this moment."""
    counter, item = _counter(limit)
    try:
        return int(counter.get_window_stats(item, connection.key).remaining)
    except StorageError as error:
        shared.lost(error)
        return limit.calls


def blocked_until(connection: Connection) -> datetime | None:
    """Until when the provider does not want to be asked; None: it may be."""
    wait = _blocked_for(connection)
    return soon(wait) if wait > 0 else None


def forget() -> None:
    """Count anew in this process."""
    _own.storage.reset()
    _blocked.clear()


def _wait(connection: Connection, limit: Limit) -> float:
    """Seconds until it is worth asking again; 0: the call is counted and may go."""
    blocked = _blocked_for(connection)
    return blocked if blocked > 0 else _full_for(connection, limit)


def _blocked_for(connection: Connection) -> float:
    until, store = _blocked.get(connection.key, 0.0), shared.redis()
    if store is not None:
        try:
            until = max(until, float(store.get(_key(connection)) or 0))
        except (RedisError, OSError) as error:
            shared.lost(error)
    return until - time.time()


def _full_for(connection: Connection, limit: Limit) -> float:
    counter, item = _counter(limit)
    try:
        if counter.hit(item, connection.key):
            return 0.0
        return max(0.01, counter.get_window_stats(item, connection.key).reset_time - time.time())
    except StorageError as error:
        shared.lost(error)
        return _full_for(connection, limit)


def _counter(limit: Limit) -> tuple[MovingWindowRateLimiter, RateLimitItemPerSecond]:
    if shared.redis() is not None:
        return _everywhere(config().limits_storage), RateLimitItemPerSecond(limit.calls, limit.seconds, "outbound")
    processes = config().workers + config().web_workers
    return _own, RateLimitItemPerSecond(max(1, limit.calls // processes), limit.seconds, "outbound")


@lru_cache(maxsize=4)
def _everywhere(url: str) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(storage_from_string(url, wrap_exceptions=True, socket_connect_timeout=shared.PATIENCE,
                                                       socket_timeout=shared.PATIENCE))


def _key(connection: Connection) -> str:
    return f"{shared.PREFIX}blocked:{connection.key}"
