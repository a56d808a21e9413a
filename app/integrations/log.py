"""The log of calls: one row an attempt, on a connection of its own, so that it stays whatever is rolled back."""
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import structlog
from sqlalchemy import Connection as Database
from sqlalchemy import Table, insert, or_, update
from sqlalchemy.exc import SQLAlchemyError

from app.errors import Unavailable
from app.integrations import cause
from app.integrations.calling import Api, Connection
from app.integrations.errors import NotFoundThere, ProviderError, RejectedThere
from app.integrations.judging import quota
from app.integrations.models import Call, StoredConnection
from app.integrations.redaction import Redactor
from app.integrations.transport import Reply, Request
from app.transaction import apart

log = structlog.get_logger()
OUR_MISTAKE = (RejectedThere, NotFoundThere)     # says nothing against the connection


@dataclass(frozen=True)
class Tried:
    """One attempt, as it went."""

    connection: Connection
    api: Api
    operation: str
    op: str
    request: Request
    attempt: int
    idempotency_key: str | None
    ms: int
    reply: Reply | None = None
    error: ProviderError | None = None


def keep(tried: Tried, redact: Redactor) -> None:
    """Write it down. Never raises: a log that cannot be written must not turn a refund that was made into an error."""
    try:
        with apart() as connection:
            connection.execute(insert(Call).values(_row(tried, redact)))
            _stand(connection, tried, redact)
    except (SQLAlchemyError, Unavailable, ValueError) as error:      # ValueError: text no database takes
        log.exception("calls.not_kept", op=tried.op, operation=tried.operation, why=type(error).__name__)
    log.info("call", provider=tried.connection.provider, op=tried.op, attempt=tried.attempt, ms=tried.ms,
             status=tried.reply.status if tried.reply else None, error=tried.error.kind if tried.error else None)


def _row(tried: Tried, redact: Redactor) -> dict[str, object]:
    why, reply, error, request = cause.now(), tried.reply, tried.error, tried.request
    asked = {name.lower(): value for name, value in request.headers.items()}
    return {
        "connection_id": tried.connection.id, "provider": tried.connection.provider, "operation": tried.operation, "op": tried.op,
        "method": request.method, "url": redact.url(request.url), "attempt": tried.attempt, "ms": tried.ms,
        "status": reply.status if reply else None, "error": error.kind if error else None,
        "said": redact.text(error.detail) if error else None, "is_sent": error.sent if error else True,
        "provider_code": redact.text(error.provider_code) if error and error.provider_code else None,
        "request_id": redact.text(reply.header(tried.api.request_id))[:200] or None if reply else None,
        "idempotency_key": tried.idempotency_key, "quota": quota(reply, tried.api) or None if reply else None,
        "job_id": why.job_id, "event_id": why.event_id, "resource": why.resource, "record_id": why.record_id,
        "request": redact.body(request.body, asked.get("content-type", "")),
        "reply": redact.body(reply.body, reply.header("content-type")) if reply else "", "at": datetime.now(UTC),
    }


def _stand(connection: Database, tried: Tried, redact: Redactor) -> None:
    """How the connection stands: written when that changes, and at most once a minute while all is well."""
    error, moment, table = tried.error, datetime.now(UTC), cast(Table, StoredConnection.__table__)
    mine = update(table).where(table.c.id == tried.connection.id)
    if error is None:
        long_ago = or_(table.c.last_ok_at.is_(None), table.c.last_ok_at < moment - timedelta(minutes=1))
        stale = or_(long_ago, table.c.last_error.is_not(None))
        connection.execute(mine.where(stale).values(last_ok_at=moment, last_error=None, last_error_at=None))
    elif not isinstance(error, OUR_MISTAKE):
        connection.execute(mine.values(last_error=redact.text(f"{error.title}. {error.detail}"), last_error_at=moment))
