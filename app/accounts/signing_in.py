"""Coming and going: sign in with a password, set the first one by a one-time link, sign out."""
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, select

from app import audit
from app.accounts import passwords, sessions, throttle
from app.accounts.models import User
from app.audit import Actor
from app.errors import Invalid, NotFound
from app.extensions import db
from app.transaction import transaction


@dataclass(frozen=True)
class Visit:
    """Where somebody comes from."""

    address: str
    agent: str
    request_id: str | None = None


def sign_in(email: str, password: str, visit: Visit, *, stay: bool = False) -> str:
    """Open a session; returns its secret id.

    Raises Invalid, the same for a wrong password, an unknown address and an account that is switched off; TooManyRequests
    after too many tries for this account or from this address.
    """
    email = tidy(email)
    throttle.count_try(email, visit.address)
    found = db.session.execute(select(User.id, User.name, User.password_hash, User.is_active)
                               .where(User.email == email)).one_or_none()
    right = passwords.matches(password, found.password_hash if found else None)
    if found is None or not right or not found.is_active:
        _note_failure(found.id if found else None, email, visit)
        raise Invalid(throttle.warning(email), title="E-mail or password is wrong")
    throttle.forget(email)
    return _open(found.id, found.name, visit, stay, "accounts.sign_in")


def sign_out(session_id: int, user_id: int, *, by: Actor, request_id: str | None = None) -> None:
    """End the session. Twice is once."""
    with transaction() as session:
        if sessions.end(session, user_id, session_id):
            audit.note(session, by, "accounts.sign_out", "users", user_id, request_id=request_id)


def invited(link: str) -> str:
    """The e-mail of the account this one-time link is for. Raises NotFound when it was used or is too old."""
    email = db.session.execute(select(User.email).where(*_good_link(link))).scalar_one_or_none()
    if email is None:
        raise NotFound("It was used already or is too old. An admin can make you a new one.", title="This link is spent")
    return email


def accept(link: str, password: str, visit: Visit) -> str:
    """Set the password by a one-time link and sign in; returns the secret id of the session. Two at once: one of them.

    Raises NotFound when the link is spent, Invalid when the password is too easy to guess.
    """
    hashed = chosen(password, invited(link))
    with transaction() as session:
        user = session.execute(select(User).where(*_good_link(link)).with_for_update()).scalar_one_or_none()
        if user is None:
            raise NotFound("It was used already. An admin can make you a new one.", title="This link is spent")
        user.password_hash, user.link_hash, user.link_until = hashed, None, None
        sessions.end(session, user.id)
        audit.note(session, Actor("staff", user.name, user.id), "accounts.set_password", "users", user.id,
                   request_id=visit.request_id, by_link=True)
        user_id, name, email = user.id, user.name, user.email
    throttle.forget(email)
    return _open(user_id, name, visit, False, "accounts.sign_in")


def change_password(user_id: int, old: str, new: str, *, keep: int, by: Actor, request_id: str | None = None) -> None:
    """Set another password. Every session but `keep` ends, and that one goes on under a new id. Raises Invalid by field."""
    email, kept = db.session.execute(select(User.email, User.password_hash).where(User.id == user_id)).one()
    throttle.count_try(email, f"user {user_id}")
    if not passwords.matches(old, kept):
        raise Invalid(errors={"old": "This is not your password now."})
    throttle.forget(email)
    hashed = chosen(new, email)
    with transaction() as session:
        session.get_one(User, user_id).password_hash = hashed
        ended = sessions.end(session, user_id, but=keep)
        sessions.renew_at_next_request(session, user_id)
        audit.note(session, by, "accounts.change_password", "users", user_id, request_id=request_id, sessions_ended=ended)


def chosen(password: str, email: str) -> str:
    """The hash of a password somebody chose. Raises Invalid when it is too easy to guess."""
    try:
        passwords.check(password, email)
    except ValueError as sentence:
        raise Invalid(errors={"password": str(sentence)}) from None
    return passwords.keep(password)


def tidy(email: str) -> str:
    """An address as we keep it: addresses that differ in case only are one person's."""
    return email.strip().lower()


def _open(user_id: int, name: str, visit: Visit, stay: bool, action: str) -> str:
    with transaction() as session:
        sessions.prune(session, user_id)
        secret = sessions.start(session, user_id, stay=stay, address=visit.address, agent=visit.agent)
        audit.note(session, Actor("staff", name, user_id), action, "users", user_id, request_id=visit.request_id,
                   address=visit.address)
    return secret


def _note_failure(user_id: int | None, email: str, visit: Visit) -> None:
    with transaction() as session:
        audit.note(session, Actor("system", "nobody"), "accounts.sign_in_refused", "users", user_id, request_id=visit.request_id,
                   email=email[:200], address=visit.address)


def _good_link(link: str) -> tuple[ColumnElement[bool], ...]:
    return User.link_hash == sessions.digest(link), User.link_until > datetime.now(UTC), User.is_active.is_(True)
