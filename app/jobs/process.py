"""This process as a worker: what it is called, whether it should stop, its pulse, and until when its present work may take.

The pulse is a file that a thread touches every second. Whoever started the process kills it when the file falls silent (it
hangs, holding locks) or when the moment written in it has passed (its work takes too long).
"""
import os
import secrets
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
    if not _name.startswith(f"{socket.gethostname()}:{os.getpid()}:"):
        _name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
    return _name


def born(name: str, pulse: Path) -> None:
    """This process is a child of a pool, which gave it its name and a file for its pulse."""
    global _name, _pulse
    _name, _pulse = name, pulse
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


def _beat(pulse: Path) -> None:
    parent = os.getppid()
    while True:
        try:
            os.utime(pulse)
        except OSError:
            return
        if os.getppid() != parent:  # whoever watched us is gone
            _stopping.set()
        time.sleep(BEAT)
