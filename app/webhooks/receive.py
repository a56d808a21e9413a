"""Take a post in: prove it, keep it, and only then say yes. Everything else happens later."""
import hashlib
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import structlog

from app.errors import Problem
from app.integrations.provider import Answer, Incoming, Provider, Receipt, Rejected, Secret, Unreadable
from app.integrations.registry import provider
from app.webhooks import inbox, live, rejects
from app.webhooks.endpoint_settings import may_post
from app.webhooks.inbox import Arrival, Row
from app.webhooks.live import Live
from app.webhooks.texts import LONGEST_KEY, clean, key

log = structlog.get_logger()
Headers = dict[str, str]
LONGEST_ERROR = 500
ALLOWED_HEADERS = frozenset({"content-type", "content-length", "user-agent", "date", "x-request-id", "idempotency-key"})
NO_SECRET = "No secret yet."  # noqa: S105
NEVER_KEPT = frozenset({"authorization", "proxy-authorization", "cookie"})


class NotListed(Problem):
    """The endpoint names the addresses that may post, and this one is not among them."""

    status, title = 403, "This address may not post here"


def receive(name: str, token: str, receipt: Receipt) -> Answer:
    """Keep what a provider posted; once this returns, no event in it is lost. Ten at once keep it once.

    Raises NotFound for an unknown endpoint, NotListed, Rejected for a post that proves nothing (with the status its provider
    wants to hear), Unavailable when it cannot be kept or judged now: the provider will send it again.
    """
    endpoint = live.by_token(name, token)
    return _guarded(endpoint, receipt,
                    lambda by, headers: _greeting(endpoint, by, receipt) or _taken(endpoint, by, receipt, headers))


def greet(name: str, token: str, receipt: Receipt) -> Answer | None:
    """The answer to a handshake that asks instead of posting, None when its provider knows none. Raises what receive raises."""
    endpoint = live.by_token(name, token)
    return _guarded(endpoint, receipt, lambda by, _: _greeting(endpoint, by, receipt))


def allowed(headers: Mapping[str, str], kept: Iterable[str]) -> Headers:
    """The headers we keep. A list of what may be kept, never of what may not: credentials come under any name."""
    wanted = (ALLOWED_HEADERS | {name.lower() for name in kept}) - NEVER_KEPT
    return {name.lower(): clean(value) for name, value in headers.items() if name.lower() in wanted}


def account_of(endpoint: Live, incoming: Incoming) -> str | None:
    """Whose outside ids an event speaks of, where the endpoint hears of several accounts; else None: the endpoint's own."""
    return f"{endpoint.config.account}/{key(incoming.account)}" if incoming.account else None


def scoped(account: str, outside_id: str | None) -> str | None:
    """What an event is about, for every endpoint of one account: events of one object are worked off one by one."""
    return None if outside_id is None else key(f"{account}/{outside_id}")


A = TypeVar("A", Answer, Answer | None)


def _guarded(endpoint: Live, receipt: Receipt, act: Callable[[Provider, Headers], A]) -> A | Answer:
    """Do it for whoever may post here, and keep every rejection with its reason."""
    by = provider(endpoint.provider)
    headers = _kept(endpoint, by, receipt)
    if not may_post(endpoint.allow, receipt.remote_ip):
        problem = NotListed(f"{receipt.remote_ip} is not among the addresses that may post here.")
        rejects.keep(endpoint, by, receipt, problem, headers)
        raise NotListed("The endpoint takes posts from certain addresses only.")
    try:
        return act(by, headers)
    except Rejected as forged:
        rejects.keep(endpoint, by, receipt, forged, headers)
        forged.status = by.reject_status
        if by.reject_body is None:
            raise
        return Answer(by.reject_body, by.reject_status)


def _kept(endpoint: Live, by: Provider, receipt: Receipt) -> Headers:
    try:
        more = by.keeps(endpoint.config)
    except Exception:   # the edge
        log.exception("webhooks.keeping_broke", provider=by.name)
        more = by.kept_headers
    return allowed(receipt.headers, more)


def _greeting(endpoint: Live, by: Provider, receipt: Receipt) -> Answer | None:
    return _unbroken(by, lambda: by.greet(receipt, endpoint.config))


