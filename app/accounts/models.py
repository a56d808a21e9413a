"""Who works here: users, the sessions they have open, the tokens programs act with."""
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, false, true
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import Id, Model


class User(Model):
    """A person with an account. Never deleted, so that the trail can name who did what; switched off instead."""

    __tablename__ = "users"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(unique=True)      # in lower case
    name: Mapped[str]
    password_hash: Mapped[str | None]                    # None until the first password is set
    role: Mapped[str]                                    # a key of access.ROLES
    grants: Mapped[list[str]] = mapped_column(default=list)          # verb patterns on top of the role
    scopes: Mapped[dict[str, Any]] = mapped_column(default=dict)     # {resource: filter in the query grammar}
    is_active: Mapped[bool] = mapped_column(default=True, server_default=true())
    time_zone: Mapped[str | None]                        # None: the installation's
    link_hash: Mapped[str | None] = mapped_column(unique=True)       # of the one-time link that sets a password
    link_until: Mapped[datetime | None]
    created_at: Mapped[datetime]


class StaffSession(Model):
    """One browser a person is signed in with. The cookie holds the secret id, this table only its SHA-256."""

    __tablename__ = "sessions"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    secret_hash: Mapped[str] = mapped_column(unique=True)
    former_hash: Mapped[str | None] = mapped_column(index=True)      # the id before the last renewal, good for a few seconds more
    former_until: Mapped[datetime | None]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    is_renewal_due: Mapped[bool] = mapped_column(default=False, server_default=false())  # rights changed: a new id comes next
    has_stay: Mapped[bool] = mapped_column(default=False, server_default=false())        # "Stay signed in": no idle limit
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    address: Mapped[str]
    agent: Mapped[str]


class ApiToken(Model):
    """What a program acts with: the rights of its user. Only the SHA-256 is kept; the prefix tells tokens apart."""

    __tablename__ = "tokens"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    prefix: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
