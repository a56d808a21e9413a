"""Bringing tables up to date while others try the same."""
import os
import subprocess
import sys

import sqlalchemy as sa

from app.config import ROOT
from tests.care.conftest import rows


def upgrading(installation):
    return subprocess.Popen([sys.executable, "-m", "flask", "--app", "app", "db", "upgrade"], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **installation.environ})


def test_two_who_migrate_at_once_do_it_once(installations):
    installation = installations()
    running = [upgrading(installation) for _ in range(2)]
    assert [(process.communicate(timeout=100)[0], process.returncode)[1] for process in running] == [0] * 2
    assert installation.findings()["migrations"]["verdict"] == "good"


def test_a_migration_that_fails_leaves_nothing_behind(installations):
    """The whole history is one transaction: here a table that is in the way stops it."""
    installation = installations()
    installation.folder.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(installation.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE webhook_events (id INTEGER)")
    engine.dispose()
    installation.command("db", "upgrade", code=1)
    assert set(rows(installation)) == {"webhook_events"}
