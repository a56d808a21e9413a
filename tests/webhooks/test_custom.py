"""A custom endpoint, taught in the browser from nothing to a record: set up, tried, ruled, and posted to."""
import hashlib
import hmac
import json
import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.audit import COMMAND_LINE
from app.commerce.payments import Payment
from app.extensions import db
from app.webhooks import endpoints, retry, testing
from app.webhooks.models import Endpoint
from tests.providers.contract import case
from tests.webhooks.conftest import events, only, payments

pytestmark = pytest.mark.alike
SECRET = "a-secret-of-theirs"
PROOF = {"option_proof": "hmac", "option_algorithm": "sha256", "option_encoding": "hex", "option_key": "text", "option_header": "X-Signature",
         "option_part": "v1", "option_signed": "{timestamp}.{body}", "option_clock": "part:t", "option_id": "id", "option_type": "event",
         "option_object": "data.invoice.id", "option_at": "sent_at"}
RULE = {"when": "invoice.*", "do": "upsert", "at-amount": "data.invoice.total", "unit-amount": "minor", "at-currency": "data.invoice.currency",
        "at-status": "data.invoice.state", "words-status": "captured = paid\nopen = pending", "at-order": "data.invoice.order.number",
        "unit-order": "key", "unit-refunded": "major"}


def signature(body, at=None):
    clock = str(int(at or time.time()))
    return f"t={clock},v1={hmac.new(SECRET.encode(), f'{clock}.'.encode() + body, hashlib.sha256).hexdigest()}"


def knock(app, target, event="invoice_paid", **changes):
    body = json.dumps(case("custom", event) | changes).encode()
    return app.test_client().post(target.path, data=body, headers={"X-Signature": signature(body)})


@pytest.fixture
def target(app):
    return endpoints.add("custom", "Invoices", [SECRET], by=COMMAND_LINE)


@pytest.fixture
def admin(sign_in):
    return sign_in("admin")


def page(target, tail=""):
    return f"/webhooks/endpoints/{target.id}/custom{tail}"


def config(target):
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Endpoint).where(Endpoint.id == target.id)).one().config


def test_from_nothing_to_a_record_in_the_browser(app, admin, drain):
    made = admin.post("/webhooks/endpoints/new", data={"provider": "custom", "name": "Invoices", "secret": SECRET})
    target = only(Endpoint)
    assert (made.status_code, made.location) == (303, page(target))
    assert admin.post(page(target), data=PROOF).status_code == 303
    assert knock(app, target).status_code == 200
    assert [each.outcome for each in events()] == ["ignored"]

    tried = admin.post(page(target, "/rules/new?about=payments"), data=RULE | {"press": "try", "event_id": str(events()[0].id)}).text
    assert "Proven when it came" in tried
    assert "New payment INV-77" in tried
    assert "248.90" in tried
    assert payments() == []
    assert "rules" not in config(target)["options"]

    assert admin.post(page(target, "/rules/new?about=payments"), data=RULE).status_code == 303
    retry.retry(events()[0].id, by=COMMAND_LINE)
    drain()

    assert [each.outcome for each in events()] == ["created"]
    paid = only(Payment)
    assert (paid.external_id, paid.amount_minor, paid.currency, paid.status) == ("INV-77", 24890, "EUR", "paid")


@pytest.fixture
def taught(target, admin):
    assert admin.post(page(target), data=PROOF).status_code == 303
    assert admin.post(page(target, "/rules/new?about=payments"), data=RULE).status_code == 303
    assert admin.post(page(target, "/rules/new?about=payments"), data={"when": "invoice.voided", "do": "trash"}).status_code == 303
    return target


def test_late_and_doubled_events_change_nothing(app, taught, drain):
    for _ in range(2):
        knock(app, taught)
    drain()
    knock(app, taught, "invoice_opened")
    drain()

    assert [(each.outcome, each.attempts) for each in events()] == [("created", 1), ("stale", 1)]
    assert only(Payment).status == "paid"


