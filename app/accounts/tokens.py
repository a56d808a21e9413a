"""API tokens: made once, shown once, hashed at rest; a program that carries one acts with the rights of its user."""
import re
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import select, update

from app import audit
from app.access import NOBODY
from app.accounts import actors
from app.accounts.models import ApiToken
from app.audit import Actor
from app.errors import Invalid, NotFound, Unauthorised
from app.extensions import db
from app.transaction import transaction

SHAPE = re.compile(r"br_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")
USED_EVERY = timedelta(minutes=5)     # a request writes that the token was used at most so often


def add(user_id: int, name: str, *, by: Actor, days: int | None = None, request_id: str | None = None) -> str:
    """Make a token for this user, good for so many days or until it is revoked. Returns it: it cannot be shown again."""
    name = name.strip()
    if not name or len(name) > 100:
        raise Invalid(errors={"name": "Give the token a name of at most 100 characters, so that you know it again."})
    prefix = f"br_{secrets.token_hex(4)}"
    token, at = f"{prefix}_{secrets.token_urlsafe(32)}", datetime.now(UTC)
    with transaction() as session:
        row = ApiToken(user_id=user_id, name=name, prefix=prefix, token_hash=_digest(token), created_at=at,
                       expires_at=None if days is None else at + timedelta(days=days))
        session.add(row)
        session.flush()
        audit.note(session, by, "tokens.add", "tokens", row.id, request_id=request_id, name=name, prefix=prefix, user=user_id)
    return token


def revoke(token_id: int, *, user_id: int | None, by: Actor, request_id: str | None = None) -> None:
    """The token lets nobody in any more. Twice is once. Raises NotFound when it is not this user's (None: anybody's)."""
    with transaction() as session:
        row = session.get(ApiToken, token_id, with_for_update=True)
        if row is None or user_id not in (None, row.user_id):
            raise NotFound("There is no such token among yours.")
        if row.revoked_at is None:
            row.revoked_at = datetime.now(UTC)
            audit.note(session, by, "tokens.revoke", "tokens", token_id, request_id=request_id, name=row.name, prefix=row.prefix)


def bearer(header: str | None) -> Actor:
    """The actor behind an Authorization header (RFC 6750); nobody without one. Raises Unauthorised if the token is no good."""
    if not header:
        return NOBODY
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not SHAPE.fullmatch(token):
        raise Unauthorised("Send the token like this: Authorization: Bearer br_…", title="This token cannot be read")
    row = db.session.execute(actors.usable_tokens().where(ApiToken.token_hash == _digest(token))).one_or_none()
    if row is None:
        raise Unauthorised("It was revoked, has expired, or never was one of ours. Make a new one under Settings, API tokens.",
                           title="This token is not valid")
    if row.used_at is None or datetime.now(UTC) - row.used_at > USED_EVERY:
        _used(row.id)
    return actors.token_actor(row)


def of(user_id: int) -> list[ApiToken]:
    """The tokens of this user that were not revoked, the newest first."""
    return list(db.session.scalars(select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
                                   .order_by(ApiToken.id.desc())))


def _used(token_id: int) -> None:
    with transaction() as session:
        session.execute(update(ApiToken).where(ApiToken.id == token_id).values(used_at=datetime.now(UTC)))


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
