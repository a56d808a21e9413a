"""The first start of an embedded installation: a shop to look at, and somebody who may come in."""
import secrets
from collections.abc import Callable

import structlog
from sqlalchemy import exists, select

from app import commands, demo
from app.accounts import users
from app.accounts.models import User
from app.audit import SYSTEM
from app.config import Config
from app.errors import Conflict
from app.extensions import db

log = structlog.get_logger()
ADMIN = "admin@example.com"
LETTERS = "abcdefghkmnpqrstuvwxyz"    # none that are read as another


def welcome(settings: Config, say: Callable[[str], object]) -> str | None:
    """Make the demo and the first admin where nobody may come in yet; the password, which is kept nowhere, or None.

    A database of the installation's own gets neither: there we only say how.
    """
    if _has_admin():
        return None
    if not settings.embedded:
        say(nobody_yet())
        return None
    if settings.demo:
        say("Loading a shop to look at (DEMO=0 starts empty) ...")
        _load_demo()
    password = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))
    users.add(ADMIN, "admin", by=SYSTEM, name="Admin", password=password)
    return password


def nobody_yet() -> str:
    return (f"Nobody may sign in yet. Make the first account with: {commands.line('user add YOU@EXAMPLE.COM --role admin')}\n"
            f"An invented shop to look at: {commands.line('demo --orders 2000')}")


def _has_admin() -> bool:
    found = db.session.execute(select(exists().where(User.role == "admin"))).scalar_one()
    db.session.rollback()
    return bool(found)


def _load_demo() -> None:
    """A shop that does not load keeps nobody from starting."""
    try:
        demo.load(orders=2000, seed=1)
    except Conflict:  # an earlier start was interrupted while it loaded
        log.warning("demo.interrupted", then="INSTANCE_DIR in a new folder starts over")
    except Exception:
        log.exception("demo.failed")
    finally:
        db.session.rollback()
