"""This process as a worker: what it is called, whether it should stop, its pulse, and until when its present work may take.

The pulse is a file that a thread touches every second. Whoever started the process kills it when the file falls silent (it
hangs, holding locks) or when the moment written in it has passed (its work takes too long).
"""
import os
import secrets
import signal
import socket
import threading
import time
from pathlib import Path

BEAT = 1.0      # seconds between two touches
_stopping = threading.Event()
_name = ""
_pulse: Path | None = None


def name() -> str:
    """Who holds the leases of this process: host, process id and a random part, so that no two ever share it."""
    global _name
    if not _name.startswith(called(os.getpid(), "")):
        _name = called(os.getpid(), secrets.token_hex(4))
    return _name


def called(pid: int, random_part: str) -> str:
    return f"{socket.gethostname()}:{pid}:{random_part}"


def born(random_part: str, pulse: Path) -> None:
    """This process is a child of a pool, which knows its name and watches its pulse."""
    global _name, _pulse
    _name, _pulse = called(os.getpid(), random_part), pulse
    _stopping.clear()
    threading.Thread(target=_beat, args=(pulse,), daemon=True, name="pulse").start()


def stop() -> None:
    """Ask this process to stop after the work in hand. Safe in a signal handler."""
    _stopping.set()


def stopping() -> bool:
    return _stopping.is_set()


def may_take(seconds: float | None) -> None:
    """The work that begins now must end within so many seconds; None: there is none. The pool sees to it."""
    if _pulse is not None:
        _pulse.write_text("" if seconds is None else repr(time.monotonic() + seconds))


def orphaned(parent: int) -> bool:
    """Whether the process that started us is gone; then nobody watches us, and somebody else does our work."""
    return os.getppid() != parent


def _beat(pulse: Path) -> None:
    parent, told = os.getppid(), False
    while pulse.exists():
        os.utime(pulse)
        if not told and orphaned(parent):
            told = True
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(BEAT)
