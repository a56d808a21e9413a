"""The sweeper: what was forgotten, dropped or left behind comes back within a few seconds. Any number of them may run."""
import os
import time
from pathlib import Path

import structlog
from flask import Flask

from app.config import config
from app.extensions import db
from app.jobs import presence, process, queues, schedules
from app.jobs.drain import drain
from app.jobs.pool import SILENT, SILENT_HEAVY, Pool
from app.jobs.queue import Queue, due, expire
from app.jobs.ring import answers, ring
from app.transaction import apart

log = structlog.get_logger()
STOP_SECONDS = 7.0
LOOK = 0.1
ROWS_A_CHILD = 2_000


def sweep() -> dict[str, int]:
    """One round: lapsed leases back, schedules fired, bells rung for what is due. Returns what it did; safe to race."""
    expired = sum(expire(queue) for queue in queues.registered())
    fired = schedules.fire()
    with apart() as connection:
        presence.forget(connection)
    rung = sum(ring(queue.name) for queue in waiting())
    return {"expired": expired, "fired": fired, "rung": rung}


def waiting() -> list[Queue]:
    """The queues in which something is due."""
    session = db.session()
    found = [queue for queue in queues.registered() if due(session, queue)]
    session.rollback()
    return found


class Sweeper:
    """Sweeps every few seconds until told to stop. While Redis is down, its children do the work, under the same limits."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app = app
        self.pool = Pool(app, folder)
        self.is_alone = False        # Redis is down

    def run(self) -> None:
        with self.app.app_context():
            schedules.declare()
        parent, at = os.getppid(), 0.0
        while not process.stopping() and not process.orphaned(parent):
            if time.monotonic() >= at:
                at = time.monotonic() + self.app.extensions["backroom.config"].sweep_seconds
                self._turn()
            for child in self.pool.watch():
                if child.code != 0:
                    log.warning("worker.died", worker=child.role, pid=child.pid, why=child.end)
            time.sleep(LOOK)
        self.pool.stop(STOP_SECONDS)

    def _turn(self) -> None:
        """One round. Whatever goes wrong in it, the next one comes."""
        try:
            with self.app.app_context():
                sweep()
                self._stand_in([] if self._hears() else waiting())
        except Exception:
            log.exception("sweep.failed")

    def _hears(self) -> bool:
        is_alone = not answers()
        if is_alone != self.is_alone:
            log.warning("sweep.redis_is_down" if is_alone else "sweep.redis_is_back", redis=config().redis)
        self.is_alone = is_alone
        return not is_alone

    def _stand_in(self, due_now: list[Queue]) -> None:
        """A child for the light queues and one for the heavy ones, if there is work and none is at it."""
        busy = {child.role for child in self.pool.children}
        for role, heavy in (("stand-in", False), ("heavy stand-in", True)):
            names = [queue.name for queue in due_now if queue.heavy == heavy]
            if names and role not in busy:
                self.pool.fork(role, lambda names=names, heavy=heavy: work_off(names, 1 if heavy else ROWS_A_CHILD),  # type: ignore[misc]
                               SILENT_HEAVY if heavy else SILENT)


def work_off(names: list[str], rows: int | None = None) -> int:
    """Drain these queues in this process; returns how many rows were tried."""
    presence.arrive(names)
    count = sum(drain(name, rows=rows) for name in names)
    presence.leave()
    return count
