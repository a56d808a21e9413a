"""Waiting for a condition, never for a time."""
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], within: float = 30.0) -> T:
    """What `condition` answers once that is truthy. Fails when it does not become so in time."""
    until = time.monotonic() + within
    while not (found := condition()):
        if time.monotonic() > until:
            raise AssertionError(f"{within:g} s have passed and it still says {found!r}")
        time.sleep(0.02)
    return found
