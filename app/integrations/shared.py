"""What all processes share in Redis while it is there: None while it is away, and then it is left alone for a moment."""
import time

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from app.config import config

log = structlog.get_logger()
PATIENCE = 0.2      # seconds a call waits for Redis
QUIET = 5.0         # seconds it is left alone after it did not answer
PREFIX = "backroom:out:"
_clients: dict[str, Redis] = {}
_away_until = 0.0


def redis() -> Redis | None:
    """The shared store, or None while it is away. Never raises; what is asked of it may, see `lost`."""
    if time.monotonic() < _away_until:
        return None
    try:
        client = _client(config().redis)
        client.ping()
    except (RedisError, OSError) as error:
        lost(error)
        return None
    return client


def lost(error: Exception) -> None:
    """Redis failed in the middle of something: leave it alone for a moment."""
    global _away_until
    _away_until = time.monotonic() + QUIET
    log.warning("outbound.redis_away", error=str(error))


def retry_now() -> None:
    """Ask it again at once."""
    global _away_until
    _away_until = 0.0


def _client(url: str) -> Redis:
    if url not in _clients:
        _clients[url] = Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0))
    return _clients[url]
