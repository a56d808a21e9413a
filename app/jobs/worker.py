"""A worker: an RQ SimpleWorker that drains a queue when its bell rings. It is a child of a pool."""
import logging
import time
from types import FrameType
from typing import Any

import structlog
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue, SimpleWorker
from rq.timeouts import BaseDeathPenalty

from app.config import config
from app.jobs import presence, process, queues
from app.jobs.keeper import Place
from app.jobs.pool import SILENT_HEAVY, Pool
from app.jobs.ring import PATIENCE

log = structlog.get_logger()
MESSAGES = 2_000       # a light worker makes room for a fresh one after so many
HEARTBEAT = 30         # seconds; a worker without messages says every half of it that it is alive
FIRST_WAIT, LONGEST_WAIT = 0.5, 5.0    # seconds until Redis is asked again
LOOK = 0.1


class NoDeathPenalty(BaseDeathPenalty):
    """The pool sees to time limits, from outside."""

    def setup_death_penalty(self) -> None:
        """Nothing: no alarm interrupts a transaction."""

    def cancel_death_penalty(self) -> None:
        """Nothing."""


class Listener(SimpleWorker):
    """Waits for bells. Stops between two batches; a second signal gives back what is in hand."""

    death_penalty_class = NoDeathPenalty
    max_connection_wait_time = 2.0
    log_result_lifespan = False
    once = False     # leave after the first drain that found work

    def subscribe(self) -> None:
        """No commands by Redis: what a job may do is decided by rows."""

    def unsubscribe(self) -> None:
        """Nothing to end."""

    def request_stop(self, signum: Any, frame: FrameType | None) -> None:
        process.stop()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def execute_job(self, job: Any, queue: Any) -> None:
        super().execute_job(job, queue)
        if self.once and presence.done:
            self._stop_requested = True

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        presence.seen()
        super().heartbeat(timeout, pipeline=pipeline)


def listen(names: list[str], *, once: bool = False) -> None:
    """Serve these queues until told to stop, until it is time for a fresh process, or, if `once`, until something was done."""
    logging.getLogger("rq").setLevel(logging.CRITICAL)
    presence.arrive(names)
    wait = FIRST_WAIT
    while not process.stopping():
        try:
            _listener(names, once).work(logging_level="CRITICAL", max_jobs=MESSAGES)
            break
        except RedisError as error:
            log.warning("worker.no_redis", error=str(error))
            _pause(wait)
            wait = min(wait * 2, LONGEST_WAIT)
    presence.leave()


def places(pool: Pool, light: int, heavy: int) -> list[Place]:
    """So many workers for what goes quickly, and so many for heavy jobs, one job a process."""
    quick = [queue.name for queue in queues.registered() if not queue.heavy]
    slow = [queue.name for queue in queues.registered() if queue.heavy]
    return [*(Place(pool, "worker", lambda: listen(quick)) for _ in range(light)),
            *(Place(pool, "heavy worker", lambda: listen(slow, once=True), SILENT_HEAVY) for _ in range(heavy))]


def _listener(names: list[str], once: bool) -> Listener:
    client = Redis.from_url(config().redis, socket_connect_timeout=max(PATIENCE, 1.0), retry=Retry(NoBackoff(), 0))
    found = Listener([Queue(name, connection=client, serializer="json") for name in names], connection=client, serializer="json",
                     name=process.name().replace(":", "-"), worker_ttl=HEARTBEAT, log_job_description=False)
    found.once = once
    return found


def _pause(seconds: float) -> None:
    until = time.monotonic() + seconds
    while not process.stopping() and time.monotonic() < until:
        time.sleep(LOOK)
