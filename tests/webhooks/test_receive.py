"""Taking posts in: what is kept of them, and what is said to the sender."""
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import flask
import pytest
from sqlalchemy import func, select

from app.audit import COMMAND_LINE
from app.extensions import db
from app.integrations import registry
from app.integrations.provider import Answer, Incoming, Provider
from app.records.changes import Change
from app.transaction import apart
from app.webhooks import endpoints, inbox
from app.webhooks.models import Body
from app.webhooks.texts import LONGEST_KEY, key
from tests.webhooks.conftest import event, events, payments, receipts


def test_a_signed_event_is_kept_before_it_is_answered(post):
    answer = post("payment_succeeded")

    assert answer.status_code == 200
    [kept] = events()
    assert (kept.status, kept.said, kept.kind, kept.dedupe_key) == (
        "waiting", "payment_intent.succeeded", "payment.paid", "evt_pi_succeeded")
    assert kept.object_key == "stripe/pi_3QkTb2"
    assert kept.occurred_at == datetime(2026, 6, 12, 2, 57, 40, tzinfo=UTC)


def test_the_very_bytes_are_kept(post):
    body = b'{"id": "evt_1",  "object":"event", "type":"invoice.paid","created":1781233000 , "data":{"object":{"id":"\\u00fc"}} }\n'

    post(body)

    assert db.session.scalar(select(Body.content)) == body


