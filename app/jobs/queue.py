"""Claim, extend, finish, fail, release: what every queue does with its rows, written once.

A claim takes rows under a lease and a new token; whoever ends a row must still hold that token (the fence). Finish, fail and
release are called last in the caller's transaction: when the fence finds nobody there, LostLease rolls everything back.
"""
import random
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast
from zlib import crc32

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    FromClause,
    Table,
    and_,
    case,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from app.config import config
from app.errors import Problem
from app.jobs.models import Attempt, Queued
from app.jobs.wording import kept, said
from app.transaction import apart, is_sqlite, now, repeated, transaction

FIRST_WAIT = 5.0        # seconds; doubled with every attempt
LONGEST_WAIT = 3600.0
LOOKED_AT = 5           # candidates read for each row that is wanted
attempts: Table = cast(Table, Attempt.__table__)


class LostLease(Exception):
    """Somebody else may be working on this row by now. Nothing of what we did may be kept."""


@dataclass(frozen=True, eq=False)
class Queue:
    """Rows of a table that are worked off by `process`, which is given up to `batch` claims and ends each by its fence.

    When `process` raises on a batch, each of its claims is tried alone; when it raises on one, that one failed.
    `heavy` rows get a process of their own, one each. `where` tells the rows of this queue from others in the table.
    A row whose column `strict` is true is not taken while there is another one that it `waits_for`, as that says in SQL.
    """

    name: str
    model: type[Queued]
    process: Callable[[list["Claim"]], None]
    batch: int = 100
    object_key: str | None = None                # never two rows of one object at a time
    heavy: bool = False
    seconds: float = 300.0                       # a batch that takes longer is killed
    where: Mapping[str, Any] = field(default_factory=dict)
    strict: str | None = None
    waits_for: Callable[[FromClause, FromClause], ColumnElement[bool]] = lambda row, other: false()

    @property
    def table(self) -> Table:
        return cast(Table, self.model.__table__)  # type: ignore[attr-defined]

    def rows(self, status: str) -> ColumnElement[bool]:
        """Its rows in this status."""
        return and_(self.table.c.status == status, *(self.table.c[name] == value for name, value in self.where.items()))


@dataclass(frozen=True)
class Claim:
    """One row that is ours until the lease lapses."""

    queue: Queue
    id: int
    token: int
    attempt: int        # 1 for the first
    owner: str


@repeated
def claim(queue: Queue, owner: str, limit: int | None = None) -> list[Claim]:
    """Take up to a batch of due rows, in a transaction of its own. One claimer at a time, so it is safe to race.

    At most one row of an object, none of an object that is being worked on; a row that was tried before is taken alone.
    """
    with transaction() as session:
        _one_at_a_time(session, queue)
        moment = now(session)
        return _take(session, queue, _choose(session, queue, moment, limit or queue.batch), owner, moment)


def finish(session: Session, claim: Claim, outcome: str = "done", *, error: str | None = None, **columns: Any) -> None:
    """The row is done. The last call in the transaction that made its effect: raises LostLease when it is not ours any more."""
    _close(session, [claim], outcome, error)
    _fence(session, [claim], status="done", outcome=outcome, last_error=error, finished_at=now(session), **columns)


def finish_many(session: Session, outcomes: Sequence[tuple[Claim, str]]) -> None:
    """Finish a batch, in one statement an outcome. Raises LostLease unless all of them are still ours."""
    groups: dict[tuple[str, int], list[Claim]] = {}
    for claim, outcome in outcomes:
        groups.setdefault((outcome, claim.token), []).append(claim)
    for (outcome, _), claims in groups.items():
        _close(session, claims, outcome, None)
    for (outcome, _), claims in groups.items():
        _fence(session, claims, status="done", outcome=outcome, last_error=None, finished_at=now(session))


