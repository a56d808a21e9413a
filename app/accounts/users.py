"""People with an account: add one, give other rights, switch off, make a one-time link."""
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.access import ROLES
from app.accounts import sessions
from app.accounts.models import User
from app.accounts.signing_in import chosen, tidy
from app.audit import Actor
from app.errors import Conflict, Invalid
from app.extensions import db
from app.records.values import address_of
from app.transaction import lock, transaction

LINK_FOR = timedelta(days=7)


def add(email: str, role: str, *, by: Actor, name: str = "", password: str | None = None, request_id: str | None = None) -> int:
    """Make an account; returns its id. Without a password nobody can sign in until a one-time link set one.

    Raises Invalid by field; Conflict when the address has an account, also when two add it at once.
    """
    email = tidy(email)
    _check(email, role)
    hashed = None if password is None else chosen(password, email)
    user = User(email=email, name=name.strip()[:200] or email.split("@")[0], role=role, password_hash=hashed,
                created_at=datetime.now(UTC))
    try:
        with transaction() as session:
            session.add(user)
            session.flush()
            audit.note(session, by, "users.add", "users", user.id, request_id=request_id, email=email, role=role)
            return user.id
    except IntegrityError:
        raise Conflict(f"{email} has an account already. Change its role, or choose another address.") from None


def make_link(user_id: int, *, by: Actor, request_id: str | None = None) -> str:
    """The secret of a one-time link that sets a password, good for seven days. A link made before is spent by it."""
    secret = sessions.new_secret()
    with transaction() as session:
        user = lock(session, User, user_id)
        user.link_hash, user.link_until = sessions.digest(secret), datetime.now(UTC) + LINK_FOR
        audit.note(session, by, "users.make_link", "users", user_id, request_id=request_id, email=user.email)
    return secret


def change_role(user_id: int, role: str, *, by: Actor, request_id: str | None = None) -> None:
    """Give another role; open sessions go on under a new id. Raises Conflict when nobody would be left to manage users."""
    _check_role(role)
    with transaction() as session:
        _hold_admins(session)
        user = lock(session, User, user_id)
        old, user.role = user.role, role
        if old == "admin":
            _check_somebody_manages(session)
        if old != role:
            sessions.renew_at_next_request(session, user_id)
            audit.note(session, by, "users.change_role", "users", user_id, request_id=request_id,
                       email=user.email, role=[old, role])


def switch(user_id: int, on: bool, *, by: Actor, request_id: str | None = None) -> None:
    """Switch an account off, which ends its sessions and stops its tokens, or on again. Raises Conflict like change_role."""
    with transaction() as session:
        _hold_admins(session)
        user = lock(session, User, user_id)
        was, user.is_active = user.is_active, on
        if user.role == "admin":
            _check_somebody_manages(session)
        if not on:
            user.link_hash = user.link_until = None
            sessions.end(session, user_id)
        if was != on:
            audit.note(session, by, "users.switch_on" if on else "users.switch_off", "users", user_id, request_id=request_id,
                       email=user.email)


def set_profile(user_id: int, name: str, time_zone: str | None, *, by: Actor, request_id: str | None = None) -> None:
    """What a person is called, and in which zone they read times."""
    with transaction() as session:
        user = lock(session, User, user_id)
        user.name, user.time_zone = name.strip()[:200] or user.name, time_zone
        audit.note(session, by, "users.set_profile", "users", user_id, request_id=request_id)


def by_email(email: str) -> int | None:
    """The id of the account with this address."""
    return db.session.execute(select(User.id).where(User.email == tidy(email))).scalar_one_or_none()


def everybody() -> list[User]:
    """All accounts, those switched off last."""
    return list(db.session.scalars(select(User).order_by(User.is_active.desc(), User.email)))


def _check(email: str, role: str) -> None:
    try:
        found = address_of(email)
    except ValueError as sentence:
        raise Invalid(errors={"email": str(sentence)}) from None
    if found is None:
        raise Invalid(errors={"email": "The e-mail address is missing. Write it like name@example.com."})
    _check_role(role)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise Invalid(errors={"role": f"There is no role {role}. Choose {', '.join(ROLES)}."})


def _hold_admins(session: Session) -> None:
    """Two admins who switch each other off at once would leave none: whoever changes rights holds all admins, in one order."""
    session.execute(select(User.id).where(User.role == "admin").order_by(User.id).with_for_update())


def _check_somebody_manages(session: Session) -> None:
    session.flush()
    if not session.execute(select(func.count()).where(User.role == "admin", User.is_active)).scalar_one():
        raise Conflict("Make somebody else an admin first.", title="This is the last admin")
