"""Children forked from a process that has loaded the application and does nothing else: watched, killed when they hang, reaped.

What a child held when it died goes back to its queue at once. Freezing, running too long and dying are told apart in the words
the attempt keeps.
"""
import os
import random
import secrets
import signal
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from flask import Flask

from app.extensions import db
from app.jobs import process, queues
from app.jobs.queue import lapse

log = structlog.get_logger()
SILENT = 10.0        # seconds without a pulse until a child counts as frozen
SILENT_HEAVY = 30.0  # the same for a heavy one, which may sit in a long call that lets no thread run


@dataclass
class Child:
    """A process we started."""

    pid: int
    role: str
    name: str                  # the owner of its leases
    pulse: Path
    patience: float
    started: float = field(default_factory=time.monotonic)
    code: int | None = None    # its exit code once it ended, minus the signal that killed it
    why: str = ""              # we killed it
    _touched: float = 0.0
    _heard: float = field(default_factory=time.monotonic)

    def is_silent(self) -> bool:
        """Whether its pulse stopped, by our clock; a suspended machine or a pause of ours does not count."""
        touched = self.pulse.stat().st_mtime
        if touched != self._touched:
            self._touched, self._heard = touched, time.monotonic()
        return time.monotonic() > self._heard + self.patience

    def is_overdue(self) -> bool:
        limit = self.pulse.read_text()
        return bool(limit) and time.monotonic() > float(limit)

    def kill(self, why: str) -> None:
        self.why = why
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    @property
    def end(self) -> str:
        """How it ended, in words."""
        if self.why:
            return self.why
        if self.code is not None and self.code < 0:
            return f"The worker was killed by {signal.Signals(-self.code).name}."
        return f"The worker ended with exit code {self.code}."


class Pool:
    """Forks children and looks after them. The process it lives in stays single-threaded."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self.app = app
        self.folder = folder
        self.children: list[Child] = []
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def fork(self, role: str, body: Callable[[], object], patience: float = SILENT) -> Child:
        """Start a child that runs `body` within the application and ends."""
        token = secrets.token_hex(4)
        pulse = self.folder / f"{token}.pulse"
        pulse.touch(mode=0o600)
        self._let_go()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of Python 3.12: the only other thread touches a file
            pid = os.fork()
        if pid == 0:
            self._live(body, token, pulse)
        child = Child(pid, role, process.called(pid, token), pulse, patience)
        self.children.append(child)
        return child

    def watch(self) -> list[Child]:
        """Kill those that hang or take too long, reap those that ended and put back what they held; returns the ended."""
        ended = []
        for child in list(self.children):
            if not self._reaped(child):
                self._judge(child)
                continue
            ended.append(child)
            self.children.remove(child)
            child.pulse.unlink(missing_ok=True)
            if child.code != 0:
                self._put_back(child)
        return ended

    def stop(self, seconds: float) -> None:
        """Ask all to stop, wait so long, kill the rest."""
        for child in self.children:
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGTERM)
        until = time.monotonic() + seconds
        while self.children and time.monotonic() < until:
            self.watch()
            time.sleep(0.02)
        for child in self.children:
            child.kill("The worker was stopped and did not finish in time.")
        while self.children:
            self.watch()
            time.sleep(0.02)

    def _live(self, body: Callable[[], object], token: str, pulse: Path) -> None:
        """The child's whole life; never returns."""
        code = 1
        try:
            os.setsid()  # Ctrl-C reaches the pool alone, which stops its children in good order
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, lambda *_: process.stop())
            random.seed()
            process.born(token, pulse)
            with self.app.app_context():
                body()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else bool(end.code)
        except BaseException:
            log.exception("child.failed")
        finally:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _let_go(self) -> None:
        """No connection crosses a fork."""
        with self.app.app_context():
            db.session.remove()
            db.engine.dispose()

    def _reaped(self, child: Child) -> bool:
        try:
            pid, status = os.waitpid(child.pid, os.WNOHANG)
        except ChildProcessError:
            pid, status = child.pid, 0
        if pid:
            child.code = os.waitstatus_to_exitcode(status)
        return bool(pid)

    def _judge(self, child: Child) -> None:
        if child.is_silent():
            child.kill("The worker was frozen and had to be killed.")
        elif child.is_overdue():
            child.kill("It took longer than it may and was stopped.")

    def _put_back(self, child: Child) -> None:
        try:
            with self.app.app_context():
                for queue in queues.registered():
                    lapse(queue, child.name, child.end)
            self._let_go()
        except Exception as error:  # then its leases lapse by themselves
            log.warning("pool.not_put_back", worker=child.name, error=str(error))