def test_a_rule_to_the_trash_takes_the_record_there(app, taught, drain):
    knock(app, taught)
    knock(app, taught, "invoice_voided")
    drain()

    assert only(Payment).trashed_at is not None


def test_what_is_not_signed_as_taught_is_turned_away(app, taught):
    body = json.dumps(case("custom", "invoice_paid")).encode()
    for headers in ({}, {"X-Signature": "t=1,v1=00"}, {"X-Signature": signature(body, time.time() - 4000)}):
        assert app.test_client().post(taught.path, data=body, headers=headers).status_code == 401
    assert events() == []


def test_a_test_event_is_proven_and_changes_nothing(taught):
    testing.send(taught.id, by=COMMAND_LINE)

    assert [(each.said, each.outcome) for each in events()] == [("backroom.test", "ignored")]


@pytest.mark.parametrize(("headers", "sentence"), [
    ("X-Signature: {}", "Proven, but too old"), ("X-Signature: t=1,v1=0", "Not proven: No live secret"), ("", "Not tried: paste the headers as well"),
])
def test_a_pasted_post_says_whether_it_is_proven(taught, admin, headers, sentence):
    body = json.dumps(case("custom", "invoice_paid"))

    answer = admin.post(page(taught), data=PROOF | {"press": "try", "body": body, "headers": headers.format(signature(body.encode(), 1_000_000))})

    assert answer.status_code == 200
    assert sentence in answer.text
    assert "New payment INV-77" in answer.text


@pytest.mark.parametrize(("body", "sentence"), [("{", "It would be kept as dead. The body is not JSON."), ("{}", "kept as Ignored"),
                                               ('{"event": "invoice.paid"}', "There is no ID of the event"), ("", "Choose an earlier event")])
def test_what_a_pasted_post_would_fail_of_is_said(taught, admin, body, sentence):
    assert sentence in admin.post(page(taught), data=PROOF | {"press": "try", "body": body}).text


@pytest.mark.parametrize(("typed", "name", "sentence"), [
    ({"option_signed": "{timestamp}"}, "option_signed", "It must hold {body}"), ({"option_id": "a..b"}, "option_id", "No path can be read"),
    ({"option_object": ""}, "option_object", "the rules need it"),
])
@pytest.mark.parametrize("press", ["save", "try"])
def test_what_is_wrong_with_a_setup_is_said_at_its_field(taught, admin, typed, name, sentence, press):
    before = config(taught)

    answer = admin.post(page(taught), data=PROOF | typed | {"press": press}).text

    assert f'href="#{name}"' in answer
    assert sentence in answer
    assert config(taught) == before


@pytest.mark.parametrize(("typed", "name", "sentence"), [
    ({"at-amount": "a..b"}, "at-amount", "No path can be read"), ({"words-status": "captured = payed"}, "words-status", "payed is none of ours"),
    ({"when": ""}, "when", "Fill this in"), ({"when": "invoice.voided"}, "when", "Another rule is about the same type"),
])
def test_what_is_wrong_with_a_rule_is_said_at_its_field(taught, admin, typed, name, sentence):
    answer = admin.post(page(taught, "/rules/new?about=payments"), data=RULE | {"when": "other"} | typed)

    assert answer.status_code == 422
    assert f'href="#{name}"' in answer.text
    assert sentence in answer.text


def test_a_rule_is_changed_and_removed(taught, admin):
    rules = json.loads(config(taught)["options"]["rules"])
    assert [each["when"] for each in rules] == ["invoice.voided", "invoice.*"]
    shown = admin.get(page(taught, "/rules/2")).text
    assert 'value="data.invoice.total"' in shown
    assert "captured = paid" in shown

    assert admin.post(page(taught, "/rules/2"), data=RULE | {"at-amount": "data.sum"}).status_code == 303
    assert admin.post(page(taught, "/rules/1/remove"), data={"when": "invoice.*"}).status_code == 409
    assert admin.post(page(taught, "/rules/1/remove"), data={"when": "invoice.voided"}).status_code == 303

    [left] = json.loads(config(taught)["options"]["rules"])
    assert left["fields"]["amount"] == {"at": "data.sum", "unit": "minor"}