def fail(session: Session, claim: Claim, error: BaseException) -> None:
    """This try failed: wait and try again, or give up. Fenced like finish.

    A Problem says itself whether a retry can help and when, and whether it costs a try; anything else is tried again. The wait
    grows exponentially, with full jitter.
    """
    retry = error.retry if isinstance(error, Problem) else True
    moment, table = now(session), claim.queue.table
    again = retry if isinstance(retry, datetime) else moment + backoff(claim.attempt)
    is_free = isinstance(error, Problem) and not error.costs_a_try and bool(retry)
    last = table.c.attempts - int(is_free) >= table.c.max_attempts if retry else table.c.id == table.c.id
    _close(session, [claim], "failed", kept(error))
    _fence(session, [claim], status=case((last, "dead"), else_="waiting"), run_at=again, outcome=None, last_error=said(error),
           attempts=table.c.attempts - int(is_free), finished_at=case((last, moment)))


def cancel(session: Session, claim: Claim) -> None:
    """The row was cancelled while it was worked on. Fenced like finish."""
    _close(session, [claim], "cancelled", None)
    _fence(session, [claim], status="cancelled", outcome="cancelled", finished_at=now(session))


def release(session: Session, claims: Sequence[Claim]) -> int:
    """Give rows back untried: the attempt does not count. Returns how many were still ours."""
    return sum(_release(session, claim) for claim in claims)


def extend(claims: Iterable[Claim]) -> int:
    """Heartbeat: hold on to these rows for another lease. Its own connection; never waits for a row. Returns how many it held."""
    groups: dict[tuple[Queue, int], list[int]] = {}
    for claim in claims:
        groups.setdefault((claim.queue, claim.token), []).append(claim.id)
    held = 0
    with apart() as connection:
        moment = now(Session(connection))
        for (queue, token), ids in groups.items():
            table = queue.table
            ours = select(table.c.id).where(table.c.id.in_(ids), table.c.lease_token == token, table.c.status == "running")
            held += connection.execute(update(table).where(table.c.id.in_(ours.with_for_update(skip_locked=True)))
                                       .values(lease_until=moment + lease())).rowcount
    return held


@repeated
def expire(queue: Queue) -> int:
    """Put rows back whose lease has lapsed; those that are out of tries are dead. Returns how many. Safe to race."""
    with transaction() as session:
        return _lapse(session, queue, queue.table.c.lease_until < now(session), "The worker stopped in the middle of it.")


@repeated
def lapse(queue: Queue, owner: str, why: str) -> int:
    """Put back at once what a worker held that is known to be dead."""
    with transaction() as session:
        return _lapse(session, queue, queue.table.c.lease_owner == owner, why)


def due(session: Session, queue: Queue) -> bool:
    """Whether a row waits that could be worked on now."""
    query = select(queue.table.c.id).where(queue.rows("waiting"), queue.table.c.run_at <= now(session)).limit(1)
    return session.execute(query).first() is not None


def lease() -> timedelta:
    """How long a claim holds without a heartbeat."""
    return timedelta(seconds=config().lease_seconds)


def backoff(attempt: int) -> timedelta:
    """How long to wait after this attempt: up to 5 s, 10 s, 20 s … an hour, anywhere in between so that crowds spread."""
    return timedelta(seconds=random.uniform(0.5, min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 20))))  # noqa: S311


def _one_at_a_time(session: Session, queue: Queue) -> None:
    if not is_sqlite(session.connection()):
        session.execute(select(func.pg_advisory_xact_lock(crc32(f"claim {queue.name}".encode()))))


def _choose(session: Session, queue: Queue, moment: datetime, limit: int) -> list[int]:
    rows = _candidates(session, queue, moment, limit)
    if not rows or rows[0][1]:
        return [row[0] for row in rows[:1]]
    chosen: list[int] = []
    seen: set[object] = set()
    for id, tries, key, *_ in rows:
        if not tries and key not in seen and len(chosen) < limit:
            chosen.append(id)
            seen.update(() if key is None else (key,))
    return chosen


