"""`python app.py`, whole: it comes up, loses a child and replaces it, and goes down in time."""
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from http.cookiejar import CookieJar

import pytest

from app import create_app
from app.config import ROOT
from app.run import supervisor
from tests.wait import wait_for


class Backroom:
    """A running installation in a folder of its own."""

    def __init__(self, folder, port=None, name="first"):
        self.folder, self.port = folder, port or free_port()
        self.out, self.err = folder / f"{name}-out.txt", folder / f"{name}-err.txt"
        clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")}
        env = clean | {"INSTANCE_DIR": str(folder / "instance"), "PORT": str(self.port), "DEMO": "0", "WORKERS": "1", "WEB_WORKERS": "1",
                       "SWEEP_SECONDS": "0.5", "LEASE_SECONDS": "5"}
        with open(self.out, "w") as out, open(self.err, "w") as err:
            self.process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=env, stdout=out, stderr=err, start_new_session=True)

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def up(self):
        wait_for(lambda: self.process.poll() is not None or self.get("/readyz")[0] == 200, within=60)
        assert self.process.poll() is None, self.err.read_text()

    def has_redis(self):
        return '"redis":"ok"' in self.get("/readyz")[1].replace(" ", "")

    def rows(self, query):
        with closing(sqlite3.connect(self.folder / "instance" / "backroom.db", timeout=10)) as connection:
            return connection.execute(query).fetchall()

    def workers(self):
        return [int(name.split(":")[1]) for name, in self.rows("SELECT name FROM workers ORDER BY started_at")]

    def stop(self, sign=signal.SIGTERM):
        began = time.monotonic()
        self.process.send_signal(sign)
        code = self.process.wait(20)
        return code, time.monotonic() - began


@pytest.fixture
def start(tmp_path):
    running = []

    def begin(**options):
        running.append(Backroom(tmp_path, **options))
        return running[-1]
    yield begin
    for one in running:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture
def refused(monkeypatch, capsys):
    """What is said when it does not start in this environment; in this process, since it ends before it has forked any."""
    def say(environ):
        for name in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        assert supervisor.main(create_app) == 1
        said = capsys.readouterr()
        assert said.out == ""
        return said.err
    return say


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_alive(pid):
    """Whether the process is there, and not only waits for its parent to notice its death."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(found) and not found.startswith("Z")


@pytest.mark.timeout(300)
def test_it_comes_up_replaces_what_is_killed_and_goes_down_in_time(start):
    room = start()
    room.up()
    assert room.has_redis()
    said = room.out.read_text()
    assert f"Backroom is at http://127.0.0.1:{room.port}" in said
    assert signs_in(room, found(r"Sign in as admin@example.com with the password (\S+)", said))

    wait_for(lambda: len(room.workers()) == 2)       # one for what goes quickly, one for what does not
    before = room.workers()
    valkey, = map(int, subprocess.run(["pgrep", "-f", f"unixsocket:{room.folder}"], capture_output=True, text=True).stdout.split())
    for pid in (*before, valkey):
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len([pid for pid in room.workers() if is_alive(pid)]) == 2)
    alive = [pid for pid in room.workers() if is_alive(pid)]
    assert not set(before) & set(alive)
    wait_for(room.has_redis)
    log = room.err.read_text()
    assert "killed by SIGKILL" in log
    assert "Valkey" in log

    code, seconds = room.stop()
    assert (code, seconds < 10) == (0, True)
    assert not any(map(is_alive, alive))
    assert room.get("/healthz")[0] == 0
    assert "Traceback" not in room.err.read_text()


@pytest.mark.timeout(300)
def test_killed_itself_it_leaves_nobody_behind_and_starts_again(start, tmp_path, refused):
    room = start()
    room.up()
    wait_for(lambda: len(room.workers()) == 2)
    alive = room.workers()
    os.kill(room.process.pid, signal.SIGKILL)
    room.process.wait()
    wait_for(lambda: not any(map(is_alive, alive)), within=20)
    wait_for(lambda: room.get("/healthz")[0] == 0, within=20)

    again = start(port=room.port)
    again.up()
    assert "password" not in again.out.read_text()      # said once

    here = {"INSTANCE_DIR": str(tmp_path / "instance"), "PORT": "0"}
    assert refused(here) == f"Backroom already runs in {tmp_path}/instance. Stop it first, or set INSTANCE_DIR to another folder.\n"

    assert again.stop(signal.SIGINT)[0] == 0
    (tmp_path / "instance" / "secret_key").write_text("another key that was never used")
    assert refused(here).startswith("SECRET_KEY is not the key this installation was set up with")


@pytest.mark.parametrize(("environ", "sentence"), [
    ({"DATABASE_URL": "mysql://localhost/x"}, "Backroom runs on PostgreSQL"),
    ({"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x", "SECRET_KEY": "k" * 32}, "The database cannot be reached"),
    ({"DATABASE_URL": "postgresql://u:p@127.0.0.1:1/x"}, "SECRET_KEY is missing"),
    ({"INSTANCE_DIR": "/proc/nowhere"}, "cannot be written"),
    ({"REDIS_URL": "http://x"}, "REDIS_URL must begin with redis://"),
    ({"PORT": "many"}, "PORT is 'many'"),
])
def test_what_is_set_wrongly_is_one_sentence_and_exit_code_1(tmp_path, refused, environ, sentence):
    said = refused({"INSTANCE_DIR": str(tmp_path), "PORT": "0"} | environ)
    assert sentence in said
    assert len(said.splitlines()) == 1


def test_a_port_that_is_taken_is_said_by_the_command_itself(tmp_path, refused):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refused({"INSTANCE_DIR": str(tmp_path), "PORT": str(port)})
    assert said.startswith(f"Port {port} on 127.0.0.1 cannot be used")
    assert len(said.splitlines()) == 1


def found(pattern, text):
    match = re.search(pattern, text)
    assert match, text
    return match[1]


def signs_in(room, password):
    """Sign in as a browser does: fetch the form, post it, open a page that needs somebody."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    address = f"http://127.0.0.1:{room.port}"
    page = opener.open(f"{address}/login", timeout=10).read().decode()
    token = found(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    data = urllib.parse.urlencode({"csrf_token": token, "email": "admin@example.com", "password": password, "next": "/jobs"}).encode()
    answer = opener.open(urllib.request.Request(f"{address}/login?next=/jobs", data=data, headers={"Origin": address}), timeout=10)
    return answer.status == 200 and answer.url == f"{address}/jobs"
