"""The tables of incoming webhooks: endpoints and their secrets, what arrived, and the events that came of it."""
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model
from app.jobs.models import Queued, queue_indexes

REJECTED = text("verdict = 'rejected'")
IGNORED = text("outcome = 'ignored'")
KEPT = text("body_id IS NOT NULL")


class Endpoint(Model):
    """A URL of ours that one account of a provider posts to."""

    __tablename__ = "webhook_endpoints"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token: Mapped[str] = mapped_column(unique=True)      # the part of the URL nobody can guess
    provider: Mapped[str]
    name: Mapped[str] = mapped_column(unique=True)       # what staff call it: "Stripe EU"
    account: Mapped[str] = mapped_column(index=True)     # whose outside ids these are
    is_enabled: Mapped[bool] = mapped_column(default=True)
    config: Mapped[dict[str, Any]] = mapped_column(default=dict)   # see endpoint_settings.py
    created_at: Mapped[datetime]

    @property
    def path(self) -> str:
        return f"/hooks/{self.provider}/{self.token}"


class StoredSecret(Model):
    """What proves a post. Active and retiring ones are live; of a retired one only the hint is left."""

    __tablename__ = "webhook_secrets"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id"), index=True)
    sealed: Mapped[str]                                  # by integrations.secrets
    hint: Mapped[str]                                    # its last four characters
    state: Mapped[str] = mapped_column(default="active")   # active | retiring | retired
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]                     # when it last proved a post, to the minute


class Body(Model):
    """The very bytes of a post, apart from everything that is listed, so that retention can drop them first."""

    __tablename__ = "webhook_bodies"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Event(Queued, Model):
    """One thing a provider says happened, however often it is sent. Its receipts hold the bytes it is read from."""

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "dedupe_key"),
        Index("ix_webhook_events_endpoint_id_id", "endpoint_id", "id"),
        Index("ix_webhook_events_said", "said", "id"),
        Index("ix_webhook_events_received_at", "received_at"),
        Index("ix_webhook_events_ignored", "id", sqlite_where=IGNORED, postgresql_where=IGNORED),
        *queue_indexes("webhook_events", object_key="object_key"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id"))
    item: Mapped[int | None] = mapped_column(Integer)    # its place in the post; None: the post could not be read
    dedupe_key: Mapped[str]
    kind: Mapped[str | None]                             # our word; None: nothing we act on
    said: Mapped[str]                                    # the provider's word
    object_key: Mapped[str | None]                       # account/outside id of what it is about
    occurred_at: Mapped[datetime]                        # by the provider's clock
    received_at: Mapped[datetime]
    account: Mapped[str | None]                          # whose it is, where the endpoint hears of several accounts
    is_strict: Mapped[bool] = mapped_column(server_default=text("false"))   # not before an earlier event of its object has ended
    wants_latest: Mapped[bool] = mapped_column(server_default=text("false"))   # a person asked to fetch what it is about first


class StoredReceipt(Model):
    """One arrival of an event, or one post that was turned away. Only headers on the allow list; never a credential."""

    __tablename__ = "webhook_receipts"
    __table_args__ = (
        Index("ix_webhook_receipts_rejected", "endpoint_id", "id", sqlite_where=REJECTED, postgresql_where=REJECTED),
        Index("ix_webhook_receipts_body_id", "body_id", sqlite_where=KEPT, postgresql_where=KEPT),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("webhook_events.id"), index=True)
    verdict: Mapped[str]                                 # ok | duplicate | rejected
    reason: Mapped[str | None]                           # why it was rejected
    hint: Mapped[str | None]                             # what is probably the matter with it, for whoever mends it
    more: Mapped[int] = mapped_column(default=0)         # rejections like this one since the last that was kept
    received_at: Mapped[datetime]
    remote_ip: Mapped[str | None]
    headers: Mapped[dict[str, Any]]
    size: Mapped[int]                                    # bytes
    body_id: Mapped[int | None] = mapped_column(ForeignKey("webhook_bodies.id"))   # a duplicate keeps none
    secret_id: Mapped[int | None] = mapped_column(ForeignKey("webhook_secrets.id"))   # what proved it


class Hour(Model):
    """How many events of an endpoint came in one hour: what is left of its history when the events are gone."""

    __tablename__ = "webhook_hours"
    endpoint_id: Mapped[int] = mapped_column(ForeignKey("webhook_endpoints.id"), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(primary_key=True)
    events: Mapped[int]
