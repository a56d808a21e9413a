"""Keeping places filled: a child that dies is followed by another, later and later if they die young."""
import time
from collections.abc import Callable, Sequence

import structlog

from app.jobs import process
from app.jobs.pool import SILENT, Child, Pool

log = structlog.get_logger()
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0   # seconds until a child that died is started again
STOP_SECONDS = 7.5
LOOK = 0.1


class Place:
    """One child's place in a pool."""

    def __init__(self, pool: Pool, role: str, body: Callable[[], object], patience: float = SILENT) -> None:
        self.pool, self.role, self.body, self.patience = pool, role, body, patience
        self.child: Child | None = None
        self._falls = 0
        self._not_before = 0.0

    def fill(self) -> None:
        """Start a child if there is none and it is time."""
        if self.child is None and time.monotonic() >= self._not_before:
            self.child = self.pool.fork(self.role, self.body, self.patience)

    def heed(self, ended: Child) -> None:
        """Note that a child ended; only a death counts, not an end."""
        if ended is not self.child:
            return
        self.child = None
        if ended.code == 0:
            self._falls, self._not_before = 0, 0.0
            return
        self._falls = self._falls + 1 if time.monotonic() < ended.started + LONGEST_WAIT else 1
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (self._falls - 1))
        self._not_before = time.monotonic() + wait
        log.warning("child.died", child=self.role, pid=ended.pid, why=ended.end, next_in_seconds=wait)


def keep(pool: Pool, places: Sequence[Place], also: Callable[[], object] = lambda: None) -> None:
    """Keep the places filled until told to stop, then stop the children. `also` is called at every turn."""
    while not process.stopping():
        for place in places:
            place.fill()
        for ended in pool.watch():
            for place in places:
                place.heed(ended)
        also()
        time.sleep(LOOK)
    pool.stop(STOP_SECONDS)
