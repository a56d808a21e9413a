"""Take a post in: prove it, keep it, and only then say yes. Everything else happens later."""
import hashlib
from collections.abc import Mapping

import structlog

from app.integrations.provider import Answer, Incoming, Provider, Receipt, Rejected, Unreadable
from app.integrations.registry import provider
from app.jobs.ring import ring
from app.webhooks import inbox, live, rejects
from app.webhooks.inbox import Arrival, Row
from app.webhooks.live import Live

log = structlog.get_logger()
OK = Answer("kept\n")
QUEUE = "webhooks"
LONGEST_KEY = 200        # characters; an index does not take a key of any length
LONGEST_ERROR = 500
ALLOWED_HEADERS = frozenset({"content-type", "content-length", "user-agent", "date", "x-request-id", "idempotency-key"})


def receive(name: str, token: str, receipt: Receipt) -> Answer:
    """Keep what a provider posted; once this returns, no event in it is lost. Ten at once keep it once.

    Raises NotFound for an unknown endpoint, Rejected for a post that proves nothing (with the status its provider wants to
    hear), Unavailable when it cannot be kept now: the provider will send it again.
    """
    endpoint = live.by_token(name, token)
    by = provider(endpoint.provider)
    try:
        secret = by.verify(receipt, endpoint.config, receipt.received_at)
    except Rejected as problem:
        rejects.keep(endpoint, receipt, problem.detail, allowed(receipt.headers, by))
        problem.status = by.reject_status
        raise
    answer = by.answer(receipt, endpoint.config)
    if answer is None:
        inbox.keep(Arrival(endpoint.id, secret.id, receipt, allowed(receipt.headers, by), _events(endpoint, by, receipt)))
        ring(QUEUE)
    return answer or OK


def allowed(headers: Mapping[str, str], by: Provider) -> dict[str, str]:
    """The headers we keep. A list of what may be kept, never of what may not: credentials come under any name."""
    kept = ALLOWED_HEADERS | {name.lower() for name in by.kept_headers}
    return {name.lower(): clean(value) for name, value in headers.items() if name.lower() in kept}


def clean(text: str) -> str:
    """`text` as every database takes it: without NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def key(text: str) -> str:
    """`text` as a key: clean, and beyond 200 characters with a digest in place of its end."""
    found = clean(text)
    if len(found) <= LONGEST_KEY:
        return found
    return f"{found[:100]}…{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def scoped(account: str, outside_id: str | None) -> str | None:
    """What an event is about, for every endpoint of one account: events of one object are worked off one by one."""
    return None if outside_id is None else key(f"{account}/{outside_id}")


def _events(endpoint: Live, by: Provider, receipt: Receipt) -> list[Row]:
    try:
        incomings = by.parse(receipt, endpoint.config)
    except Unreadable as problem:
        return [_unread(endpoint, receipt, problem.detail)]
    except Exception as error:   # the edge: a parser that breaks must not make the provider send this for days
        log.exception("webhooks.parser_broke", provider=by.name)
        return [_unread(endpoint, receipt, f"Reading it broke: {type(error).__name__}: {error}")]
    return [_event(endpoint, receipt, item, incoming) for item, incoming in enumerate(incomings)]


def _event(endpoint: Live, receipt: Receipt, item: int, incoming: Incoming) -> Row:
    acted_on = incoming.kind is not None
    return {"endpoint_id": endpoint.id, "received_at": receipt.received_at, "item": item, "dedupe_key": key(incoming.dedupe_key),
            "kind": incoming.kind, "said": clean(incoming.said or incoming.kind or "")[:LONGEST_KEY],
            "object_key": scoped(endpoint.config.account, incoming.object_key),
            "occurred_at": incoming.occurred_at, "status": "waiting" if acted_on else "done",
            "outcome": None if acted_on else "ignored", "last_error": None}


def _unread(endpoint: Live, receipt: Receipt, reason: str) -> Row:
    digest = hashlib.sha256(receipt.body).hexdigest()
    return {"endpoint_id": endpoint.id, "received_at": receipt.received_at, "item": None, "dedupe_key": f"sha256:{digest}",
            "kind": None, "said": "unreadable", "object_key": None, "occurred_at": receipt.received_at, "status": "dead",
            "outcome": "unreadable", "last_error": clean(reason)[:LONGEST_ERROR]}
