"""`drain` and `sweep` as a person types them."""
import json

import pytest

from app.cli.work import swept
from app.extensions import db
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.transaction import transaction
from tests.nursery import ended, typed


@pytest.fixture
def command(environ, tmp_path):
    def run(*args):
        db.session.rollback()
        return ended(typed(environ, *args, out=tmp_path / "out")), (tmp_path / "out").read_text()
    return run


def queue_it(**options):
    with transaction() as session:
        return enqueue(session, "jobs.prune", **options).id


def test_drain_works_everything_off_without_redis_and_says_what_it_did(app, command):
    ids = [queue_it(key=str(number)) for number in range(3)]
    code, out = command("drain", "--json")
    assert (code, json.loads(out)) == (0, {"worked": 3, "waiting": 0, "dead": 0})
    assert [db.session.get_one(Job, id, populate_existing=True).status for id in ids] == ["done"] * 3


def test_sweep_once_says_what_it_did(app, valkey):
    queue_it()
    ran = app.test_cli_runner().invoke(args=["sweep", "--once", "--json"])
    assert (ran.exit_code, json.loads(ran.stdout)) == (0, {"expired": 0, "fired": 0, "rung": 1})


def test_sweep_once_says_in_words_what_it_did(app, valkey):
    queue_it()
    ran = app.test_cli_runner().invoke(args=["sweep", "--once"])
    assert (ran.exit_code, ran.stdout) == (0, "Took back 0 jobs and events whose worker stopped, queued 0 scheduled jobs, "
                                              "and woke a worker for 1 queue with work due.\n")


def test_one_is_one_and_many_are_many():
    assert swept({"expired": 1, "fired": 1, "rung": 0}) == (
        "Took back 1 job or event whose worker stopped, queued 1 scheduled job, and woke a worker for 0 queues with work due.")
    assert "1,200 jobs and events" in swept({"expired": 1200, "fired": 0, "rung": 0})


@pytest.mark.parametrize("name", ["worker", "drain", "sweep"])
def test_each_command_explains_itself(app, name):
    said = app.test_cli_runner().invoke(args=[name, "--help"])
    assert said.exit_code == 0
    assert len(said.output.splitlines()) > 5
