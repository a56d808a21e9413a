"""A provider that fails time after time is left alone for a while: one state for all processes, in Redis; else in this one."""
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pybreaker import (
    STATE_CLOSED,
    STATE_HALF_OPEN,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitBreakerStorage,
    CircuitMemoryStorage,
    CircuitRedisStorage,
)
from redis import RedisError

from app.integrations import shared
from app.integrations.calling import Connection
from app.integrations.errors import CircuitOpen, TimedOut, UnavailableThere

R = TypeVar("R")
FAILURES = 5                       # in a row
REST = timedelta(seconds=30)       # after which one call may try
SPREAD = 3.0                       # seconds over which those come back that were turned away
LIGHTS = {STATE_CLOSED: ("ok", "full", "Working"), STATE_OPEN: ("bad", "call", "Left alone"),
          STATE_HALF_OPEN: ("wait", "half", "Trying again")}
_own: dict[str, CircuitMemoryStorage] = {}


def guarded(connection: Connection, call: Callable[[], R]) -> R:
    """What `call` returns or raises. Raises CircuitOpen without calling while the provider is left alone.

    Only what says that it is unwell counts: no answer, too late, 5xx. An answer of 4xx is one.
    """
    storage = _storage(connection)
    try:
        return _breaker(storage).call(call)
    except CircuitBreakerError:
        until = (_opened(storage) or datetime.now(UTC)) + REST
        later = until + timedelta(seconds=random.uniform(0, SPREAD))  # noqa: S311  (so that not all come at once)
        raise CircuitOpen(f"It failed {FAILURES} times in a row. The next try is at {until:%H:%M:%S} UTC.", sent=False,
                          retry_at=later) from None


def state(connection: Connection) -> str:
    """closed, open or half-open; an open one whose rest is over is half-open: the next call tries."""
    storage = _storage(connection)
    found, opened = storage.state, _opened(storage)
    return STATE_HALF_OPEN if found == STATE_OPEN and opened and opened + REST <= datetime.now(UTC) else found


def close(connection: Connection) -> None:
    """A person mended it: the next call may go."""
    _breaker(_storage(connection)).close()


def forget() -> None:
    """Begin anew in this process."""
    _own.clear()


def _breaker(storage: CircuitBreakerStorage) -> CircuitBreaker:
    """A new one each time: it holds a lock while it calls, and the threads of a process must not wait for each other."""
    return CircuitBreaker(fail_max=FAILURES, reset_timeout=REST.total_seconds(), exclude=[_is_well], state_storage=storage,
                          throw_new_error_on_trip=False)


def _is_well(error: BaseException) -> bool:
    return not isinstance(error, UnavailableThere | TimedOut)


def _storage(connection: Connection) -> CircuitBreakerStorage:
    store = shared.redis()
    if store is not None:
        try:
            return CircuitRedisStorage(STATE_CLOSED, store, namespace=f"{shared.PREFIX}breaker:{connection.key}")
        except (RedisError, OSError) as error:
            shared.lost(error)
    return _own.setdefault(connection.key, CircuitMemoryStorage(STATE_CLOSED))


def _opened(storage: CircuitBreakerStorage) -> datetime | None:
    found = storage.opened_at
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)
