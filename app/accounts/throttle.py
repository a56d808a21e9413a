"""How often somebody may try: counted for all processes in Redis, in this process alone while Redis is away."""
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import structlog
from flask import Flask, current_app
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from app.config import Config
from app.errors import TooManyRequests

log = structlog.get_logger()
PER_ACCOUNT = RateLimitItemPerMinute(10, 5, "sign-in-account")     # tries in five minutes, whether the account exists or not
PER_ADDRESS = RateLimitItemPerMinute(60, 5, "sign-in-address")     # an office shares one address
WAIT_FOR_REDIS = 10.0                                              # seconds until a Redis that failed is asked again
TOLD_FROM = 3                                                      # tries that are left


@dataclass
class Throttle:
    """Counts kept where all processes see them, and a place of our own to count in meanwhile."""

    shared: FixedWindowRateLimiter
    own: FixedWindowRateLimiter = field(default_factory=lambda: FixedWindowRateLimiter(MemoryStorage()))
    away_until: float = 0.0

    def hit(self, limit: RateLimitItem, key: str) -> bool:
        """Count one try; False when it is one too many. Safe to race."""
        return bool(self._ask("hit", limit, key))

    def clear(self, limit: RateLimitItem, key: str) -> None:
        self.own.clear(limit, key)
        self._ask("clear", limit, key)

    def left(self, limit: RateLimitItem, key: str) -> tuple[int, datetime]:
        """How many tries are left, and when counting begins anew."""
        reset, remaining = self._ask("get_window_stats", limit, key)
        return remaining, datetime.fromtimestamp(reset, UTC)

    def _ask(self, verb: str, limit: RateLimitItem, key: str) -> Any:
        if time.monotonic() >= self.away_until:
            try:
                return getattr(self.shared, verb)(limit, key)
            except StorageError as error:
                self.away_until = time.monotonic() + WAIT_FOR_REDIS
                log.warning("throttle.redis_away", error=str(error))
        return getattr(self.own, verb)(limit, key)


def init_app(app: Flask) -> None:
    settings: Config = app.extensions["backroom.config"]
    shared = storage_from_string(settings.limits_storage, wrap_exceptions=True, socket_connect_timeout=0.2, socket_timeout=0.2)
    app.extensions["backroom.throttle"] = Throttle(FixedWindowRateLimiter(shared))


def throttle() -> Throttle:
    found: Throttle = current_app.extensions["backroom.throttle"]
    return found


def count_try(email: str, address: str) -> None:
    """Count a try to sign in, before anything is compared. Raises TooManyRequests, which says from when on to try again."""
    for limit, key in ((PER_ADDRESS, address), (PER_ACCOUNT, email)):
        if not throttle().hit(limit, key):
            _, again = throttle().left(limit, key)
            raise TooManyRequests("Signing in pauses for a few minutes, so that nobody can guess passwords by trying many.",
                                  title="Too many tries", retry=again)


def forget(email: str) -> None:
    """The right password was given: this account begins anew. The address does not, or one account would open all."""
    throttle().clear(PER_ACCOUNT, email)


def warning(email: str) -> str:
    """A sentence when few tries are left, else nothing."""
    left, _ = throttle().left(PER_ACCOUNT, email)
    if left > TOLD_FROM:
        return ""
    tries = {0: "The next wrong try", 1: "After 1 more try"}.get(left, f"After {left} more tries")
    return f"{tries} signing in pauses for 5 minutes." if left else "Signing in now pauses for 5 minutes."
