"""Users and tokens as actors, with the rights they have now."""
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from app.access import ROLES, loads
from app.accounts.models import ApiToken, User
from app.audit import Actor, ActorKind
from app.extensions import db
from app.mail import addressed

RIGHTS = (User.role, User.grants, User.scopes)


def actor(kind: ActorKind, id: int, name: str, role: str, grants: list[str], scopes: dict[str, Any]) -> Actor:
    """An actor with what its role grants and what it was granted beside that. An unknown role grants nothing."""
    return Actor(kind, name, id, grants=(*ROLES.get(role, ()), *grants), scopes=dict(scopes), role=role)


@loads("staff")
def staff(user_id: int) -> Actor | None:
    """The person, unless the account is switched off or gone."""
    row = db.session.execute(select(User.name, *RIGHTS).where(User.id == user_id, User.is_active)).one_or_none()
    return None if row is None else actor("staff", user_id, row.name, row.role, row.grants, row.scopes)


@addressed
def address(user_id: int) -> str | None:
    """Where to write to the person, unless the account is switched off or gone."""
    found: str | None = db.session.scalar(select(User.email).where(User.id == user_id, User.is_active))
    return found


@loads("token")
def token(token_id: int) -> Actor | None:
    """The token, unless it was revoked, has expired, or its user is switched off."""
    row = db.session.execute(usable_tokens().where(ApiToken.id == token_id)).one_or_none()
    return None if row is None else token_actor(row)


def usable_tokens() -> Any:
    """SELECT of tokens that let in now, with what token_actor() needs of them."""
    return select(ApiToken.id, ApiToken.name, ApiToken.user_id, ApiToken.used_at, User.name.label("user_name"), *RIGHTS).join(
        User, User.id == ApiToken.user_id).where(
        User.is_active, ApiToken.revoked_at.is_(None),
        ApiToken.expires_at.is_(None) | (ApiToken.expires_at > datetime.now(UTC)))


def token_actor(row: Any) -> Actor:
    found = actor("token", row.id, f"{row.name} ({row.user_name})", row.role, row.grants, row.scopes)
    return replace(found, user_id=row.user_id)
