"""Small answers worth keeping for a moment in this process. Never needed for truth: dropping it all changes nothing but time."""
import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar

T = TypeVar("T")
LARGEST = 2_000
_kept: dict[tuple[str, Hashable], tuple[float, object]] = {}
_lock = Lock()


def get(name: str, args: Hashable, ttl: float, make: Callable[[], T]) -> T:
    """The answer for (name, args), made anew when it is older than `ttl` seconds. Safe to race: the last maker wins."""
    found = _kept.get((name, args))
    if found is not None and found[0] > time.monotonic():
        return found[1]  # type: ignore[return-value]
    made = make()
    with _lock:
        if len(_kept) >= LARGEST:
            _kept.clear()
        _kept[name, args] = (time.monotonic() + ttl, made)
    return made


def drop(name: str) -> None:
    """Forget every answer kept under `name`, in this process."""
    with _lock:
        for key in [key for key in _kept if key[0] == name]:
            del _kept[key]


def clear() -> None:
    """Forget everything, in this process."""
    with _lock:
        _kept.clear()
