"""Installations of their own: a folder and a database each, spoken to by commands."""
import itertools
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from app import create_app
from app.config import load
from app.extensions import db
from tests.conftest import _run

numbers = itertools.count(1)


@dataclass
class Installation:
    """One installation. Every command is given a new application, as a new process would be."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def command(self, *words, code=0, **environ):
        """Run `flask --app app …`; returns what it printed, on both channels. Fails unless it exits with `code`."""
        app = create_app(load({**self.environ, **environ}))
        ran = app.test_cli_runner().invoke(args=list(map(str, words)))
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        assert ran.exit_code == code, f"{ran.output}{ran.exception!r}"
        return ran.output

    def json(self, *words, code=0, **environ):
        """What a command answers with --json."""
        return json.loads(self.command(*words, "--json", code=code, **environ))

    def findings(self, wrong=(), **environ):
        """What the doctor says, by check. Fails unless just these are `wrong`, and it exits accordingly.

        The cluster of the tests need not survive a power cut, which the doctor notices.
        """
        expected = {*wrong, "durability"} if self.url.drivername.startswith("postgresql") and "database" not in wrong else {*wrong}
        found = {each["check"]: each for each in self.json("doctor", code=1 if expected else 0, **environ)["findings"]}
        assert {name for name, each in found.items() if each["verdict"] == "wrong"} == expected
        return found

    @property
    def url(self):
        """Where its database is."""
        return sa.make_url(load(self.environ).database_url)


@pytest.fixture(scope="session")
def make_installation(database, request, tmp_path_factory):
    """Makes installations; on PostgreSQL, `like` another one is a copy of its database. The cluster ends with the run."""
    server = request.getfixturevalue("postgres") if database == "postgresql" else None

    def make(like=None):
        folder = tmp_path_factory.mktemp("care") / "instance"
        environ = {"INSTANCE_DIR": str(folder), "LOG_LEVEL": "ERROR", "DEMO": "0", "PORT": "0"}
        if like is not None:
            shutil.copytree(like.folder, folder)
        if server is not None:
            own = server.set(database=f"{server.database}_care_{next(numbers)}")
            _run(server, f'CREATE DATABASE "{own.database}"' + (f' TEMPLATE "{like.url.database}"' if like is not None else ""))
            environ |= {"DATABASE_URL": own.render_as_string(hide_password=False), "SECRET_KEY": "care-" + "k" * 30}
        return Installation(folder, environ)
    return make


@pytest.fixture(scope="session")
def bare(make_installation):
    """One with tables and nothing in them, to copy from."""
    made = make_installation()
    made.command("db", "upgrade")
    return made


@pytest.fixture(scope="session")
def shop(make_installation, bare):
    """One with a small shop in it, to copy from."""
    made = make_installation(like=bare)
    made.command("demo", "--orders", "40")
    return made


@pytest.fixture(scope="session")
def backed_up(shop, tmp_path_factory):
    """A backup of the shop, to copy from."""
    path = tmp_path_factory.mktemp("backups") / "backup.tar.gz"
    shop.command("backup", path)
    return path


@pytest.fixture
def installations(make_installation):
    """Make as many new installations as a test needs."""
    return make_installation


@pytest.fixture
def installation(make_installation, bare):
    """One with tables and nothing in them."""
    return make_installation(like=bare)


@pytest.fixture
def filled(make_installation, shop):
    """One with a small shop in it."""
    return make_installation(like=shop)


@pytest.fixture
def archive(backed_up, tmp_path):
    """A backup of that shop."""
    return Path(shutil.copy(backed_up, tmp_path / "backup.tar.gz"))


def rows(installation):
    """Every row of every table, to compare two installations by."""
    engine = sa.create_engine(installation.url)
    with engine.connect() as connection:
        tables = [name for name in sa.inspect(connection).get_table_names() if "_search_" not in name]
        found = {name: sorted(map(repr, connection.exec_driver_sql(f'SELECT * FROM "{name}"').all())) for name in tables}
    engine.dispose()
    return found


def files(folder):
    """Every stored file with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted((folder / "files").rglob("*"))
            if path.is_file() and "drafts" not in path.parts}
