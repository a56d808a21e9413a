"""The doctor: well when all is well, and otherwise what is wrong and how to mend it."""
from contextlib import contextmanager
from threading import Thread

import pytest
import sqlalchemy as sa
from redis import Redis
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from app import create_app
from app.audit import COMMAND_LINE
from app.care.doctor import kept_as_set
from app.config import load
from app.extensions import db
from app.webhooks import endpoints

CHECKS = {"python", "disk", "database", "migrations", "durability", "clock", "key", "storage", "redis", "work", "endpoints",
          "address"}


@contextmanager
def served(app):
    """A port on which the application answers."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


foreign = Response('{"status": "ready"}', content_type="application/json")


def test_a_new_installation_is_well(installation):
    findings = installation.findings()
    assert set(findings) == CHECKS
    assert findings["python"]["verdict"] == findings["clock"]["verdict"] == "good"


def test_it_speaks_to_people_too(installation):
    said = installation.command("doctor", code=1 if installation.findings()["durability"]["verdict"] == "wrong" else 0)
    assert said.count("\n") >= len(CHECKS)
    assert "ok database" in said


def test_tables_that_are_behind_are_wrong_and_the_cure_is_a_command(installations):
    finding = installations().findings(wrong=["migrations"])["migrations"]
    assert finding["verdict"] == "wrong"
    assert "db upgrade" in finding["cure"]


def test_a_database_that_is_not_there_is_said_in_one_finding(installation):
    findings = installation.findings(wrong=["database"], DATABASE_URL="postgresql://nobody:secret-word@127.0.0.1:1/nowhere", SECRET_KEY="k" * 20)
    assert findings["database"]["verdict"] == "wrong"
    assert "DATABASE_URL" in findings["database"]["cure"]
    assert "migrations" not in findings
    assert "secret-word" not in str(findings)


def test_the_wrong_key_is_found_by_what_it_does_not_open(installation):
    installation.command("endpoint", "add", "stripe", "--name", "Stripe", "--secret", "whsec_" + "s" * 30)
    assert installation.findings()["key"]["verdict"] == "good"
    finding = installation.findings(wrong=["key"], SECRET_KEY="another-key-" + "x" * 20)["key"]
    assert finding["verdict"] == "wrong"
    assert "SECRET_KEY=new,old" in finding["cure"]


def test_storage_that_cannot_be_written_is_wrong(installation, tmp_path):
    (tmp_path / "a-file").write_text("")
    finding = installation.findings(wrong=["storage"], STORAGE_URL=str(tmp_path / "a-file" / "inside"))["storage"]
    assert finding["verdict"] == "wrong"
    assert "STORAGE_URL" in finding["cure"]


def test_a_redis_that_is_set_and_silent_is_wrong(installation):
    finding = installation.findings(wrong=["redis"], REDIS_URL="redis://127.0.0.1:1")["redis"]
    assert finding["verdict"] == "wrong"
    assert "REDIS_URL" in finding["cure"]


def test_a_redis_that_answers_is_well(installation, valkey):
    assert installation.findings(REDIS_URL=valkey)["redis"]["verdict"] == "good"


@pytest.mark.alike
@pytest.mark.parametrize(("told", "verdict", "says"), [
    ({}, "good", "keeps what it is given"),
    ({"maxmemory-policy": "allkeys-lru"}, "wrong", "maxmemory-policy allkeys-lru"),
    ({"appendonly": "no"}, "note", "set appendonly yes"),
    ({"timeout": "300"}, "note", "set timeout 0"),
])
def test_a_setting_of_redis_that_forgets_is_said_with_what_to_set(told, verdict, says):
    found = kept_as_set({"maxmemory-policy": "noeviction", "appendonly": "yes", "timeout": "0"} | told)
    assert (found.verdict, says in found.said) == (verdict, True)


def test_a_redis_that_tells_no_settings_is_no_fault():
    assert kept_as_set({}).verdict == "note"


def test_the_settings_are_those_of_the_redis_that_runs(installation, valkey):
    with Redis.from_url(valkey) as server:
        server.config_set("timeout", 300)
        try:
            assert "set timeout 0" in installation.findings(REDIS_URL=valkey)["redis"]["said"]
        finally:
            server.config_set("timeout", 0)


def test_a_port_that_answers_is_ours_only_by_its_name(installation):
    app = create_app(load(installation.environ))
    with served(app) as ours, served(foreign) as theirs:
        assert installation.findings(PORT=str(ours))["address"]["verdict"] == "good"
        finding = installation.findings(wrong=["address"], PORT=str(theirs))["address"]
        assert "not this installation" in finding["said"]
        assert "PORT" in finding["cure"]
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def test_the_embedded_valkey_that_does_not_run_is_only_a_note(installation):
    assert installation.findings()["redis"]["verdict"] == "note"


def test_work_nobody_does_is_wrong(installation):
    engine = sa.create_engine(installation.url)
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO jobs (kind, queue, args, run_at) VALUES ('exports.forget', 'default', '{}', :then)"),
                           {"then": "2020-01-01 00:00:00.000000"})
    engine.dispose()
    finding = installation.findings(wrong=["work"])["work"]
    assert finding["verdict"] == "wrong"
    assert "flask --app app worker" in finding["cure"]


def test_dead_work_is_a_note_that_says_where_to_look(filled):
    finding = filled.findings()["work"]
    assert finding["verdict"] == "note"
    assert "/webhooks" in finding["said"]


def test_an_endpoint_without_a_secret_is_a_note_that_says_where_to_paste_it(installation):
    assert installation.findings()["endpoints"]["verdict"] == "good"
    app = create_app(load(installation.environ))
    with app.app_context():
        made = endpoints.add("stripe", "Later", [], by=COMMAND_LINE).id
        db.session.remove()
        db.engine.dispose()

    finding = installation.findings()["endpoints"]

    assert finding["verdict"] == "note"
    assert finding["said"].startswith("1 endpoint has no secret yet")
    assert finding["said"].endswith(f"/webhooks/endpoints/{made}")
