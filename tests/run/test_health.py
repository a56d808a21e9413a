"""What probes and monitoring are told."""
from dataclasses import replace

import pytest
from redis import Redis
from sqlalchemy.exc import SQLAlchemyError

from app import cache, create_app
from app.errors import Misconfigured
from app.extensions import db
from app.files import storage
from app.jobs import ring
from app.jobs.enqueue import enqueue
from app.run import canary, health, tables
from app.transaction import transaction


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    cache.drop("readyz")
    monkeypatch.delenv("METRICS_TOKEN", raising=False)
    yield
    cache.drop("readyz")


def test_alive_is_alive(client):
    assert client.get("/healthz").text == "ok\n"


def test_probes_are_answered_by_whatever_address_they_use(client):
    assert client.get("/healthz", headers={"Host": "10.0.0.7:8000"}).status_code == 200


def test_ready_with_everything_there(client, valkey):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert set(answer.json["checks"].values()) == {"ok"}


def test_without_redis_it_is_degraded_and_still_takes_people(client, monkeypatch, tmp_path):
    monkeypatch.setattr(ring, "connect", lambda url, timeout: Redis.from_url(f"unix://{tmp_path}/nobody.sock"))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["redis"] == "failed"


def test_without_a_database_it_is_not_ready(client, monkeypatch):
    def gone(*args):
        raise SQLAlchemyError("gone")
    monkeypatch.setattr(db.session, "execute", gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["checks"]["database"]) == (503, "failed")


@pytest.mark.parametrize("error", [OSError("no space left"), ImportError("Install s3fs to access S3")])
def test_without_storage_it_is_not_ready(client, monkeypatch, error):
    def full(self):
        raise error
    monkeypatch.setattr(storage.Storage, "check", full)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["checks"]["storage"]) == (503, "failed")


@pytest.mark.parametrize(("began_with", "at", "status"), [
    ("its own", "0003", 503),                # taken back to an older version
    ("its own", None, 503),
    ("its own", "of a newer version", 200),  # a deploy is on: what was added does not concern it
    ("others", "of a newer version", 503),   # never seen with its own: perhaps another program's
])
def test_a_process_that_began_with_its_own_tables_goes_on_with_newer_ones(client, monkeypatch, began_with, at, status):
    monkeypatch.setattr("app.run.tables._fitted", set())
    if began_with == "its own":
        client.get("/readyz")
        cache.drop("readyz")
    monkeypatch.setattr("app.run.tables.revision", lambda: at)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["checks"]["tables"]) == (status, "ok" if status == 200 else "failed")


@pytest.mark.parametrize(("at", "cure"), [("0003", "Run: .*db upgrade"), ("of a newer version", "belong to a newer one")])
def test_a_process_that_starts_wants_the_tables_of_its_own_version(client, monkeypatch, at, cure):
    client.get("/readyz")
    monkeypatch.setattr("app.run.tables.revision", lambda: at)
    with pytest.raises(Misconfigured, match=cure):
        tables.check()


def test_new_files_on_disk_do_not_put_a_running_process_out_of_service(client, monkeypatch):
    client.get("/readyz")
    cache.drop("readyz")
    monkeypatch.setattr("app.run.tables.known", lambda: pytest.fail("asked again what this version has"))
    assert client.get("/readyz").status_code == 200


def test_every_process_of_an_installation_names_it_alike_also_while_the_key_is_rotated(client, settings):
    named = client.get("/readyz").json["installation"]
    assert named == replace(settings, port=1, secret_keys=("n" * 20, *settings.secret_keys)).installation
    assert named != replace(settings, secret_keys=("n" * 20,)).installation


def test_with_the_wrong_key_it_is_not_ready(client, monkeypatch):
    def wrong():
        raise Misconfigured("wrong")
    monkeypatch.setattr(canary, "check", wrong)
    assert client.get("/readyz").status_code == 503


def test_an_answer_holds_for_a_moment_so_that_probes_cost_nothing(client, monkeypatch):
    client.get("/readyz")
    monkeypatch.setattr(health, "examine", lambda: pytest.fail("asked again"))
    assert client.get("/readyz").status_code == 200


def test_metrics_count_what_waits(client, app):
    with transaction() as session:
        enqueue(session, "jobs.prune")
    text = client.get("/metrics").text
    assert 'backroom_rows{queue="default",status="waiting"} 1.0' in text
    assert "backroom_workers 0.0" in text
    assert "backroom_doorbell_missed_total" in text
    assert 'backroom_oldest_due_seconds{queue="default"}' in text


def test_metrics_are_for_this_machine_only(client):
    assert client.get("/metrics", environ_overrides={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
@pytest.mark.parametrize("host", ["10.0.0.5:8000", "backroom.internal"])
def test_probes_ask_by_any_address(client, monkeypatch, path, host):
    monkeypatch.setenv("METRICS_TOKEN", "a token for monitoring")
    assert client.get(path, headers={"Host": host, "Authorization": "Bearer a token for monitoring"}).status_code == 200


def test_this_machine_asks_by_its_address_also_where_other_hosts_are_served(settings, app):
    served = create_app(replace(settings, public_url="https://backroom.example.com", allowed_hosts=("backroom.example.com",)))
    browser = served.test_client()
    try:
        assert [browser.get(path, headers={"Host": "127.0.0.1:8000"}).status_code for path in ("/healthz", "/readyz", "/metrics", "/login")] \
            == [200, 200, 200, 400]
    finally:
        with served.app_context():
            db.engine.dispose()


def test_without_a_token_a_name_of_somebody_else_that_leads_here_opens_nothing(client):
    assert client.get("/metrics", headers={"Host": "rebound.example"}).status_code == 404
    assert client.get("/metrics", headers={"Host": "[::1]:8000"}).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
def test_a_proxy_on_this_machine_opens_no_door_to_them(client, header):
    assert client.get("/metrics", headers={header: "192.0.2.7"}).status_code == 404


def test_with_a_token_they_are_for_whoever_has_it(client, monkeypatch):
    monkeypatch.setenv("METRICS_TOKEN", "a token for monitoring")
    far = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.7"}}
    assert client.get("/metrics", headers={"Authorization": "Bearer a token for monitoring"}, **far).status_code == 200
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}, **far).status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer ünïcode"}, **far).status_code == 404
    assert client.get("/metrics").status_code == 404


