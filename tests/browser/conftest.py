"""The whole of it, started as people start it, and a real Chromium before it."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app import create_app
from app.config import ROOT, load
from app.extensions import db
from tests.conftest import _run
from tests.wait import wait_for

PASSWORD = "correct-horse-battery"
PEOPLE = {role: f"{role}@example.com" for role in ("viewer", "operator", "manager")}


@dataclass
class Backroom:
    """`python app.py` with a database, a Valkey, workers and a small shop of its own."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "PUBLIC_URL")}
        self.address = f"http://127.0.0.1:{port}"
        self.environ = clean | self.environ | {
            "INSTANCE_DIR": str(self.folder), "PORT": str(port), "DEMO": "0", "WORKERS": "1", "WEB_WORKERS": "1", "LOG_LEVEL": "WARNING"}

    def start(self):
        with (self.folder.parent / "out.txt").open("w") as out, (self.folder.parent / "err.txt").open("w") as err:
            self.process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=self.environ, stdout=out, stderr=err,
                                            start_new_session=True)
        wait_for(self._is_ready, within=100)

    def _is_ready(self):
        assert self.process.poll() is None, (self.folder.parent / "err.txt").read_text()
        try:
            return urllib.request.urlopen(f"{self.address}/readyz", timeout=5).status == 200
        except OSError:
            return False

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def command(self, *words, said=None):
        """What `flask --app app …` prints, in this installation. Said in this process: a new one takes seconds to begin."""
        app = create_app(load(self.environ))
        ran = app.test_cli_runner().invoke(args=list(words), input=said)
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        assert ran.exit_code == 0, f"{ran.output}{ran.exception!r}"
        return ran.stdout

    def post(self, path, body, headers):
        """POST bytes; the status of the answer."""
        asked = urllib.request.Request(self.address + path, data=body, headers={"Content-Type": "application/json", **headers})
        try:
            return urllib.request.urlopen(asked, timeout=30).status
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="session")
def backroom(database, request, tmp_path_factory):
    """One for the whole run on each database; tests leave alone what they did not make."""
    folder, environ = tmp_path_factory.mktemp(f"backroom-{database}") / "instance", {}
    if database == "postgresql":
        server = request.getfixturevalue("postgres")
        own = server.set(database=f"{server.database}_browser")
        _run(server, f'CREATE DATABASE "{own.database}"')
        environ = {"DATABASE_URL": own.render_as_string(hide_password=False), "SECRET_KEY": "browser-" + "k" * 30}
    running = Backroom(folder, environ)
    running.start()
    running.command("demo", "--orders", "120", "--seed", "5")
    for role, email in PEOPLE.items():
        running.command("user", "add", email, "--role", role, "--password-stdin", said=PASSWORD + "\n")
    yield running
    running.stop()
    if database == "postgresql":
        _run(server, f'DROP DATABASE "{own.database}" WITH (FORCE)')


@pytest.fixture
def enter(chromium, backroom):
    """Somebody signs in, by the form: `enter("operator", width=390)`. What the browser complains of fails the test."""
    contexts, complaints = [], []

    def come_in(role="manager", width=1280, height=900, **options):
        context = chromium.new_context(base_url=backroom.address, viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" and "status of 4" not in said.text else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(backroom.address) else None)
        page.goto("/")
        page.get_by_label("E-mail").fill(PEOPLE[role])
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile(r"/$"))
        return page
    yield come_in
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def downloaded(tmp_path):
    """Press something and keep the file that comes of it; returns its path."""
    def take(page, press):
        with page.expect_download() as waiting:
            press()
        path = tmp_path / waiting.value.suggested_filename
        shutil.copy(waiting.value.path(), path)
        return path
    return take
