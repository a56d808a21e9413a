"""The API as several processes serve it: a request sent at once, again, or into a crash is done once; rates hold without Redis."""
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from app.audit import COMMAND_LINE
from app.config import ROOT
from app.records import rates
from app.run.valkey import Valkey
from app.transaction import transaction
from tests.records import gate
from tests.records.dying import HEADER
from tests.wait import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
PROCESSES = 8
ADA = {"email": "ada@acme.example", "name": "Ada"}


@contextmanager
def serving(environ: dict[str, str], log: Path, processes: int, **more: str) -> Iterator[str]:
    """The address of the API, served by so many processes of gunicorn."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("w") as output:
        process = subprocess.Popen([sys.executable, "-m", "gunicorn", "--preload", "-w", str(processes), "--no-control-socket", "--graceful-timeout", "3",
                                    "-b", f"127.0.0.1:{port}", "tests.records.dying:make()"], cwd=ROOT,
                                   env={**os.environ, **environ, **more, "PYTHONWARNINGS": ""}, stdout=output, stderr=output)
    try:
        wait_for(lambda: _is_up(port, process, log), within=120)
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        process.terminate()
        process.wait(100)


def _is_up(port: int, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=30).ok
    except requests.ConnectionError:
        return False


@pytest.fixture
def api(app, environ, tmp_path) -> Iterator[str]:
    with serving(environ, tmp_path / "log", PROCESSES) as address:
        yield address


@pytest.fixture
def send(api, token) -> Callable[..., requests.Response]:
    bearer = {"Authorization": f"Bearer {token('operator')}"}

    def post(key: str, body: dict[str, str] = ADA, path: str = "/customers", **headers: str) -> requests.Response:
        return requests.post(f"{api}{path}", json=body, headers={**bearer, "Idempotency-Key": key, **headers}, timeout=100)
    return post


def test_one_key_is_one_record_whoever_answers_and_whoever_is_killed(send):
    """Sent eight times at once to eight processes; again after one died between commit and answer; again after one died before."""
    with ThreadPoolExecutor(PROCESSES) as pool:
        at_once = list(pool.map(lambda _: send("at-once"), range(PROCESSES)))
    assert {(one.status_code, one.text, one.headers["ETag"], one.headers["Location"]) for one in at_once} == {
        (201, at_once[0].text, '"1"', at_once[0].headers["Location"])}
    assert sum("Idempotent-Replayed" not in one.headers for one in at_once) == 1

    bob = {"email": "bob@acme.example"}
    with pytest.raises(requests.ConnectionError):
        send("killed", bob, **{HEADER: "before answer"})
    assert [row["email"] for row in gate.rows("customers")] == [ADA["email"], bob["email"]]     # it was done, and nobody was told
    again = [send("killed", bob) for _ in range(2)]
    assert {(one.status_code, one.text, one.headers["Idempotent-Replayed"]) for one in again} == {(201, again[0].text, "true")}
    assert again[0].json()["email"] == bob["email"]

    eve = {"email": "eve@acme.example"}
    with pytest.raises(requests.ConnectionError):
        send("too-early", eve, **{HEADER: "before commit"})
    assert len(gate.rows("customers")) == 2
    first = send("too-early", eve)
    assert (first.status_code, "Idempotent-Replayed" in first.headers) == (201, False)
    assert sorted(row["email"] for row in gate.rows("customers")) == [ADA["email"], bob["email"], eve["email"]]
    assert send("killed", eve).status_code == 422


@pytest.mark.alike
def test_while_redis_is_away_each_process_counts_for_itself_and_one_too_many_still_waits(app, token, environ, tmp_path):
    with transaction() as session:
        rates.RATE.set(session, 10, by=COMMAND_LINE)
    bearer = {"Authorization": f"Bearer {token('operator')}"}
    valkey = Valkey(tmp_path / "valkey")
    valkey.start()
    try:
        with serving(environ, tmp_path / "log", 1, REDIS_URL=valkey.url) as address:
            def ask() -> requests.Response:
                return requests.get(f"{address}/customers", headers=bearer, timeout=100)

            assert [ask().headers["RateLimit-Remaining"] for _ in range(3)] == ["9", "8", "7"]
            valkey.stop()
            alone = [ask() for _ in range(12)]
            assert [one.status_code for one in alone] == [200] * 10 + [429] * 2
            assert [one.headers["RateLimit-Limit"] for one in alone] == ["10"] * 12
            refused = alone[-1]
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert (refused.json()["status"], refused.json()["request_id"]) == (429, refused.headers["X-Request-Id"])
            assert refused.headers["RateLimit-Remaining"] == "0"
            assert 1 <= int(refused.headers["Retry-After"]) <= 61
            valkey.start()
            assert wait_for(lambda: ask().headers["RateLimit-Remaining"] != "0", within=60)     # what Redis counted holds again
    finally:
        valkey.stop()
