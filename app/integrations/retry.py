"""The one loop that tries again: only what can help, only what cannot do the thing twice, and not longer than somebody waits."""
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from app.integrations.errors import AmbiguousOutcome, BadResponse, CircuitOpen, ProviderError, TimedOut, UnavailableThere
from app.integrations.transport import Reply

FIRST, LAST = 0.4, 20.0      # seconds: the widest first wait, and the widest of all


@dataclass(frozen=True)
class Patience:
    """How often it is tried again in line, and within how many seconds of the beginning. A job comes back later by itself."""

    retries: int
    seconds: float


IN_REQUEST = Patience(1, 3.0)     # somebody looks at a page that does not come
IN_JOB = Patience(2, 10.0)


def persist(attempt: Callable[[int, float], Reply], *, is_repeatable: bool, patience: Patience) -> Reply:
    """The reply of the first attempt that got one. `attempt` is given its number, from 1, and the seconds left to wait.

    `is_repeatable`: doing it twice is doing it once (a safe method, an idempotency key). Where it is not, it was sent, and nobody
    knows what came of it, raises AmbiguousOutcome; else the last error, whose `retry_at` says from when a job may go on, and
    which is `in_doubt` where an attempt before it may have done it.
    """
    until, in_doubt = time.monotonic() + patience.seconds, False
    for number in count(1):
        try:
            return attempt(number, max(0.0, until - time.monotonic()))
        except ProviderError as error:
            if (unsure := ambiguous(error, is_repeatable)) is not None:
                raise unsure from None
            error.in_doubt = in_doubt = in_doubt or not error.safe_to_repeat
            wait = until_next(error, number)
            is_over = number > patience.retries or time.monotonic() + wait > until
            if not error.retryable or isinstance(error, CircuitOpen) or is_over:
                raise
            time.sleep(wait)
    raise AssertionError("unreachable")


def ambiguous(error: ProviderError, is_repeatable: bool) -> AmbiguousOutcome | None:
    """What to raise instead when repeating could do it twice; None where it could not."""
    if is_repeatable or error.safe_to_repeat or not isinstance(error, TimedOut | UnavailableThere | BadResponse):
        return None
    return AmbiguousOutcome(f"It was sent, and then: {error.detail} Look it up there before you repeat it.", sent=True,
                            provider_code=error.provider_code, request_id=error.request_id, status_there=error.status_there)


def until_next(error: ProviderError, number: int) -> float:
    """Seconds before attempt `number` + 1: what the provider asks for, or longer, at random within what doubles each time."""
    asked = (error.retry_at - datetime.now(UTC)).total_seconds() if error.retry_at else 0.0
    return max(asked, random.uniform(0, min(LAST, FIRST * 2 ** (number - 1))), 0.0)  # noqa: S311  (nobody has to guess it)

