"""A worker of its own that is killed in the middle, and what is left taken up again."""
import os
import signal
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess

from app import create_app
from app.jobs.drain import drain as drain_queue
from app.jobs.queue import expire
from app.jobs.work import heavy
from tests.nursery import NURSERY
from tests.wait import wait_for


def worker(environ: dict[str, str]) -> ForkServerProcess:
    """A process that works off what is heavy."""
    process = NURSERY.Process(target=_work, args=(environ,))
    process.start()
    return process


def _work(environ: dict[str, str]) -> None:
    os.setsid()
    os.environ.update(environ)
    with create_app().app_context():
        drain_queue(heavy.name)


def killed_when(process: ForkServerProcess, condition: Callable[[], object]) -> None:
    wait_for(condition, within=60)
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.join()


def work_off(drain: Callable[[], int]) -> None:
    """Once the lease of the dead worker has lapsed."""
    wait_for(lambda: expire(heavy))
    drain()