def _taken(endpoint: Live, by: Provider, receipt: Receipt, headers: Headers) -> Answer:
    secret = _proof(endpoint, by, receipt)
    answer = _unbroken(by, lambda: by.answer(receipt, endpoint.config))
    if answer is None:
        events = _events(endpoint, by, receipt, headers)
        inbox.keep(Arrival(endpoint.id, None if secret is None else secret.id, receipt, headers, events))
    return answer or by.success


def _proof(endpoint: Live, by: Provider, receipt: Receipt) -> Secret | None:
    """What proves the post. Whatever goes wrong with judging it: what is not proven is rejected."""
    if by.needs_secret and not endpoint.config.secrets:
        raise Rejected(NO_SECRET)
    try:
        secret = by.verify(receipt, endpoint.config, receipt.received_at)
    except Problem:
        raise
    except Exception as error:   # the edge: what strangers send may break the check, and never pass it
        log.exception("webhooks.check_broke", provider=by.name)
        raise Rejected(f"Checking it broke: {type(error).__name__}.") from None
    if secret is None and by.needs_secret:
        raise Rejected("Nothing proves this post.")
    return secret


def _unbroken(by: Provider, act: Callable[[], Answer | None]) -> Answer | None:
    """The answer to a handshake; a provider file that breaks over it knows none."""
    try:
        return act()
    except Problem:
        raise
    except Exception:   # the edge
        log.exception("webhooks.handshake_broke", provider=by.name)
        return None


def _events(endpoint: Live, by: Provider, receipt: Receipt, headers: Headers) -> list[Row]:
    try:
        incomings = by.parse(receipt, endpoint.config)
        refused = by.refused(receipt, endpoint.config, incomings)
    except Unreadable as problem:
        return [_unread(endpoint, receipt, problem.detail)]
    except Exception as error:   # the edge: a parser that breaks must not make the provider send this for days
        log.exception("webhooks.parser_broke", provider=by.name)
        return [_unread(endpoint, receipt, f"Reading it broke: {type(error).__name__}: {error}")]
    if refused:
        _reject_items(endpoint, by, receipt, headers, refused, len(incomings))
    return [_event(endpoint, by, receipt, item, incoming) for item, incoming in enumerate(incomings) if item not in refused]


def _reject_items(endpoint: Live, by: Provider, receipt: Receipt, headers: Headers, refused: Mapping[int, str],
                  count: int) -> None:
    """Log the items of a batch that are not proven. Raises Rejected when none is."""
    places = ", ".join(str(place + 1) for place in sorted(refused)[:20])
    problem = Rejected(f"Of {count} items these are not proven: {places}. {next(iter(refused.values()))}")
    if len(refused) >= count:
        raise problem
    rejects.keep(endpoint, by, receipt, problem, headers)


def _event(endpoint: Live, by: Provider, receipt: Receipt, item: int, incoming: Incoming) -> Row:
    status, outcome = _begins(incoming)
    account = account_of(endpoint, incoming)
    return {"endpoint_id": endpoint.id, "received_at": receipt.received_at, "item": item, "dedupe_key": key(incoming.dedupe_key),
            "kind": incoming.kind, "said": clean(incoming.said or incoming.kind or "")[:LONGEST_KEY],
            "object_key": scoped(account or endpoint.config.account, incoming.object_key),
            "account": account,
            "occurred_at": incoming.occurred_at, "status": status, "outcome": outcome,
            "last_error": clean(incoming.unread)[:LONGEST_ERROR] or None, "is_strict": incoming.is_strict or by.is_strict}


def _begins(incoming: Incoming) -> tuple[str, str | None]:
    """Status and outcome an event begins with."""
    if incoming.unread:
        return "dead", "unreadable"
    return ("done", "ignored") if incoming.kind is None else ("waiting", None)


def _unread(endpoint: Live, receipt: Receipt, reason: str) -> Row:
    digest = hashlib.sha256(receipt.body).hexdigest()
    return {"endpoint_id": endpoint.id, "received_at": receipt.received_at, "item": None, "dedupe_key": f"sha256:{digest}",
            "kind": None, "said": "unreadable", "object_key": None, "occurred_at": receipt.received_at, "status": "dead",
            "outcome": "unreadable", "last_error": clean(reason)[:LONGEST_ERROR], "account": None, "is_strict": False}
