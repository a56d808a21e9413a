"""Which workers are alive: each writes a row now and then. For people to look at; nothing is decided by it."""
import time
from datetime import timedelta
from typing import cast

from sqlalchemy import Connection, Table, delete, insert, update
from sqlalchemy.orm import Session

from app.jobs import process
from app.jobs.models import Worker
from app.transaction import apart, now

EVERY = 5.0                       # seconds between two writes
GONE = timedelta(seconds=60)      # one that was not seen for so long is not shown as alive
FORGOTTEN = timedelta(days=1)
workers = cast(Table, Worker.__table__)
done = 0                          # rows this process has tried
_queues = ""
_seen = 0.0


def arrive(names: list[str]) -> None:
    """This process serves these queues from now on."""
    global _queues, _seen, done
    _queues, _seen, done = ", ".join(names), time.monotonic(), 0
    with apart() as connection:
        moment = now(Session(connection))
        connection.execute(insert(workers).values(name=process.name(), queues=_queues, started_at=moment, seen_at=moment))


def seen() -> None:
    """This process is alive; written at most every few seconds. Safe in any thread outside transaction()."""
    global _seen
    if not _queues or time.monotonic() < _seen + EVERY:
        return
    _seen = time.monotonic()
    with apart() as connection:
        connection.execute(update(workers).where(workers.c.name == process.name())
                           .values(seen_at=now(Session(connection)), done=done))


def leave() -> None:
    """This process stops serving."""
    with apart() as connection:
        connection.execute(delete(workers).where(workers.c.name == process.name()))


def forget(connection: Connection) -> None:
    """Drop the rows of workers that were killed long ago."""
    connection.execute(delete(workers).where(workers.c.seen_at < now(Session(connection)) - FORGOTTEN))
