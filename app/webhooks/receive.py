"""Take a post in: prove it, keep it, and only then say yes. Everything else happens later."""
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from app.errors import Unavailable
from app.integrations.provider import Answer, Incoming, Provider, Receipt, Rejected, Secret, Unreadable
from app.integrations.registry import provider
from app.jobs.ring import ring
from app.transaction import apart, is_sqlite, repeated
from app.webhooks import live, rejects
from app.webhooks.live import Live
from app.webhooks.models import Body, Event, StoredReceipt, StoredSecret

log = structlog.get_logger()
OK = Answer("kept\n")
QUEUE = "webhooks"
PATIENCE = 3.0           # seconds: the most impatient providers hang up after five
LONGEST_KEY = 200        # characters; an index does not take a key of any length
LONGEST_ERROR = 500
ALLOWED_HEADERS = frozenset({"content-type", "content-length", "user-agent", "date", "x-request-id", "idempotency-key"})


@dataclass(frozen=True)
class Arrival:
    """A proven post on its way into the tables."""

    endpoint: Live
    by: Provider
    receipt: Receipt
    secret: Secret


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
    arrival = Arrival(endpoint, by, receipt, secret)
    answer = by.answer(receipt, endpoint.config)
    if answer is None:
        _keep(arrival, _rows(arrival))
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


def _rows(arrival: Arrival) -> list[dict[str, Any]]:
    try:
        incomings = arrival.by.parse(arrival.receipt, arrival.endpoint.config)
    except Unreadable as problem:
        return [_unread(arrival, problem.detail)]
    except Exception as error:   # the edge: a parser that breaks must not make the provider send this for days
        log.exception("webhooks.parser_broke", provider=arrival.by.name)
        return [_unread(arrival, f"Reading it broke: {type(error).__name__}: {error}")]
    rows = (_row(arrival, item, incoming) for item, incoming in enumerate(incomings))
    return sorted(rows, key=lambda row: str(row["dedupe_key"]))   # one order for all: two posts never wait for each other


def _row(arrival: Arrival, item: int, incoming: Incoming) -> dict[str, Any]:
    acted_on = incoming.kind is not None
    return {**_common(arrival), "item": item, "dedupe_key": key(incoming.dedupe_key), "kind": incoming.kind,
            "said": clean(incoming.said or incoming.kind or "")[:LONGEST_KEY],
            "object_key": scoped(arrival.endpoint.config.account, incoming.object_key),
            "occurred_at": incoming.occurred_at, "status": "waiting" if acted_on else "done",
            "outcome": None if acted_on else "ignored", "last_error": None}


def _unread(arrival: Arrival, reason: str) -> dict[str, Any]:
    digest = hashlib.sha256(arrival.receipt.body).hexdigest()
    return {**_common(arrival), "item": None, "dedupe_key": f"sha256:{digest}", "kind": None, "said": "unreadable",
            "object_key": None, "occurred_at": arrival.receipt.received_at, "status": "dead", "outcome": "unreadable",
            "last_error": clean(reason)[:LONGEST_ERROR]}


def _common(arrival: Arrival) -> dict[str, Any]:
    return {"endpoint_id": arrival.endpoint.id, "received_at": arrival.receipt.received_at}


def _keep(arrival: Arrival, rows: list[dict[str, Any]]) -> None:
    """Events, body and receipts in one short transaction, committed when this returns. Raises Unavailable."""
    try:
        _commit(arrival, rows)
    except DBAPIError as error:
        log.error("webhooks.not_kept", endpoint=arrival.endpoint.id, error=str(error.orig))
        raise Unavailable("The event could not be kept. Send it again.") from error


@repeated
def _commit(arrival: Arrival, rows: list[dict[str, Any]]) -> None:
    with apart(PATIENCE) as connection:
        _store(connection, arrival, rows)


def _store(connection: Connection, arrival: Arrival, rows: list[dict[str, Any]]) -> None:
    """The database decides which events are new: we insert, we never look first."""
    if live.noteworthy(arrival.secret.id):
        connection.execute(USED, {"secret": arrival.secret.id, "at": arrival.receipt.received_at})
    body_id: int | None = None
    for row in rows:
        event_id = connection.execute(_insert_event(connection), row).scalar()
        verdict = "duplicate" if event_id is None else "ok"
        if event_id is None:
            event_id = connection.execute(SAME_EVENT, row).scalar_one()
        elif body_id is None:
            body_id = connection.execute(INSERT_BODY, {"content": arrival.receipt.body}).scalar_one()
        connection.execute(INSERT_RECEIPT, _receipt(arrival, event_id, verdict, body_id if verdict == "ok" else None))


def _receipt(arrival: Arrival, event_id: int, verdict: str, body_id: int | None) -> dict[str, Any]:
    receipt = arrival.receipt
    return {"endpoint_id": arrival.endpoint.id, "event_id": event_id, "verdict": verdict, "reason": None, "more": 0,
            "received_at": receipt.received_at, "remote_ip": receipt.remote_ip, "size": len(receipt.body),
            "headers": allowed(receipt.headers, arrival.by), "body_id": body_id, "secret_id": arrival.secret.id}


INSERT_BODY = insert(Body).returning(Body.id)
INSERT_RECEIPT = insert(StoredReceipt)
INSERT_EVENT = {
    dialect: made(Event).on_conflict_do_nothing(index_elements=["endpoint_id", "dedupe_key"]).returning(Event.id)
    for dialect, made in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
USED = update(StoredSecret).where(StoredSecret.id == bindparam("secret")).values(used_at=bindparam("at"))
SAME_EVENT = select(Event.id).where(Event.endpoint_id == bindparam("endpoint_id"),
                                      Event.dedupe_key == bindparam("dedupe_key"))


def _insert_event(connection: Connection) -> Any:
    return INSERT_EVENT["sqlite" if is_sqlite(connection) else "postgresql"]
