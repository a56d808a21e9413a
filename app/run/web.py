"""The web server: gunicorn on a socket that is open already, in a child that has the application loaded."""
import socket
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from app.config import Config
from app.errors import Misconfigured

BACKLOG = 2048
THREADS = 16    # those that come together share a commit: more of them, fewer commits
LONGEST_LINE = 8190      # bytes: a list may be asked for many values at once; a longer address is answered 414
GRACE = 6      # seconds a request in flight has to finish


def listen(host: str, port: int) -> socket.socket:
    """Take the port. Raises Misconfigured when somebody else has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        raise Misconfigured(f"Port {port} on {host} cannot be used ({error.strerror}). "
                            f"Stop what runs there, or choose another: PORT={port + 1}") from None
    return taken


def serve(app: Flask, settings: Config, listener: socket.socket) -> None:
    """Answer requests until told to stop. Never returns: gunicorn ends the process."""
    _Gunicorn(app, {
        "bind": [f"fd://{listener.fileno()}"], "workers": settings.web_workers, "worker_class": "gthread", "threads": THREADS,
        "keepalive": 5, "graceful_timeout": GRACE, "timeout": 30, "backlog": BACKLOG, "limit_request_line": LONGEST_LINE,
        "loglevel": "warning", "accesslog": None,
        "errorlog": "-", "control_socket_disable": True, "proc_name": "backroom", "forwarded_allow_ips": "",
    }).run()


class _Gunicorn(BaseApplication):
    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self._app, self._options = app, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app
