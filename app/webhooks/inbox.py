"""The inbox: what is proven goes into the tables, what arrives together in one transaction, committed before it is answered."""
import time
from dataclasses import dataclass, field
from threading import Condition
from typing import Any, cast

import structlog
from sqlalchemy import Connection, Table, bindparam, select, update

from app.errors import Unavailable
from app.integrations.provider import Receipt
from app.jobs.ring import ring
from app.records import adding, bulk
from app.transaction import apart, repeated
from app.webhooks import live
from app.webhooks.models import Body, Event, StoredReceipt, StoredSecret

log = structlog.get_logger()
QUEUE = "webhooks"
PATIENCE = 3.0           # seconds: the most impatient providers hang up after five
Row = dict[str, Any]
Known = tuple[int, str]  # what makes two receipts the same event: endpoint and dedupe key


@dataclass(eq=False)
class Arrival:
    """A proven post on its way into the tables, and the rows its events become."""

    endpoint_id: int
    secret_id: int | None     # what proved it
    receipt: Receipt
    headers: dict[str, str]
    events: list[Row]
    at: float = field(default_factory=time.monotonic)
    is_settled: bool = False
    refused: Unavailable | None = None


_door = Condition()
_waiting: list[Arrival] = []
_is_writing = False


def keep(arrival: Arrival) -> None:
    """Keep its events, body and receipts: committed when this returns. Raises Unavailable when they are not kept.

    Of the threads that come together one writes for all; whoever comes meanwhile is in the next transaction. Then it
    rings, once for all of them.
    """
    global _is_writing
    with _door:
        _waiting.append(arrival)
        _door.wait_for(lambda: arrival.is_settled or not _is_writing)
        group = [] if arrival.is_settled else _waiting.copy()
        if group:
            _is_writing = True
            _waiting.clear()
    if group:
        _settle(group)
        ring(QUEUE)
    if arrival.refused is not None:
        raise Unavailable(arrival.refused.detail, title=arrival.refused.title)


def _settle(group: list[Arrival]) -> None:
    """Write for the whole group and let everybody in it go, whatever happens: without a commit the answer is no."""
    global _is_writing
    outcomes: list[Unavailable | None] = [_not_kept()] * len(group)
    try:
        outcomes = _outcomes(group)
    finally:
        with _door:
            for arrival, refused in zip(group, outcomes, strict=True):
                arrival.refused, arrival.is_settled = refused, True
            _is_writing = False
            _door.notify_all()


def _outcomes(group: list[Arrival]) -> list[Unavailable | None]:
    """Why each is not kept; None if it is. What cannot be written together is written one by one, so that one spoils none."""
    try:
        _commit(group)
    except Unavailable as busy:     # the turn to write did not come: alone it would not come sooner
        return [busy] * len(group)
    except Exception as error:      # the edge: whatever it is, the provider hears that it has to come again
        if len(group) > 1:
            return [outcome for arrival in group for outcome in _outcomes([arrival])]
        log.error("webhooks.not_kept", endpoint=group[0].endpoint_id, error=str(getattr(error, "orig", error)))
        return [_not_kept()]
    return [None] * len(group)


def _not_kept() -> Unavailable:
    return Unavailable("The event could not be kept. Send it again.")


@repeated
def _commit(group: list[Arrival]) -> None:
    left = min(arrival.at for arrival in group) + PATIENCE - time.monotonic()
    if left < 0:
        raise _not_kept()
    with apart(left) as connection:
        _store(connection, group)


def _store(connection: Connection, group: list[Arrival]) -> None:
    """The database decides which events are new: we insert, we never look first."""
    used = {arrival.secret_id: arrival.receipt.received_at for arrival in group if arrival.secret_id is not None}
    for secret_id, at in sorted(used.items()):
        if live.noteworthy(secret_id):
            connection.execute(USED, {"secret": secret_id, "at": at})
    rows = [(arrival, event) for arrival in group for event in arrival.events]
    rows.sort(key=lambda row: _known(row[1]))      # one order for all: two transactions never wait for each other
    if rows:
        new = _insert_events(connection, [event for _, event in rows])
        _insert_receipts(connection, rows, new)


def _known(event: Row) -> Known:
    return event["endpoint_id"], event["dedupe_key"]


def _insert_events(connection: Connection, events: list[Row]) -> dict[Known, int]:
    """The ids of those that are new."""
    rows = [tuple((NEW | event)[column] for column in EVENT_COLUMNS) for event in events]
    found = adding.insert_new(connection, EVENTS, EVENT_COLUMNS, ("endpoint_id", "dedupe_key"), rows)
    return {(endpoint_id, dedupe_key): id for id, endpoint_id, dedupe_key in found}


def _insert_receipts(connection: Connection, rows: list[tuple[Arrival, Row]], new: dict[Known, int]) -> None:
    """One for each event of each post. The first to tell of a new event keeps its body, those after it are duplicates."""
    firsts: dict[Known, Arrival] = {}
    for arrival, event in rows:
        if _known(event) in new:
            firsts.setdefault(_known(event), arrival)
    bodies = _insert_bodies(connection, list(dict.fromkeys(firsts.values())))
    receipts = []
    for arrival, event in rows:
        first = firsts.pop(_known(event), None) if firsts.get(_known(event)) is arrival else None
        event_id = new.get(_known(event)) or connection.execute(SAME_EVENT, event).scalar_one()
        receipts.append(_receipt(arrival, event_id, None if first is None else bodies[first]))
    bulk.insert(connection, RECEIPTS, COLUMNS, receipts)


def _insert_bodies(connection: Connection, arrivals: list[Arrival]) -> dict[Arrival, int]:
    ids = adding.insert_in_order(connection, BODIES, "content", [arrival.receipt.body for arrival in arrivals])
    return dict(zip(arrivals, ids, strict=True))


def _receipt(arrival: Arrival, event_id: int, body_id: int | None) -> tuple[object, ...]:
    receipt = arrival.receipt
    return (arrival.endpoint_id, event_id, "duplicate" if body_id is None else "ok", 0, receipt.received_at, receipt.remote_ip,
            len(receipt.body), arrival.headers, body_id, arrival.secret_id)


COLUMNS = ("endpoint_id", "event_id", "verdict", "more", "received_at", "remote_ip", "size", "headers", "body_id", "secret_id")
RECEIPTS = cast(Table, StoredReceipt.__table__)
EVENTS, BODIES = cast(Table, Event.__table__), cast(Table, Body.__table__)
EVENT_COLUMNS = ("endpoint_id", "received_at", "item", "dedupe_key", "kind", "said", "object_key", "account", "occurred_at",
                 "status", "outcome", "last_error", "is_strict")
NEW: Row = {"account": None, "is_strict": False}
USED = update(StoredSecret).where(StoredSecret.id == bindparam("secret")).values(used_at=bindparam("at"))
SAME_EVENT = select(Event.id).where(Event.endpoint_id == bindparam("endpoint_id"), Event.dedupe_key == bindparam("dedupe_key"))
