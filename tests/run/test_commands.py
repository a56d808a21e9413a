"""`drain` and `sweep` as a person types them."""
import json
import os
import subprocess
import sys

import pytest

from app.config import ROOT
from app.extensions import db
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.transaction import transaction


@pytest.fixture
def command(environ):
    def run(*args):
        db.session.rollback()
        done = subprocess.run([sys.executable, "-m", "flask", "--app", "app", *args], cwd=ROOT, env=os.environ | environ,
                              capture_output=True, text=True, timeout=100)
        return done.returncode, done.stdout
    return run


def queue_it(**options):
    with transaction() as session:
        return enqueue(session, "jobs.prune", **options).id


def test_drain_works_everything_off_without_redis_and_says_what_it_did(app, command):
    ids = [queue_it(key=str(number)) for number in range(3)]
    code, out = command("drain", "--json")
    assert (code, json.loads(out)) == (0, {"worked": 3, "waiting": 0, "dead": 0})
    assert [db.session.get_one(Job, id, populate_existing=True).status for id in ids] == ["done"] * 3


def test_sweep_once_says_what_it_did(app, command, valkey):
    queue_it()
    code, out = command("sweep", "--once", "--json")
    assert (code, json.loads(out)) == (0, {"expired": 0, "fired": 0, "rung": 1})


@pytest.mark.parametrize("name", ["worker", "drain", "sweep"])
def test_each_command_explains_itself(app, name):
    said = app.test_cli_runner().invoke(args=[name, "--help"])
    assert said.exit_code == 0
    assert len(said.output.splitlines()) > 5
