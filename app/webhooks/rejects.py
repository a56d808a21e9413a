"""The reject log: why posts were turned away, capped so that whoever floods an endpoint fills no table."""
import time
from threading import Lock

import structlog
from sqlalchemy import Connection, delete, insert, select
from sqlalchemy.exc import DBAPIError

from app.errors import Problem, Unavailable
from app.integrations.provider import Provider, Receipt
from app.transaction import apart
from app.webhooks import hints
from app.webhooks.live import Live
from app.webhooks.models import Body, StoredReceipt
from app.webhooks.texts import clean

log = structlog.get_logger()
PATIENCE = 1.0           # seconds a rejection waits for its turn to be written down
SECONDS = 60.0
A_MINUTE = 10            # rows a process keeps of one endpoint; the rest are counted in the next that is kept
KEPT = 500               # rows of one endpoint in all
LONGEST_BODY = 16_384    # bytes: enough to see what it was
LONGEST_REASON = 300
_windows: dict[int, list[float]] = {}     # endpoint → [began, kept, left out]
_lock = Lock()


def keep(endpoint: Live, by: Provider, receipt: Receipt, problem: Problem, headers: dict[str, str]) -> None:
    """Keep a rejection, with what is probably the matter, or count it. Never fails: the answer does not depend on it."""
    left_out = _admitted(endpoint.id, time.monotonic())
    if left_out is None:
        return
    try:
        hint = hints.hint(endpoint, by, receipt, problem)
        with apart(PATIENCE) as connection:
            _write(connection, endpoint, receipt, problem.detail, hint, headers, left_out)
    except (DBAPIError, Unavailable) as error:
        log.warning("webhooks.reject_not_kept", endpoint=endpoint.id, error=str(error))


def _admitted(endpoint_id: int, now: float) -> int | None:
    """How many went unkept since the last kept one, if this one is to be kept; None if it is only counted."""
    with _lock:
        window = _windows.setdefault(endpoint_id, [now, 0, 0])
        if now - window[0] >= SECONDS:
            window[0], window[1] = now, 0
        if window[1] >= A_MINUTE:
            window[2] += 1
            return None
        window[1] += 1
        left_out, window[2] = window[2], 0
        return int(left_out)


def _write(connection: Connection, endpoint: Live, receipt: Receipt, reason: str, hint: str | None, headers: dict[str, str],
           more: int) -> None:
    body_id = connection.execute(insert(Body).returning(Body.id), {"content": receipt.body[:LONGEST_BODY]}).scalar_one()
    connection.execute(insert(StoredReceipt), {
        "endpoint_id": endpoint.id, "event_id": None, "verdict": "rejected", "hint": hint,
        "reason": clean(reason)[:LONGEST_REASON], "more": more,
        "received_at": receipt.received_at, "remote_ip": receipt.remote_ip, "headers": headers, "size": len(receipt.body),
        "body_id": body_id, "secret_id": None})
    _prune(connection, endpoint.id)


def _prune(connection: Connection, endpoint_id: int) -> None:
    mine = (StoredReceipt.endpoint_id == endpoint_id) & (StoredReceipt.verdict == "rejected")
    newest_first = select(StoredReceipt.id).where(mine).order_by(StoredReceipt.id.desc())
    oldest = connection.execute(newest_first.offset(KEPT).limit(1)).scalar()
    if oldest is not None:
        gone = connection.execute(delete(StoredReceipt).where(mine, StoredReceipt.id <= oldest).returning(StoredReceipt.body_id))
        connection.execute(delete(Body).where(Body.id.in_(list(gone.scalars()))))


def forget() -> None:
    """Begin to count anew, in this process."""
    with _lock:
        _windows.clear()
