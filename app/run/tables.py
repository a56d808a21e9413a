"""The tables at the start: brought up to date by one process at a time; nobody works on tables of another version."""
import logging
import time
from collections.abc import Callable
from functools import cache

from alembic.util import CommandError
from flask_migrate import upgrade
from sqlalchemy.exc import DBAPIError, OperationalError

from app import commands
from app.care.backup import known, revision
from app.config import config
from app.errors import Misconfigured
from app.extensions import db

logging.getLogger("alembic").setLevel(logging.WARNING)  # it announces every look at the revision
PATIENCE = 30.0     # seconds a worker waits for whoever migrates
_fitted: set[str] = set()      # databases whose tables were once those of this version; a child knows what its parent saw


def bring_up_to_date() -> None:
    """Apply what is missing, waiting for whoever is at it. Raises Misconfigured with a sentence when that cannot be."""
    try:
        upgrade()
        check()
    except CommandError:
        raise Misconfigured(f"The tables are at {revision()}, which this version does not know: they belong to a newer one. "
                            "Start that version.") from None
    except DBAPIError as error:
        if error.statement is None:
            raise unreachable(error) from None
        raise Misconfigured(f"The tables cannot be brought up to date: {_said(error)}. They are as they were before. Is this "
                            "a database of another program, or one half made by hand? Give Backroom one of its own.") from None


def require() -> None:
    """Raise Misconfigured unless the tables are those of this version, after waiting a while for whoever migrates."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return check()
        except Misconfigured:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def be_there(say: Callable[[str], object]) -> None:
    """Where an embedded database has nothing in it yet, make the tables and say so; else like `check`."""
    try:
        is_new = config().embedded and revision() is None
    except OperationalError as error:
        raise unreachable(error) from None
    if is_new:
        bring_up_to_date()
        say(f"The tables are new, in {config().instance_dir}.")
    else:
        check()


def check() -> None:
    """Raise Misconfigured unless the tables are those of this version."""
    _fit(_at())


def check_running() -> None:
    """Like `check`, for a process at work: one that began with its own tables goes on when a newer version adds to them."""
    at = _at()
    if at is None or at in _own() or str(db.engine.url) not in _fitted:
        _fit(at)


@cache
def _own() -> tuple[str, ...]:
    """The migrations of this version, the newest first: those that were on disk when this process first looked."""
    return tuple(script.revision for script in known().walk_revisions())


def _at() -> str | None:
    try:
        return revision()
    except OperationalError as error:
        raise unreachable(error) from None


def _fit(at: str | None) -> None:
    if at != _own()[0]:
        cure = f"Run: {commands.line('db upgrade')}" if at is None or at in _own() else "They belong to a newer one: start that."
        raise Misconfigured(f"The tables are at {at or 'nothing'}, this version needs {_own()[0]}. {cure}")
    _fitted.add(str(db.engine.url))


def unreachable(error: DBAPIError) -> Misconfigured:
    """The sentence for a database that cannot be reached."""
    return Misconfigured(f"The database cannot be reached: {_said(error)}. Check that it runs, and that DATABASE_URL names it, "
                         "its user and its password rightly.")


def _said(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0].rstrip(".")
