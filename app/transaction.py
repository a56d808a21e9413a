"""The one place that commits: transactions that write safely on both databases, and what runs after they are through."""
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TextIO, TypeVar

import structlog
from sqlalchemy import Connection, Engine, event, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.config import config
from app.errors import NotFound, Unavailable
from app.extensions import Model, db

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=Model)
log = structlog.get_logger()
TIMEOUTS = {"lock_timeout": 10_000, "statement_timeout": 60_000, "idle_in_transaction_session_timeout": 30_000}  # ms
POLL = 0.002


@contextmanager
def transaction() -> Iterator[Session]:
    """One unit of work on the session of this context: commits at the end, rolls back on any error.

    A read the session had begun is ended first; on SQLite the write lock is held from the start. Transactions do not
    nest: one verb, one transaction. Raises Unavailable(retry=True) when the turn to write does not come in time.
    """
    session: Session = db.session()
    if session.info.get("writing"):
        raise RuntimeError("transactions do not nest: one verb, one transaction")
    session.rollback()
    with _turn(db.engine):
        session.info["writing"] = True
        session.info["after_commit"] = []
        try:
            session.connection(execution_options={"writes": True})
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            session.info["after_commit"] = []
            raise
        finally:
            session.info["writing"] = False
    _run(session.info.pop("after_commit"))


@contextmanager
def apart(patience: float | None = None) -> Iterator[Connection]:
    """A unit of work on a connection of its own, beside whatever the session is reading: heartbeats, logs of calls.

    It commits even if the verb around it fails later. Never within transaction(): on SQLite it would wait for itself, there
    `patience` says for how many seconds it waits for its turn. Raises Unavailable(retry=True) when that does not come.
    """
    if db.session.registry.has() and db.session().info.get("writing"):
        raise RuntimeError("apart() would wait for the transaction around it")
    with _turn(db.engine, patience), db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


def after_commit(session: Session, act: Callable[[], object]) -> None:
    """Run `act` once the transaction is committed; never if it is rolled back. An error in it is logged, not raised."""
    if not session.info.get("writing"):
        raise RuntimeError("after_commit needs a transaction")
    session.info["after_commit"].append(act)


def lock(session: Session, model: type[M], id: int) -> M:
    """The row, held by this transaction until it ends; others may go on referring to it. Raises NotFound."""
    row = session.get(model, id, with_for_update={"key_share": True}, populate_existing=True)
    if row is None:
        raise NotFound(f"{model.__tablename__} has no row {id}.")
    return row


def repeated(verb: Callable[P, R]) -> Callable[P, R]:
    """Run a verb again, at most three times in all, when the database asks for it: deadlock, serialization, locked."""

    @wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(2):
            try:
                return verb(*args, **kwargs)
            except DBAPIError as error:
                if not passing(error):
                    raise
        return verb(*args, **kwargs)
    return run


def passing(error: BaseException) -> bool:
    """Whether the same work can succeed at once in a new transaction: it was nobody's fault."""
    original = getattr(error, "orig", None) or error
    state = getattr(original, "sqlstate", None)
    if state is not None:
        return str(state)[:2] == "40" or state == "55P03"
    return isinstance(original, sqlite3.OperationalError) and "locked" in str(original)


def now(session: Session) -> datetime:
    """The database's clock, in UTC. Leases and due times are compared with this one, never with the machine's."""
    if is_sqlite(session.connection()):
        return datetime.now(UTC)
    moment: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


def is_sqlite(connection: Connection) -> bool:
    return connection.dialect.name == "sqlite"


def prepare(engine: Engine) -> None:
    """Teach an engine how we begin and what every connection needs. Called once per engine by create_app()."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "connect", _prepare_postgresql)


@contextmanager
def _turn(engine: Engine, patience: float | None = None) -> Iterator[None]:
    """SQLite lets whoever polls luckiest write next; this turnstile lets whoever waits: a writer may not go twice past one.

    Two flock files: take *next*, take *turn*, let go of *next*. A stopped process holds everybody, so we wait no longer
    than the busy timeout.
    """
    path = engine.url.database
    if engine.dialect.name != "sqlite" or path in (None, "", ":memory:"):
        yield
        return
    until = time.monotonic() + (config().busy_seconds if patience is None else patience)
    with open(f"{path}.next", "w") as following, open(f"{path}.turn", "w") as turn:
        _take(following, until)
        _take(turn, until)
        flock(following, LOCK_UN)
        yield


def _take(file: TextIO, until: float) -> None:
    while True:
        try:
            return flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise Unavailable("Another process is writing and does not finish. Try again in a moment.",
                                  title="The database is busy") from None
            time.sleep(POLL)


def _run(acts: list[Callable[[], object]]) -> None:
    for act in acts:
        try:
            act()
        except Exception:
            log.exception("after_commit.failed", act=getattr(act, "__qualname__", repr(act)))


@lru_cache(maxsize=1000)  # a batch writes one "now" thousands of times
def _stored(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


sqlite3.register_adapter(datetime, _stored)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # SQLAlchemy, not the driver, says BEGIN; savepoints need it
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000", "recursive_triggers=OFF"):
        connection.execute(f"PRAGMA {pragma}")
    connection.create_function("unicode_lower", 1, lambda text: text and text.lower(), deterministic=True)


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        for name, milliseconds in TIMEOUTS.items():
            cursor.execute(f"SET {name} = {milliseconds}")
    connection.commit()
