"""The checks before anything is started: the key, the tables, the first person."""
import os
import secrets
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
import sqlalchemy as sa

from app import demo
from app.accounts.models import User
from app.accounts.passwords import matches
from app.care.backup import revision
from app.config import ROOT, config
from app.errors import Conflict, Misconfigured
from app.extensions import db
from app.run import canary, first_start, tables, web
from app.settings import StoredSetting


@pytest.fixture
def another_key(app, monkeypatch):
    """The same installation, started with another SECRET_KEY."""
    def use(*keys):
        monkeypatch.setitem(app.extensions, "backroom.config", replace(config(), secret_keys=keys))
    return use


def embedded(app, **values):
    return replace(app.extensions["backroom.config"], embedded=True, **values)


# the key

def test_the_first_start_leaves_a_canary_and_later_ones_find_it(app):
    canary.check()
    first = db.session.get_one(StoredSetting, "canary").value
    canary.check()
    db.session.rollback()
    assert db.session.get_one(StoredSetting, "canary").value == first


def test_another_key_is_one_sentence_that_says_what_to_do(app, another_key):
    canary.check()
    another_key("another key of some length")
    with pytest.raises(Misconfigured, match="SECRET_KEY=new,old"):
        canary.check()


def test_a_key_named_after_the_new_one_still_opens(app, another_key):
    old = config().secret_keys[0]
    canary.check()
    another_key("another key of some length", old)
    canary.check()


# the tables

def test_tables_that_are_there_are_left_as_they_are(app):
    tables.bring_up_to_date()
    tables.require()


def test_on_tables_of_another_version_nobody_starts(app, monkeypatch):
    monkeypatch.setattr(tables, "revision", lambda: "0003")
    monkeypatch.setattr(tables, "PATIENCE", 0.01)
    with pytest.raises(Misconfigured, match="The tables are at 0003, this version needs .*db upgrade"):
        tables.require()


def test_who_starts_while_another_migrates_waits(app, monkeypatch):
    answers = iter(["0ld", "0ld"])
    real = revision
    monkeypatch.setattr(tables, "revision", lambda: next(answers, None) or real())
    tables.require()


# the first person

def test_the_first_start_makes_an_admin_whose_password_is_said_once(app):
    password = first_start.welcome(embedded(app, demo=False), print)
    row = db.session.execute(sa.select(User)).scalar_one()
    assert (row.email, row.role) == ("admin@example.com", "admin")
    assert matches(str(password), row.password_hash)
    assert first_start.welcome(embedded(app, demo=False), print) is None


def test_the_password_differs_every_time():
    words = {"".join(secrets.choice(first_start.LETTERS) for _ in range(16)) for _ in range(100)}
    assert len(words) == 100


def test_where_an_admin_is_nobody_is_added(app, user):
    user("admin", email="ada@example.com")
    assert first_start.welcome(embedded(app, demo=False), print) is None
    assert db.session.execute(sa.select(sa.func.count()).select_from(User)).scalar_one() == 1


def test_a_database_of_its_own_gets_nobody_by_itself(app):
    settings, said = replace(app.extensions["backroom.config"], embedded=False), list[object]()
    assert first_start.welcome(settings, said.append) is None
    assert said == [first_start.nobody_yet()], "it says how to make the first account"


def test_a_database_of_its_own_that_has_an_admin_says_nothing(app, user):
    user("admin", email="ada@example.com")
    settings, said = replace(app.extensions["backroom.config"], embedded=False), list[object]()
    assert first_start.welcome(settings, said.append) is None
    assert said == []


def test_the_demo_is_loaded_on_the_first_start_unless_told_not_to(app, monkeypatch):
    asked = []
    monkeypatch.setattr(demo, "load", lambda **options: asked.append(options))
    first_start.welcome(embedded(app, demo=True), lambda sentence: None)
    assert asked == [{"orders": 2000, "seed": 1}]


@pytest.mark.parametrize("error", [Conflict("interrupted"), ZeroDivisionError()])
def test_a_demo_that_does_not_load_keeps_nobody_from_starting(app, monkeypatch, error):
    def breaks(**options):
        raise error
    monkeypatch.setattr(demo, "load", breaks)
    assert first_start.welcome(embedded(app, demo=True), lambda sentence: None)


# the port

def test_a_port_that_is_taken_is_one_sentence_with_a_way_out():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Misconfigured, match=rf"Port {port} on 127\.0\.0\.1 .*PORT={port + 1}"):
            web.listen("127.0.0.1", port)


def test_a_free_port_is_ours():
    with web.listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"


# the command

@pytest.mark.parametrize(("word", "code"), [("--help", 0), ("--nonsense", 2)])
def test_asked_for_help_or_for_what_there_is_not_it_starts_nothing(tmp_path, word, code):
    ran = subprocess.run([sys.executable, "app.py", word], cwd=ROOT, env={**os.environ, "INSTANCE_DIR": str(tmp_path / "instance")},
                         capture_output=True, text=True, timeout=100)
    assert ran.returncode == code
    assert "python app.py" in ran.stdout + ran.stderr
    assert not (tmp_path / "instance").exists()
