"""What a reply means: nothing wrong, or which error, with the provider's own words in it and the moment to come back."""
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from app.integrations.calling import Api
from app.integrations.errors import (
    AuthError,
    ConflictThere,
    NotFoundThere,
    PermissionDenied,
    ProviderError,
    RateLimited,
    Redirected,
    RejectedThere,
    UnavailableThere,
)
from app.integrations.transport import Reply

LONGEST = timedelta(days=1)
CLASSES: dict[int, type[ProviderError]] = {
    401: AuthError, 403: PermissionDenied, 404: NotFoundThere, 408: UnavailableThere, 409: ConflictThere, 410: NotFoundThere,
    425: UnavailableThere, 429: RateLimited,
}
SENTENCES = 300      # characters of a provider's own words that are shown


def wrong(reply: Reply, api: Api) -> ProviderError | None:
    """The error this reply means, None for one of 2xx."""
    if 200 <= reply.status < 300:
        return None
    code, sentence = api.told(reply)
    found = api.classes.get(reply.status) or CLASSES.get(reply.status) or _by_hundred(reply.status)
    return found(_said(reply.status, sentence), retry_at=retry_after(reply) if found.retryable else None,
                 provider_code=_plain(code)[:100], request_id=reply.header(api.request_id)[:200], status_there=reply.status)


def retry_after(reply: Reply) -> datetime | None:
    """The moment in `Retry-After`, seconds or a date (RFC 9110, 10.2.3), at most a day away; None without one."""
    text, now = reply.header("retry-after").strip(), datetime.now(UTC)
    try:
        seconds = float(text)
        return now + timedelta(seconds=min(max(seconds, 0.0), LONGEST.total_seconds()))
    except (ValueError, OverflowError):
        pass
    try:
        return min(max(parsedate_to_datetime(text).astimezone(UTC), now), now + LONGEST)
    except (ValueError, OverflowError):
        return None


def quota(reply: Reply, api: Api) -> str:
    """What is left of the provider's own limit, like "38 of 40"; "" where it does not say."""
    left, of = (reply.header(name) for name in api.quota)
    if "/" in left and not of:                       # "2/40": so many are used
        used, _, of = left.partition("/")
        if not (used.isdecimal() and of.isdecimal()):
            return ""
        left = str(int(of) - int(used))
    return (f"{left} of {of}" if of else left)[:40]


def _by_hundred(status: int) -> type[ProviderError]:
    if status >= 500:
        return UnavailableThere
    return RejectedThere if status >= 400 else Redirected


def _said(status: int, sentence: str) -> str:
    shown = _plain(sentence)
    words = f"It answered {status}"
    return f"{words}: {shown[:SENTENCES]}" if shown else f"{words}."


def _plain(text: str) -> str:
    """In one line, without what no database keeps."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
