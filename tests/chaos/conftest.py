"""Real workers, a real sweeper and a Valkey of their own, for tests that kill and freeze them. SCALE=10 makes them larger."""
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.extensions import db
from app.jobs.models import Queued, Worker
from app.run.valkey import Valkey
from tests.chaos.started import main
from tests.jobs.conftest import parcel, parcels, send, stored, trial_tables  # noqa: F401  (fixtures)
from tests.jobs.trials import Parcel
from tests.nursery import NURSERY
from tests.wait import wait_for

SCALE = int(os.environ.get("SCALE", "1"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.chaos)
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.timeout(300 * SCALE))


def children(pid: int) -> list[int]:
    """The processes it has forked and that live."""
    found = subprocess.run(["ps", "-o", "pid=,stat=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    rows = (line.split() for line in found.splitlines())
    return [int(child) for child, stat in rows if not stat.startswith("Z")]


def is_there(pid: int) -> bool:
    """Whether the process lives, or at least has not let go of its files."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(found) and not found.startswith("Z")


class Started:
    """A process we started, in a session of its own. It is forked from one that has loaded the application already."""

    def __init__(self, environ: dict[str, str], *args: str) -> None:
        self.process = NURSERY.Process(target=main, args=(environ, *args))
        self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid

    def is_running(self) -> bool:
        return self.process.is_alive()

    def term(self) -> None:
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to it and to all it has forked: the parents first, so that none starts another. Waits until all are gone:

        one that is killed in the middle of a commit may still finish it.
        """
        doomed = [self.pid]
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                doomed += children(pid)
                os.kill(pid, signal.SIGKILL)
        self.process.join()
        wait_for(lambda: not any(is_there(pid) for pid in doomed))

    def wait(self, within: float) -> int | None:
        """Its exit code; None when it is still running after so many seconds."""
        self.process.join(within)
        return self.process.exitcode


@pytest.fixture
def bell(tmp_path: Path) -> Iterator[Valkey]:
    """A Valkey for this test alone, which may be killed."""
    server = Valkey(tmp_path / "bell")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def start(environ: dict[str, str], parcels: object, request: pytest.FixtureRequest,  # noqa: F811
          tmp_path: Path) -> Iterator[Callable[..., Started]]:
    """Start one of our processes: `start("worker", "2")`. It rings at `bell` if the test has one, else Redis is down for it."""
    url = request.getfixturevalue("bell").url if "bell" in request.fixturenames else f"unix://{tmp_path}/nobody.sock?db=0"
    running: list[Started] = []

    def begin(*args: str, **more: str) -> Started:
        running.append(Started(environ | {"REDIS_URL": url} | more, *args))
        return running[-1]

    db.session.rollback()
    yield begin
    for one in running:
        one.kill()


def statuses(model: type[Queued] = Parcel) -> dict[str, int]:
    """How many rows are in which status."""
    db.session.rollback()
    rows = db.session.execute(sa.select(model.status, sa.func.count()).group_by(model.status))
    found = {status: count for status, count in rows}  # noqa: C416
    db.session.rollback()
    return found


def workers() -> list[int]:
    """The process ids of the workers that say that they serve."""
    db.session.rollback()
    names = db.session.execute(sa.select(Worker.name)).scalars().all()
    db.session.rollback()
    return [pid for pid in (int(name.split(":")[1]) for name in names) if os.path.exists(f"/proc/{pid}")]


def workers_ready(count: int) -> None:
    """Wait until so many workers say that they serve."""
    wait_for(lambda: len(workers()) >= count, within=60)
