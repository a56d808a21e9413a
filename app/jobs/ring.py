"""The doorbell: a message in Redis that says only "drain this queue". Losing or doubling one changes nothing but time."""
import time
from dataclasses import dataclass
from functools import lru_cache

import structlog
from prometheus_client import Counter
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue

from app.config import config

log = structlog.get_logger()
PATIENCE = 0.2      # seconds a request waits for Redis
QUIET = 1.0         # seconds Redis is left alone after it did not answer
ENOUGH = 4          # messages waiting for a queue; one more would wake nobody
SECONDS_A_DRAIN = 50
MISSED = Counter("backroom_doorbell_missed", "Times Redis did not answer when work was queued")
_silent_until = 0.0


@dataclass(frozen=True)
class Ring:
    """Ring for one queue, when called."""

    queue: str

    def __call__(self) -> bool:
        return ring(self.queue)


def ring(queue: str) -> bool:
    """Wake a worker for this queue. Never raises: without Redis it says False, and the sweeper sees to the work."""
    global _silent_until
    if time.monotonic() < _silent_until:
        MISSED.inc()
        return False
    try:
        bell = Queue(queue, connection=connect(config().redis, PATIENCE), serializer="json")
        if bell.count < ENOUGH:
            bell.enqueue("app.jobs.drain.answer", queue, job_timeout=SECONDS_A_DRAIN * 20, result_ttl=0, failure_ttl=60)
    except (RedisError, OSError) as error:
        _silent_until = time.monotonic() + QUIET
        MISSED.inc()
        log.warning("doorbell.missed", queue=queue, error=str(error))
        return False
    return True


def answers() -> bool:
    """Whether Redis is there."""
    try:
        return bool(connect(config().redis, PATIENCE).ping())
    except (RedisError, OSError):
        return False


@lru_cache(maxsize=8)
def connect(url: str, timeout: float | None) -> Redis:
    """A client that fails fast: no retries of its own; connections are made when needed and kept."""
    return Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0))
