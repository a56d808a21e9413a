"""A worker of its own that is killed in the middle, and what is left taken up again."""
import os
import signal
import subprocess
import sys
from collections.abc import Callable

from app.config import ROOT
from app.jobs.queue import expire
from app.jobs.work import heavy
from tests.wait import wait_for

WORKER = ("from app import create_app\nfrom app.jobs.drain import drain\n"
          "app = create_app()\nwith app.app_context(): drain('heavy')\n")


def worker(environ: dict[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", WORKER], cwd=ROOT, env=os.environ | environ, start_new_session=True)


def killed_when(process: "subprocess.Popen[bytes]", condition: Callable[[], object]) -> None:
    wait_for(condition, within=60)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def work_off(drain: Callable[[], int]) -> None:
    """Once the lease of the dead worker has lapsed."""
    wait_for(lambda: expire(heavy))
    drain()
