"""The tables at the start: brought up to date by one process at a time; nobody works on tables of another version."""
import logging
import time
from collections.abc import Callable

from alembic.util import CommandError
from flask_migrate import upgrade
from sqlalchemy.exc import DBAPIError, OperationalError

from app import commands
from app.care.backup import known, revision
from app.config import config
from app.errors import Misconfigured

logging.getLogger("alembic").setLevel(logging.WARNING)  # it announces every look at the revision
PATIENCE = 30.0     # seconds a worker waits for whoever migrates


def bring_up_to_date() -> None:
    """Apply what is missing, waiting for whoever is at it. Raises Misconfigured with a sentence when that cannot be."""
    try:
        upgrade()
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
    try:
        at, wanted = revision(), known().get_current_head()
    except OperationalError as error:
        raise unreachable(error) from None
    if at != wanted:
        raise Misconfigured(f"The tables are at {at or 'nothing'}, this version needs {wanted}. "
                            f"Run: {commands.line('db upgrade')}")


def unreachable(error: DBAPIError) -> Misconfigured:
    """The sentence for a database that cannot be reached."""
    return Misconfigured(f"The database cannot be reached: {_said(error)}. Check that it runs, and that DATABASE_URL names it, "
                         "its user and its password rightly.")


def _said(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0].rstrip(".")
