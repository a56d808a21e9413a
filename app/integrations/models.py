"""The tables of calling out: the accounts we may use, every call that was made, and what was done outside."""
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model

FAILED = text("error IS NOT NULL")
ABOUT = text("record_id IS NOT NULL")
KEYED = text("idempotency_key IS NOT NULL")
NUMBERED = text("request_id IS NOT NULL")
OPEN = text("status IN ('asked', 'pending', 'ambiguous')")


class StoredConnection(Model):
    """One account of a provider that we may call."""

    __tablename__ = "connections"
    __table_args__ = (UniqueConstraint("name"), Index("ix_connections_provider", "provider", "account"))
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    provider: Mapped[str]
    name: Mapped[str]                                     # what staff call it: "Stripe EU"
    account: Mapped[str]                                  # whose outside ids it knows: as its endpoints have it
    sealed: Mapped[str]                                   # the credentials as JSON, by integrations.secrets
    hints: Mapped[dict[str, Any]] = mapped_column(default=dict)   # what may be shown of them: {"api_key": "…4242"}
    address: Mapped[str] = mapped_column(default="")      # instead of the provider's own; "": that
    is_sandbox: Mapped[bool] = mapped_column(default=False)
    is_enabled: Mapped[bool] = mapped_column(default=True)
    last_ok_at: Mapped[datetime | None]                   # to the minute
    last_error: Mapped[str | None]                        # gone once a call works again
    last_error_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Call(Model):
    """One attempt of one call, kept whatever became of the work around it. Without secrets."""

    __tablename__ = "calls"
    __table_args__ = (
        Index("ix_calls_connection_id", "connection_id", "id"),
        Index("ix_calls_operation", "operation"),
        Index("ix_calls_failed", "id", sqlite_where=FAILED, postgresql_where=FAILED),
        Index("ix_calls_record", "resource", "record_id", "id", sqlite_where=ABOUT, postgresql_where=ABOUT),
        Index("ix_calls_job_id", "job_id"),
        Index("ix_calls_event_id", "event_id"),
        Index("ix_calls_at", "at"),
        Index("ix_calls_op", "op", "id"),
        Index("ix_calls_provider", "provider", "id"),
        Index("ix_calls_error", "error", "id", sqlite_where=FAILED, postgresql_where=FAILED),
        Index("ix_calls_key", "idempotency_key", "id", sqlite_where=KEYED, postgresql_where=KEYED),
        Index("ix_calls_request_id", "request_id", "id", sqlite_where=NUMBERED, postgresql_where=NUMBERED),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id"))
    provider: Mapped[str]
    operation: Mapped[str]                                # the same for all attempts of one call
    op: Mapped[str]                                       # what for: "payments.show"
    method: Mapped[str]
    url: Mapped[str]
    attempt: Mapped[int] = mapped_column(Integer)         # 1 for the first
    status: Mapped[int | None] = mapped_column(Integer)   # None: no answer
    ms: Mapped[int] = mapped_column(Integer)
    error: Mapped[str | None]                             # the class: "RateLimited"
    said: Mapped[str | None]                              # its sentence
    provider_code: Mapped[str | None]
    is_sent: Mapped[bool] = mapped_column(default=True)
    request_id: Mapped[str | None]                        # the provider's number of the call
    idempotency_key: Mapped[str | None]
    quota: Mapped[str | None]                             # "38 of 40", as the provider says
    job_id: Mapped[int | None]
    event_id: Mapped[int | None]
    resource: Mapped[str | None]                          # the record it was made for
    record_id: Mapped[int | None]
    request: Mapped[str]
    reply: Mapped[str]
    at: Mapped[datetime]


class Effect(Model):
    """One thing done outside, like a refund: committed before the provider is asked, so that it is never done twice unseen."""

    __tablename__ = "effects"
    __table_args__ = (
        Index("uq_effects_open", "kind", "resource", "record_id", unique=True, sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_effects_record", "resource", "record_id", "id"),
        Index("ix_effects_status", "status", "id"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)         # the provider's idempotency key, and our reference there
    kind: Mapped[str]                                     # "payments.refund"
    connection_id: Mapped[int] = mapped_column(ForeignKey("connections.id"))
    resource: Mapped[str]
    record_id: Mapped[int]
    asked: Mapped[dict[str, Any]]                         # what for: {"external_id", "amount_minor", "currency", "reason"}
    status: Mapped[str]                                   # asked pending done refused ambiguous declined
    tries: Mapped[int] = mapped_column(Integer, default=0)   # how often it may have been sent
    said: Mapped[str | None]                              # what came of it
    asked_by_kind: Mapped[str]
    asked_by_id: Mapped[int | None]
    asked_by: Mapped[str]
    decided_by: Mapped[str | None]                        # the second person
    job_id: Mapped[int | None]
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
