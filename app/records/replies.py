"""Answers of the API kept under the Idempotency-Key they were asked with (draft-ietf-httpapi-idempotency-key-header-07)."""
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model


class Reply(Model):
    """What one request was answered, written in the transaction that did what it asked: both are there, or neither."""

    __tablename__ = "api_replies"
    __table_args__ = (Index("uq_api_replies_key", "actor_kind", "actor_id", "key", unique=True),
                      Index("ix_api_replies_created_at", "created_at"))
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    actor_kind: Mapped[str]
    actor_id: Mapped[int]
    key: Mapped[str]
    fingerprint: Mapped[str]                                          # SHA-256 of method, path, query and body
    status: Mapped[int] = mapped_column(Integer)
    headers: Mapped[dict[str, Any]]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=lambda: datetime.now(UTC))
