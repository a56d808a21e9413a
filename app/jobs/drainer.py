"""Working everything off without Redis: one child after the other, under the limits workers have, until nothing is due."""
import time

from flask import Flask
from sqlalchemy import func, select

from app.config import config
from app.extensions import db
from app.jobs import process, queues
from app.jobs.pool import SILENT, SILENT_HEAVY, Pool
from app.jobs.queue import expire
from app.jobs.sweep import waiting, work_off

STOP_SECONDS = 7.0
LOOK = 0.02


def work_off_all(app: Flask) -> None:
    """Drain until nothing is due, or until told to stop. A row that kills its child is tried again until it is dead."""
    pool = Pool(app, config().instance_dir / "pulses")
    while not process.stopping():
        for queue in queues.registered():
            expire(queue)
        due = waiting()
        if not due:
            break
        heavy = due[0].heavy
        names = [queue.name for queue in due if queue.heavy == heavy]
        pool.fork("drain", lambda names=names, heavy=heavy: work_off(names, 1 if heavy else None),  # type: ignore[misc]
                  SILENT_HEAVY if heavy else SILENT)
        _wait(pool)
    pool.stop(STOP_SECONDS)


def left() -> dict[str, int]:
    """How many rows of all queues have ended, wait, and are dead."""
    session = db.session()
    counts: dict[str, int] = {"ended": 0, "waiting": 0, "dead": 0}
    for table in {queue.table for queue in queues.registered()}:
        for status, count in session.execute(select(table.c.status, func.count()).group_by(table.c.status)):
            counts["ended"] += count if status in ("done", "dead", "cancelled") else 0
            counts["waiting"] += count if status == "waiting" else 0
            counts["dead"] += count if status == "dead" else 0
    session.rollback()
    return counts


def _wait(pool: Pool) -> None:
    while pool.children and not process.stopping():
        pool.watch()
        time.sleep(LOOK)
