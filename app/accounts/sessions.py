"""Who is signed in: sessions as rows that can be looked at, renewed and ended; Flask-Login stands on top of them."""
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog
from flask import Flask, Request, g, request
from flask import session as cookie
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import AnonymousUserMixin, current_user, login_user, logout_user
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from app import forgery
from app.access import NOBODY
from app.accounts import actors, throttle, tokens
from app.accounts.models import StaffSession, User
from app.audit import Actor
from app.errors import Unavailable
from app.extensions import db, login
from app.transaction import transaction

log = structlog.get_logger()
IDLE = timedelta(hours=12)            # without "Stay signed in": nothing heard for so long ends it
LONGEST = timedelta(days=7)           # and so does this, busy or not
STAY = timedelta(days=14)             # "Stay signed in": ends then, idle or not
SEEN_EVERY = timedelta(minutes=5)     # a request writes that it was here at most so often
COOKIELESS = ("/hooks/", "/static/", "/bootstrap/", "/healthz", "/readyz", "/metrics")
GRACE = timedelta(seconds=30)         # how long requests already under way may use the id before a renewal


@dataclass(frozen=True)
class SignedIn:
    """The person of this request as Flask-Login sees them: plain values, no row."""

    session_id: int
    user_id: int
    email: str
    name: str
    role: str
    time_zone: str | None
    actor: Actor
    secret: str = field(repr=False, default="")
    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return self.secret


class Visitor(AnonymousUserMixin):
    """Somebody who is not signed in."""

    email = name = role = ""
    time_zone = None
    actor = NOBODY


class Cookies(SecureCookieSessionInterface):
    """The signed cookie, which is not even looked at where a signature over the body says who sends."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return None if request.path.startswith("/hooks/") else super().open_session(app, request)


def init_app(app: Flask) -> None:
    throttle.init_app(app)
    login.session_protection = None   # the id of ours is random and checked; an address or browser may change
    login.anonymous_user = Visitor
    login.user_loader(find)
    app.session_interface = Cookies()
    app.before_request(recognise)


def recognise() -> None:
    """Set who this request acts for: under /api/ the bearer of a token (cookies count for nothing there), else who signed in."""
    g.pop("_login_user", None)
    g.actor, g.time_zone = NOBODY, None
    if request.path.startswith("/api/"):
        g.actor = tokens.bearer(request.headers.get("Authorization"))
    elif not request.path.startswith(COOKIELESS) and "_user_id" in cookie:
        g.actor, g.time_zone = current_user.actor, current_user.time_zone


def start(session: Session, user_id: int, *, stay: bool = False, address: str = "", agent: str = "") -> str:
    """Open a session for this user in the caller's transaction; returns the secret id, which is kept nowhere."""
    secret, at = new_secret(), datetime.now(UTC)
    session.add(StaffSession(secret_hash=digest(secret), user_id=user_id, has_stay=stay, started_at=at, seen_at=at,
                             ends_at=at + (STAY if stay else LONGEST), address=address, agent=agent[:300]))
    return secret


def enter(secret: str, *, stay: bool) -> None:
    """Give the browser of this request the session. What its cookie held before is dropped, the old id and form token with it;
    the token is only remembered for what was sent before signing in."""
    former = cookie.get("csrf_token")
    cookie.clear()
    forgery.remember(former)
    for name in ("_login_user", "csrf_token"):
        g.pop(name, None)
    cookie.permanent = stay
    found = find(secret)
    if found is not None:
        login_user(found)


def leave() -> None:
    """Make this browser forget; ending the row is end()'s."""
    logout_user()
    cookie.clear()


def find(secret: object) -> SignedIn | None:
    """The person whose session this is, or None when it ended, was revoked, or the account is switched off."""
    if not isinstance(secret, str) or not secret.isascii():
        return None
    at, hashed = datetime.now(UTC), digest(secret)
    row = db.session.execute(select(StaffSession, User).join(User, User.id == StaffSession.user_id).where(
        or_(StaffSession.secret_hash == hashed, (StaffSession.former_hash == hashed) & (StaffSession.former_until > at)),
        live(at), User.is_active)).one_or_none()
    if row is None:
        return None
    opened, user = row
    found = _signed_in(opened, user, secret)
    if opened.is_renewal_due and opened.secret_hash == hashed:
        return _renew(found, hashed)
    if at - opened.seen_at > SEEN_EVERY:
        _seen(found.session_id, at)
    return found


def live(at: datetime) -> Any:
    """The condition that a session is still good."""
    return (StaffSession.ends_at > at) & (StaffSession.has_stay | (StaffSession.seen_at > at - IDLE))


def renew_at_next_request(session: Session, user_id: int) -> None:
    """The rights of this user change: their sessions go on under a new id."""
    session.execute(update(StaffSession).where(StaffSession.user_id == user_id).values(is_renewal_due=True))


def end(session: Session, user_id: int, session_id: int | None = None, *, but: int | None = None) -> int:
    """End one session of this user, or all of them, or all `but` one. Returns how many there were."""
    statement = delete(StaffSession).where(StaffSession.user_id == user_id)
    if session_id is not None:
        statement = statement.where(StaffSession.id == session_id)
    if but is not None:
        statement = statement.where(StaffSession.id != but)
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]


def prune(session: Session, user_id: int) -> None:
    """Delete the sessions of this user that ended by themselves."""
    session.execute(delete(StaffSession).where(StaffSession.user_id == user_id, ~live(datetime.now(UTC))))


def opened_by(user_id: int) -> list[StaffSession]:
    """The sessions this user has open, the one heard of last first."""
    return list(db.session.scalars(select(StaffSession).where(StaffSession.user_id == user_id, live(datetime.now(UTC)))
                                   .order_by(StaffSession.seen_at.desc(), StaffSession.id.desc())))


def count_by_user() -> dict[int, int]:
    """How many sessions each user has open."""
    rows = db.session.execute(select(StaffSession.user_id, func.count()).where(live(datetime.now(UTC)))
                              .group_by(StaffSession.user_id))
    return {row[0]: row[1] for row in rows}


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What we keep of a secret that is random enough not to be guessed: its SHA-256 in hex."""
    return sha256(secret.encode()).hexdigest()


def _signed_in(opened: StaffSession, user: User, secret: str) -> SignedIn:
    who = actors.actor("staff", user.id, user.name, user.role, user.grants, user.scopes)
    return SignedIn(opened.id, user.id, user.email, user.name, user.role, user.time_zone, who, secret)


def _renew(found: SignedIn, hashed: str) -> SignedIn:
    """Swap the id. Of two requests at once one swaps; the other is served under the former id and sets no cookie."""
    secret = new_secret()
    with transaction() as session:
        swapped = session.execute(update(StaffSession).where(StaffSession.secret_hash == hashed).values(
            secret_hash=digest(secret), former_hash=hashed, former_until=datetime.now(UTC) + GRACE, is_renewal_due=False))
    if swapped.rowcount:  # type: ignore[attr-defined]
        cookie["_user_id"] = secret
    return found


def _seen(session_id: int, at: datetime) -> None:
    """Nobody's page fails because this could not be written down in time; the next request tries again."""
    try:
        with transaction() as session:
            session.execute(update(StaffSession).where(StaffSession.id == session_id).values(seen_at=at))
    except Unavailable:
        log.warning("session.not_seen", session=session_id)
