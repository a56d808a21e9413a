"""Draining: claim, work, claim again, until nothing is due. The same loop in RQ workers, in the command, and in tests."""
import time
from collections.abc import Sequence

import structlog
from flask import current_app

from app.extensions import db
from app.jobs import presence, process, queues
from app.jobs.heart import Heart
from app.jobs.queue import Claim, LostLease, Queue, claim, due, fail, release
from app.jobs.ring import SECONDS_A_DRAIN, ring
from app.jobs.work import Stopped
from app.transaction import transaction

log = structlog.get_logger()
ROWS_A_DRAIN = 500


def answer(name: str) -> int:
    """What a worker does when the bell rings: drain for a while, and ring again if there is more. Returns how many rows."""
    queue = queues.named(name)
    count = drain(name, rows=1 if queue.heavy else ROWS_A_DRAIN, seconds=SECONDS_A_DRAIN)
    if count and _more(queue):
        ring(name)
    return count


def drain(name: str, *, rows: int | None = None, seconds: float | None = None) -> int:
    """Work off what is due in this queue, in this process; returns how many rows were tried.

    Ends after so many rows or seconds, or when the process is asked to stop: with the batch in hand finished or given back.
    """
    queue, count, started = queues.named(name), 0, time.monotonic()
    while not process.stopping():
        if rows is not None and count >= rows or seconds is not None and time.monotonic() > started + seconds:
            break
        with current_app.app_context():  # a session of its own, for this batch alone
            claims = claim(queue, process.name())
            if not claims:
                break
            count += len(claims)
            presence.done += len(claims)
            settle(claims)
    return count


def settle(claims: Sequence[Claim]) -> None:
    """Work on these claims until each has ended, one way or the other."""
    try:
        with Heart(claims):
            _together(list(claims))
    except (SystemExit, KeyboardInterrupt):
        _give_back(claims)
        raise
    finally:
        process.may_take(None)


def _together(claims: list[Claim]) -> None:
    try:
        _work(claims)
    except LostLease as error:
        log.warning("lease.lost", queue=claims[0].queue.name, error=str(error))
        if len(claims) > 1:
            _alone(claims)
    except Stopped:
        _give_back(claims)
    except Exception as error:
        if len(claims) > 1:
            _alone(claims)
        else:
            _failed(claims[0], error)


def _alone(claims: list[Claim]) -> None:
    """One of a batch failed: try each by itself, so that it alone is at fault."""
    for index, one in enumerate(claims):
        if process.stopping():
            _give_back(claims[index:])
            break
        _together([one])


def _work(claims: list[Claim]) -> None:
    process.may_take(claims[0].queue.seconds)
    claims[0].queue.process(claims)


def _failed(one: Claim, error: Exception) -> None:
    db.session.rollback()
    log.warning("work.failed", queue=one.queue.name, row=one.id, attempt=one.attempt, error=f"{type(error).__name__}: {error}")
    try:
        with transaction() as session:
            fail(session, one, error)
    except LostLease as lost:
        log.warning("lease.lost", queue=one.queue.name, row=one.id, error=str(lost))


def _give_back(claims: Sequence[Claim]) -> None:
    with transaction() as session:
        release(session, claims)


def _more(queue: Queue) -> bool:
    with current_app.app_context():
        return due(db.session(), queue)
