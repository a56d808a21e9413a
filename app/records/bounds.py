"""How long a question to the database may take. It is stopped in time, and whoever asked hears which part no index answers."""
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, OperationalError

from app.errors import BadRequest
from app.records import policy
from app.records.asking import Query
from app.records.fields import Field
from app.records.filters import BUILT_IN, Filter
from app.transaction import TIMEOUTS, is_sqlite

PATIENCE = 2.0          # seconds the rows of a list may take
GLANCE = 0.25           # seconds their number may take, where it is shown beside them
CAREFUL = 5.0           # seconds their exact number may take, where somebody asks for it
MANY, SOME = 10_000, 1_000
STEPS = 10_000          # of SQLite's virtual machine, between two looks at the clock
ANSWERED = ("eq", "gt", "gte", "lt", "lte", "starts", "empty")
CANCELLED = "57014"
SELECTIVE = ("datetime", "date", "reference", "email", "text", "money", "choice")
MOST_NAMED = 3


class TooLong(Exception):
    """The database was stopped. What the transaction read and wrote before stays as it was."""


@contextmanager
def within(connection: Connection, seconds: float) -> Iterator[None]:
    """Every statement inside is stopped after so many seconds. Raises TooLong. Does not nest."""
    with (_sqlite if is_sqlite(connection) else _postgresql)(connection, seconds):
        yield


def cap(query: Query) -> int:
    """How far the rows are counted by themselves: less far where each has to be looked at before it counts."""
    return MANY if not query.search and len(query.filters) < 2 and not unanswered(query) else SOME


def unanswered(query: Query) -> list[Filter]:
    """The filters no index answers: of all rows that are left, each one has to be looked at."""
    return [one for one in query.filters if one.op not in ANSWERED or not _is_indexed(one.field)]


def refusal(query: Query) -> BadRequest:
    """What to say of a list that was stopped: which filters are dear, and what would help."""
    dear = unanswered(query) or query.filters
    words = query.resource.plural.lower()
    help = _help(query)
    sentence = f"No index answers this, so the {words} have to be looked at one by one. {help}Or leave this out."
    errors = {one.param: sentence for one in dear} or {"sort": f"In this order it takes too long. {help}Or leave the order out."}
    return BadRequest("The database was stopped before it was done. Narrow the list down.", errors=errors,
                      title="This list takes too long")


def _help(query: Query) -> str:
    """Fields of the list an index answers for, those that tell records apart best first."""
    taken = {one.field.name for one in query.filters}
    seen = [field for field in policy.readable(query.actor, query.resource) if field.name in query.resource.listed]
    found = sorted((field for field in seen if _is_indexed(field) and field.kind in SELECTIVE and field.name not in taken),
                   key=lambda field: SELECTIVE.index(field.kind))
    titles = [field.title for field in found[:MOST_NAMED]] or [BUILT_IN[1].title]
    return f"Add a filter on {' or '.join(filter(None, (', '.join(titles[:-1]), titles[-1])))}. "


def _is_indexed(field: Field) -> bool:
    return field.sortable or field.unique or field.kind == "reference"


@contextmanager
def _sqlite(connection: Connection, seconds: float) -> Iterator[None]:
    driver: Any = connection.connection.driver_connection
    until = time.monotonic() + seconds
    driver.set_progress_handler(lambda: time.monotonic() > until, STEPS)
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.OperationalError) and str(error.orig) == "interrupted":
            raise TooLong from error
        raise
    finally:
        driver.set_progress_handler(None, 0)


@contextmanager
def _postgresql(connection: Connection, seconds: float) -> Iterator[None]:
    """A statement that is stopped ends its transaction; the savepoint keeps what was before."""
    _say(connection, f"SAVEPOINT bounded; SET LOCAL statement_timeout = {max(1, int(seconds * 1000))}")
    try:
        yield
    except BaseException as error:
        _say(connection, "ROLLBACK TO SAVEPOINT bounded; RELEASE SAVEPOINT bounded")
        if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", "") == CANCELLED:
            raise TooLong from error
        raise
    _say(connection, f"RELEASE SAVEPOINT bounded; SET LOCAL statement_timeout = {TIMEOUTS['statement_timeout']}")


def _say(connection: Connection, commands: str) -> None:
    """Two commands in one go, which SQLAlchemy's way to the driver does not allow."""
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute(commands, prepare=False)
    except psycopg.OperationalError as error:
        raise OperationalError(commands, None, error) from error