def _candidates(session: Session, queue: Queue, moment: datetime, limit: int) -> Sequence[Any]:
    table = queue.table
    key = table.c[queue.object_key] if queue.object_key else table.c.outcome  # a waiting row has no outcome: no key
    query = (select(table.c.id, table.c.attempts, key).where(queue.rows("waiting"), table.c.run_at <= moment)
             .order_by(table.c.priority, table.c.run_at, table.c.id).limit(limit * LOOKED_AT if queue.object_key else limit))
    if queue.object_key:
        other = table.alias()
        query = query.where(~exists().where(other.c[queue.object_key] == key, other.c.status == "running"))
    if queue.strict is None:
        return session.execute(query).all()
    found = session.execute(query.add_columns(table.c[queue.strict])).all()
    if not any(row[3] for row in found):        # only a queue with such rows in it pays for them
        return found
    return session.execute(query.where(or_(~table.c[queue.strict], ~exists().where(queue.waits_for(table, table.alias()))))).all()


def _take(session: Session, queue: Queue, ids: list[int], owner: str, moment: datetime) -> list[Claim]:
    if not ids:
        return []
    table, token = queue.table, secrets.randbits(62) + 1
    taken: dict[int, int] = dict(session.execute(
        update(table).where(table.c.id.in_(ids), table.c.status == "waiting")
        .values(status="running", attempts=table.c.attempts + 1, lease_owner=owner, lease_token=token,
                lease_until=moment + lease(), outcome=None)
        .returning(table.c.id, table.c.attempts)).all())
    claims = [Claim(queue, id, token, taken[id], owner) for id in ids if id in taken]
    if claims:
        session.execute(insert(attempts), [
            {"source": table.name, "row_id": one.id, "number": one.attempt, "token": token, "worker": owner, "started_at": moment}
            for one in claims])
    return claims


def _close(session: Session, claims: Sequence[Claim], outcome: str, error: str | None) -> None:
    """Write the end of these attempts."""
    session.flush()
    session.execute(update(attempts).where(
        attempts.c.source == claims[0].queue.table.name, attempts.c.row_id.in_([claim.id for claim in claims]),
        attempts.c.token == claims[0].token).values(ended_at=now(session), outcome=outcome, error=error))


def _fence(session: Session, claims: Sequence[Claim], **values: Any) -> None:
    if _end(session, claims, **values) != len(claims):
        raise LostLease(f"{claims[0].queue.name}: {len(claims)} rows from {claims[0].id} on are not ours any more")


def _end(session: Session, claims: Sequence[Claim], **values: Any) -> int:
    table = claims[0].queue.table
    result = session.execute(
        update(table).where(table.c.id.in_([claim.id for claim in claims]), table.c.status == "running",
                            table.c.lease_token == claims[0].token)
        .values(lease_owner=None, lease_until=None, **values))
    return cast(CursorResult[Any], result).rowcount


def _release(session: Session, claim: Claim) -> int:
    held = _end(session, [claim], status="waiting", attempts=claim.queue.table.c.attempts - 1)
    if held:
        _close(session, [claim], "returned", None)
    return held


def _lapse(session: Session, queue: Queue, which: ColumnElement[bool], why: str) -> int:
    table = queue.table
    lapsed = select(table.c.id).where(queue.rows("running"), which).with_for_update(skip_locked=True)
    ids = session.execute(lapsed).scalars().all()
    if not ids:
        return 0
    moment, last = now(session), table.c.attempts >= table.c.max_attempts
    session.execute(update(attempts).where(attempts.c.source == table.name, attempts.c.row_id.in_(ids),
                                           attempts.c.ended_at.is_(None)).values(ended_at=moment, outcome="lapsed", error=why))
    session.execute(update(table).where(table.c.id.in_(ids)).values(
        status=case((last, "dead"), else_="waiting"), run_at=moment, lease_owner=None, lease_until=None, last_error=why,
        finished_at=case((last, moment))))
    return len(ids)