def test_what_somebody_saved_meanwhile_is_never_written_over(taught, admin):
    [seen] = re.findall(r'name="seen"[^>]*value="(\w+)"', admin.get(page(taught, "/rules/1")).text)
    admin.post(page(taught, "/rules/new"), data={"when": "ping", "do": "ignore"})
    admin.post(page(taught, "/rules/1/remove"), data={"when": "invoice.*"})
    held = config(taught)

    for tail, data in (("/rules/1", RULE | {"when": "invoice.paid"}), ("/rules/new?about=payments", RULE), ("", PROOF | {"option_part": "v2"})):
        answer = admin.post(page(taught, tail), data=data | {"seen": seen})
        assert answer.status_code == 422
        assert "Somebody changed the setup meanwhile" in answer.text
        assert seen in answer.text, "sent again it is refused again"
    answer = admin.post(f"/webhooks/endpoints/{taught.id}/settings", data={"tolerance": "60", "seen": seen})
    assert "Somebody changed the setup meanwhile" in answer.text
    assert config(taught) == held


def test_a_type_can_be_ignored_on_purpose(app, taught, admin):
    assert admin.post(page(taught, "/rules/new"), data={"when": "invoice.paid", "do": "ignore"}).status_code == 303
    knock(app, taught)

    assert [each.outcome for each in events()] == ["ignored"]


def test_its_other_settings_leave_what_it_was_taught(taught, admin):
    before = config(taught)["options"]

    assert admin.post(f"/webhooks/endpoints/{taught.id}/settings", data={"tolerance": "60"}).status_code == 303

    assert config(taught) == {"tolerance": 60, "options": before | {"proof": "hmac"}}


@pytest.mark.parametrize("tail", ["", "/rules/new?about=orders", "/rules/new", "/rules/1"])
def test_only_admins_teach(taught, sign_in, tail):
    assert sign_in("manager").get(page(taught, tail)).status_code == 403


@pytest.mark.parametrize("tail", ["/rules/9", "/rules/0", "/rules/new?about=nothing"])
def test_what_is_not_there_is_not_found(taught, admin, tail):
    assert admin.get(page(taught, tail)).status_code == 404


@pytest.mark.parametrize("about", ["customers", "products", "orders", "payments", "subscriptions", "deliveries"])
def test_every_record_type_has_a_rule_page(taught, admin, about):
    assert "Where its fields stand" in admin.get(page(taught, f"/rules/new?about={about}")).text


def test_an_endpoint_without_a_secret_says_that_nobody_gets_in(app, admin):
    bare = endpoints.add("custom", "Bare", [], by=COMMAND_LINE)
    assert "nobody gets in" in admin.get(page(bare)).text

    admin.post(page(bare), data={"option_proof": "address"})

    assert "nobody gets in" not in admin.get(page(bare)).text


TYPED = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF), max_size=20) | st.sampled_from(
    ["$", "data.invoice.id", "=x", "header:X-A", "{body}", "part:t", "*", "a = b", "9" * 400, '{"a": [1]}', "[]"])
SETTINGS = ("proof", "algorithm", "encoding", "key", "header", "part", "prefix", "signed", "clock", "items", "id", "type", "object", "at")
RULED = ("when", "do", "at-amount", "unit-amount", "at-currency", "at-status", "words-status", "at-order", "unit-order", "at-method")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["", "/rules/new?about=payments", "/rules/1", "/rules/new"]), st.data())
def test_whatever_is_typed_and_tried_a_page_answers(taught, admin, tail, data):
    names = [f"option_{name}" for name in SETTINGS] if not tail else list(RULED)
    typed = data.draw(st.dictionaries(st.sampled_from(names), TYPED))
    post = {"press": "try", "body": data.draw(TYPED), "headers": data.draw(TYPED), "event_id": data.draw(st.sampled_from(["", "1", "x"]))}

    answer = admin.post(page(taught, tail), data=(RULE if tail else PROOF) | typed | post)

    assert answer.status_code in (200, 422)
