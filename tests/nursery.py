"""Where processes of tests are forked from: one that has loaded the application already, which takes seconds."""
import os
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from flask.cli import cli

NURSERY = get_context("forkserver")
NURSERY.set_forkserver_preload(["tests.chaos.started"])
NOWHERE = Path(os.devnull)
INSTALLATION = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_URL")


def typed(environ: dict[str, str], *words: object, out: Path = NOWHERE, err: Path = NOWHERE) -> ForkServerProcess:
    """A process that does what `flask --app app …` does as it is typed; what it prints is written to `out` and `err`."""
    process = NURSERY.Process(target=_do, args=(environ, [str(word) for word in words], (str(out), str(err))))
    process.start()
    return process


def ended(process: ForkServerProcess, within: float = 100) -> int | None:
    """Its exit code, once it has ended; None if it takes longer than so many seconds."""
    process.join(within)
    return process.exitcode


def _do(environ: dict[str, str], words: list[str], channels: tuple[str, str]) -> None:
    for name in INSTALLATION:
        os.environ.pop(name, None)
    os.environ.update(environ)
    for channel, path in enumerate(channels, 1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), channel)
    cli.main(args=["--app", "app", *words], prog_name="flask")