def test_a_repeat_is_a_receipt_of_the_same_event(post):
    answers = [post("payment_succeeded").status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert len(events()) == 1
    assert [receipt.verdict for receipt in receipts()] == ["ok", "duplicate", "duplicate"]
    assert {receipt.event_id for receipt in receipts()} == {events()[0].id}
    assert db.session.scalar(select(func.count()).select_from(Body)) == 1


def test_the_same_id_at_another_endpoint_is_another_event(post, endpoint):
    post("payment_succeeded", to=endpoint(name="Stripe EU", account="eu"))
    post("payment_succeeded", to=endpoint(name="Stripe US", account="us"))

    assert [each.object_key for each in events()] == ["eu/pi_3QkTb2", "us/pi_3QkTb2"]


def test_kinds_we_do_not_act_on_are_kept_as_ignored(post):
    assert post("unknown_kind").status_code == 200

    assert [(each.status, each.outcome, each.said) for each in events()] == [("done", "ignored", "invoice.finalized")]


@pytest.mark.parametrize("body", [b"not json", b"[]", b'{"type": 7}', b'{"id":"e","object":"event","type":"charge.refunded","created":"x"}'])
def test_what_is_signed_but_unreadable_waits_for_a_person(post, body):
    assert post(body).status_code == 200

    [kept] = events()
    assert (kept.status, kept.outcome, kept.said) == ("dead", "unreadable", "unreadable")
    assert kept.last_error.endswith(".")
    assert kept.dedupe_key == "sha256:" + hashlib.sha256(body).hexdigest()


def test_what_is_unreadable_twice_is_kept_once(post):
    post(b"not json")
    post(b"not json")

    assert len(events()) == 1


@pytest.mark.parametrize("text", ["a\u0000b", "\ud800", "x" * 3_000, "é" * 1_000])
def test_no_text_a_provider_signs_can_break_the_tables(post, text):
    assert post(event("payment_succeeded", id=text)).status_code == 200
    assert post(event("payment_succeeded", id=text)).status_code == 200

    assert len(events()) == 1


def test_long_keys_differ_in_what_was_left_out():
    assert key("a" * 300) != key("a" * 301)
    assert len(key("a" * 3_000)) <= LONGEST_KEY
    assert key("short") == "short"


def test_an_unknown_endpoint_is_nothing(app, endpoint):
    made = endpoint()

    for path in ("/hooks/stripe/unknown", f"/hooks/standard/{made.token}", f"/hooks/nobody/{made.token}"):
        assert app.test_client().post(path, data=b"{}").status_code == 404


def test_an_endpoint_that_is_off_is_nothing_until_it_is_on_again(post, endpoint):
    made = endpoint()
    endpoints.switch(made.id, on=False, by=COMMAND_LINE)
    assert post("payment_succeeded").status_code == 404

    endpoints.switch(made.id, on=True, by=COMMAND_LINE)
    assert post("payment_succeeded").status_code == 200


def test_only_posts_are_taken(app, endpoint):
    assert app.test_client().get(endpoint().path).status_code == 405


def test_a_body_as_large_as_allowed_is_taken_and_one_byte_more_is_not(app, settings, endpoint):
    largest = settings.max_body_bytes
    for size, status in ((largest, 400), (largest + 1, 413)):
        answer = app.test_client().post(endpoint().path, data=b"x" * size, headers={"Stripe-Signature": "t=1,v1=x"})
        assert answer.status_code == status


def test_no_credential_is_kept(post):
    post("payment_succeeded", headers={"Authorization": "Bearer tell-nobody", "Cookie": "session=tell-nobody",
                                       "X-Api-Key": "tell-nobody", "User-Agent": "Stripe/1.0"})

    [kept] = receipts()
    assert kept.headers["user-agent"] == "Stripe/1.0"
    assert "tell-nobody" not in json.dumps(kept.headers)
    assert "v1=" not in json.dumps(kept.headers)


def test_a_post_needs_no_form_token_and_starts_no_session(post):
    answer = post("payment_succeeded")

    assert "Set-Cookie" not in answer.headers


def test_a_post_that_cannot_be_kept_is_sent_again_later(app, post, endpoint, monkeypatch):
    endpoint()
    with db.engine.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE webhook_bodies RENAME TO webhook_bodies_away")
        connection.commit()
    try:
        assert post("payment_succeeded").status_code == 503
    finally:
        with db.engine.connect() as connection:
            connection.exec_driver_sql("ALTER TABLE webhook_bodies_away RENAME TO webhook_bodies")
            connection.commit()

    assert events() == []
    assert post("payment_succeeded").status_code == 200


def test_while_the_database_is_busy_the_provider_is_asked_to_come_again(app, post, endpoint, database, monkeypatch):
    if database != "sqlite":
        pytest.skip("PostgreSQL lets everybody write")
    monkeypatch.setattr(inbox, "PATIENCE", 0.05)
    endpoint()
    with apart():
        assert post("payment_succeeded").status_code == 503

    assert post("payment_succeeded").status_code == 200
    assert len(events()) == 1


class Many(Provider):
    """Somebody who posts several events at once, and shakes hands before."""

    name, label = "many", "Many"

    def verify(self, receipt, endpoint, now):
        return endpoint.secrets[0]

    def answer(self, receipt, endpoint):
        return Answer(receipt.body.decode().removeprefix("hello "), 200) if receipt.body.startswith(b"hello ") else None

    def parse(self, receipt, endpoint):
        return [Incoming("payments.updated", key, key, receipt.received_at, {"key": key}) for key in receipt.json()]

    def changes(self, incoming, endpoint):
        return [Change("payments", {"currency": "EUR", "amount_minor": 100, "status": "paid"}, key={"external_id": incoming.object_key},
                       as_of=incoming.occurred_at)]


@pytest.fixture
def many(app, monkeypatch):
    """Post this body to an endpoint of Many."""
    monkeypatch.setitem(registry._providers, "many", Many())
    made = endpoints.add("many", "Many", ["a-secret-of-many"], by=COMMAND_LINE)
    return lambda body: app.test_client().post(made.path, data=body)


def test_a_post_may_hold_many_events_and_its_body_is_kept_once(many, drain):
    assert many(b'["a", "b", "c", "a"]').status_code == 200
    assert many(b'["c", "d"]').status_code == 200
    drain()

    assert sorted(each.dedupe_key for each in events()) == ["a", "b", "c", "d"]
    assert sorted(each.verdict for each in receipts()) == ["duplicate", "duplicate", "ok", "ok", "ok", "ok"]
    assert db.session.scalar(select(func.count()).select_from(Body)) == 2
    assert sorted(each.external_id for each in payments()) == ["a", "b", "c", "d"]


def test_posts_that_overlap_the_other_way_round_do_not_wait_for_each_other(app, many):
    def send(number):
        keys = [f"k{place}" for place in range(30)]
        return many(json.dumps(keys if number % 2 else keys[::-1]).encode()).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, range(16))) == [200] * 16
    assert len(events()) == 30


def test_a_handshake_is_answered_and_is_no_event(many):
    answer = many(b"hello 4711")

    assert (answer.status_code, answer.text) == (200, "4711")
    assert events() == []


def test_a_post_without_events_is_fine(many):
    assert many(b"[]").status_code == 200
    assert events() == []


def test_a_cookie_is_not_even_looked_at_where_a_signature_counts(app, post, monkeypatch):
    made, read = app.session_interface.get_signing_serializer, set()

    def noted(app):
        read.add(flask.request.path)
        return made(app)

    monkeypatch.setattr(app.session_interface, "get_signing_serializer", noted)
    answer = post("payment_succeeded", headers={"Cookie": "backroom=anything"})
    app.test_client().get("/login")

    assert answer.status_code == 200
    assert read == {"/login"}
