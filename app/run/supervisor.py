"""One process that keeps the others going: Valkey, web server, workers, sweeper. It starts them, restarts them, ends them."""
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import partial
from typing import TextIO

import structlog
from flask import Flask
from sqlalchemy.exc import OperationalError
from structlog.contextvars import clear_contextvars

from app.config import Config, load
from app.errors import Misconfigured, Problem
from app.fakes import lab
from app.jobs import process
from app.jobs.keeper import Place, keep
from app.jobs.pool import SILENT_HEAVY, Pool
from app.jobs.sweep import Sweeper
from app.jobs.worker import places
from app.run import canary, first_start, tables, web
from app.run.valkey import Valkey

log = structlog.get_logger()
Make = Callable[[Config], Flask]


def main(make: Make) -> int:
    """Everything on this machine, with the application that `make` makes, until told to stop.

    Returns the exit code; what is wrong is one sentence on stderr.
    """
    try:
        with ExitStack() as stack:
            _run(make, load(), stack)
    except Problem as problem:
        print(" ".join([problem.detail or problem.title, *problem.errors.values()]), file=sys.stderr)  # noqa: T201
        return 1
    except OperationalError as error:
        print(tables.unreachable(error).detail, file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 1
    return 0


def _run(make: Make, settings: Config, stack: ExitStack) -> None:
    here = _only_here(settings, stack)
    listener = stack.enter_context(web.listen(settings.host, settings.port))
    settings = lab.opened(replace(settings, port=listener.getsockname()[1]))
    pretending = stack.enter_context(lab.listen(settings)) if lab.is_offered(settings) else None
    app = make(settings)
    valkey = _start_valkey(settings, stack)
    password = _prepare(app, settings, pretending)
    clear_contextvars()  # of the requests the demo made: the children would go on logging them
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: process.stop())
    _announce(settings, password)
    pool = Pool(app, settings.instance_dir / "pulses")
    keep(pool, _places(app, settings, pool, listener, here, pretending), partial(_turn, listener, valkey))
    _say("Stopped.")


def _only_here(settings: Config, stack: ExitStack) -> TextIO:
    """Two of us in one folder would fight over the Valkey. The lock ends with this process, however it ends."""
    file = stack.enter_context(open(settings.instance_dir / "running", "a"))  # noqa: SIM115
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        raise Misconfigured(f"Backroom already runs in {settings.instance_dir}. Stop it first, or set INSTANCE_DIR to another "
                            "folder.") from None
    return file


def _prepare(app: Flask, settings: Config, pretending: socket.socket | None) -> str | None:
    with app.app_context():
        tables.bring_up_to_date()
        canary.check()
        password = first_start.welcome(settings, _say)
        if pretending is not None:
            lab.connect(pretending.getsockname()[1], anew=password is not None)
        return password


def _start_valkey(settings: Config, stack: ExitStack) -> Valkey | None:
    if settings.redis_url is not None:
        return None
    valkey = Valkey(settings.instance_dir / "valkey", settings.socket_path)
    valkey.start()
    stack.callback(valkey.stop)
    return valkey


def _places(app: Flask, settings: Config, pool: Pool, listener: socket.socket, here: TextIO,
            pretending: socket.socket | None) -> list[Place]:
    """The children. None keeps our lock, and the web server alone keeps the port."""
    server = Place(pool, "web server", partial(web.serve, app, settings, listener))
    server.body = partial(_without, [here], server.body)
    others = [*places(pool, settings.workers, max(1, settings.workers // 2)),
              Place(pool, "sweeper", Sweeper(app, pool.folder).run, SILENT_HEAVY)]
    if pretending is not None:
        others.append(Place(pool, "pretend providers", partial(lab.serve, app, settings, pretending)))
    for place in others:
        place.body = partial(_without, [here, listener], place.body)
    return [server, *others]


def _without(inherited: Sequence[TextIO | socket.socket], body: Callable[[], object]) -> None:
    for one in inherited:
        one.close()
    body()


def _turn(listener: socket.socket, valkey: Valkey | None) -> None:
    if process.stopping():
        listener.close()  # from now on the port refuses, while what was begun is finished
    elif valkey is not None and not valkey.is_running:
        log.warning("child.died", child="Valkey", then="starting it again; what it forgot, the sweeper rings for")
        valkey.start()


def _announce(settings: Config, password: str | None) -> None:
    _say(f"Backroom is at {settings.address}")
    if password is not None:
        _say(f"  Sign in as {first_start.ADMIN} with the password {password}\n"
             "  It is shown this once. Change it under Settings.")
    _say("  Ctrl-C stops everything.")


def _say(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201
