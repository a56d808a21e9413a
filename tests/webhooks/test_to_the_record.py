"""From the post to the record: what a provider signs, sent over HTTP in every order and twice, ends as what it said last."""
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit import COMMAND_LINE
from app.commerce.customers import Customer
from app.commerce.deliveries import Delivery
from app.commerce.payments import Payment
from app.commerce.subscriptions import Subscription
from app.errors import Conflict
from app.extensions import db
from app.fakes.fake import served
from app.fakes.paypal import CLIENT_ID, CLIENT_SECRET, FakePayPal
from app.integrations import auth, breaker, connections, limiter, pinned
from app.integrations.connections import Wanted
from app.integrations.errors import UnavailableThere
from app.providers.paypal import PayPal
from app.webhooks import endpoints, retry, testing
from app.webhooks.models import Endpoint
from tests.conftest import SCALE
from tests.providers.contract import case
from tests.providers.every import contracts
from tests.webhooks.conftest import events, only, receipts

EVERY = contracts()
CAPTURE, TRACKER = "29Y24445UY2083144", "trk_4f1e8c0a7b2d4e6f8a9b0c1d2e3f4a5b"
Told = Callable[..., None]

STORIES: list[Any] = [
    ("paypal", ["capture_pending", "capture_completed", "capture_refunded", "capture_refunded_again"], Payment, CAPTURE,
     {"status": "part_refunded", "amount_minor": 24890, "refunded_minor": 14890, "currency": "EUR"}),
    ("paypal", ["capture_completed", "refund_without_a_sum"], Payment, CAPTURE, {"status": "part_refunded"}),
    ("adyen", ["authorised", "refunded", "refunded_the_rest", "refund_failed"], Payment, "NC6HT9CRT65ZGN82",
     {"status": "part_refunded", "amount_minor": 24890, "refunded_minor": 20000, "currency": "EUR"}),
    ("paypal", ["capture_completed", "dispute_created", "dispute_updated", "dispute_won"], Payment, CAPTURE, {"status": "paid"}),
    ("paypal", ["capture_in_yen"], Payment, "8MC585209K746392H", {"status": "paid", "amount_minor": 2500, "currency": "JPY"}),
    ("paypal", ["subscription_created", "subscription_activated", "subscription_payment_failed", "subscription_cancelled"],
     Subscription, "I-BW452GLLEP1G", {"status": "ended", "amount_minor": 1250, "currency": "EUR", "renews_at": None}),
    ("paypal", ["subscription_trial", "sale_pending", "sale_completed"], Payment, "80021663DE681814L",
     {"status": "paid", "amount_minor": 1250}),
    ("paypal", ["subscription_trial", "sale_pending", "sale_completed"], Subscription, "I-BW452GLLEP1G", {"status": "active"}),
    ("paddle", ["transaction_ready", "transaction_payment_failed", "transaction_paid", "transaction_completed"], Payment,
     "txn_01kxf9m1p8987qeep44cyrewp9", {"status": "paid", "amount_minor": 3000, "currency": "EUR", "method": "card"}),
    ("paddle", ["transaction_completed", "refund_asked_for", "refund_in_part", "transaction_adjusted"], Payment,
     "txn_01kxf9m1p8987qeep44cyrewp9", {"status": "part_refunded", "amount_minor": 3000}),
    ("paddle", ["transaction_completed", "chargeback", "chargeback_reversed"], Payment, "txn_01kxf9m1p8987qeep44cyrewp9",
     {"status": "paid"}),
    ("paddle", ["subscription_trialing", "subscription_updated", "subscription_paused", "subscription_canceled"], Subscription,
     "sub_01kxf9m2k0t586xy6zn1a62nyw", {"status": "ended", "amount_minor": 3000, "renews_at": None}),
    ("paddle", ["customer_created", "customer_imported", "customer_updated"], Customer, "ctm_01kxf9jedq4p1n0yqn5ba3ky4z",
     {"name": "Clara Neumann", "email": "clara.neumann@example.com"}),
    ("chargebee", ["payment_initiated", "payment_failed", "payment_succeeded", "payment_refunded"], Payment, "txn_AzqK1sUxGkPay1",
     {"status": "refunded", "amount_minor": 2140, "refunded_minor": 2140, "currency": "EUR"}),
    ("chargebee", ["subscription_created", "payment_failed", "payment_succeeded", "subscription_changed"], Subscription,
     "AzqK1sUxGkSub1", {"status": "active", "amount_minor": 2500, "renews_at": date(2026, 7, 12)}),
    ("chargebee", ["subscription_trial", "subscription_activated", "subscription_cancelled"], Subscription, "AzqK1sUxGkSub1",
     {"status": "ended", "renews_at": None}),
    ("chargebee", ["customer_created", "customer_changed"], Customer, "AzqK1sUxGjHbC1", {"phone": "+43 316 555 0142"}),
    ("easypost", ["tracker_created", "label_made", "out_for_delivery", "delivered"], Delivery, TRACKER,
     {"status": "delivered", "tracking_number": "JD014600003998877665", "carrier": "DHLExpress", "eta": date(2026, 6, 12)}),
    ("easypost", ["in_transit", "not_handed_over", "sent_back"], Delivery, TRACKER, {"status": "sent_back"}),
]


@pytest.fixture
def tell(app: Flask, drain: Callable[[], object]) -> Told:
    """Post these cases one after the other, and work them off."""

    def send(name: str, *told: str, twice: bool = False, **settings: str) -> None:
        by, target = EVERY[name], _endpoint(name, settings)
        for each in told:
            receipt = by.signed(json.dumps(case(name, each)).encode(), at=datetime.now(UTC), case=each)
            for _ in range(1 + twice):
                answer = app.test_client().post(target.path, data=receipt.body, headers=receipt.headers)
                assert answer.status_code == by.provider.success.status, each
            drain()
    return send


def _endpoint(name: str, settings: dict[str, str]) -> Endpoint:
    found = db.session.scalar(select(Endpoint).where(Endpoint.name == name))
    return found or endpoints.add(name, name, [EVERY[name].secrets[0]], by=COMMAND_LINE, settings=settings)


@pytest.mark.alike("paypal")
@pytest.mark.parametrize(("name", "told", "model", "id", "expected"), STORIES, ids=str)
def test_told_in_order_and_each_twice_a_record_stands_as_it_was_said_last(tell, name, told, model, id, expected):
    tell(name, *told, twice=True)

    record = only(model, model.external_id == id)
    assert {field: getattr(record, field) for field in expected} == expected
    assert [each.status for each in events()] == ["done"] * len(told)
    assert sorted(each.verdict for each in receipts()) == ["duplicate"] * len(told) + ["ok"] * len(told)


@pytest.mark.alike("paypal", 0)
@pytest.mark.parametrize("nth", range(2 if SCALE == 1 else 6))
@pytest.mark.parametrize(("name", "told", "model", "id", "expected"), STORIES, ids=str)
def test_in_whatever_order_it_arrives_it_ends_alike(tell, name, told, model, id, expected, nth):
    orders = list(permutations(told))
    tell(name, *orders[(len(orders) - 1 - 7 * nth) % len(orders)])       # the first of them from the end to the beginning

    record = only(model, model.external_id == id)
    assert {field: getattr(record, field) for field in expected} == expected


ALL_OF_IT: list[Any] = [
    ("paypal", ["capture_completed", "capture_refunded_again", "capture_refunded_the_rest"], CAPTURE),
    ("adyen", ["authorised", "refunded", "refunded_the_rest"], "NC6HT9CRT65ZGN82"),
    ("shopify", ["payment_taken", "payment_refunded", "payment_refunded_the_rest"], "389404469"),
]


@pytest.mark.alike("paypal")
@pytest.mark.parametrize(("name", "told", "id"), [(name, list(told), id) for name, all_told, id in ALL_OF_IT
                                                 for told in permutations(all_told)], ids=str)
def test_when_the_refunds_come_to_all_of_a_payment_it_is_refunded_in_whatever_order_they_come(tell, name, told, id):
    for each in told:
        tell(name, each, twice=True)

    record = only(Payment, Payment.external_id == id)
    assert (record.status, record.refunded_minor, record.amount_minor, record.currency) == ("refunded", 24890, 24890, "EUR")


@pytest.mark.parametrize(("name", "told", "id"), ALL_OF_IT, ids=str)
def test_until_then_it_is_refunded_in_part_and_a_retry_of_any_event_changes_nothing(tell, drain, name, told, id):
    tell(name, *told[:2])
    assert only(Payment, Payment.external_id == id).status == "part_refunded"
    tell(name, told[2])
    before = only(Payment, Payment.external_id == id).version

    for each in events():
        retry.retry(each.id, by=COMMAND_LINE)
        drain()

    record = only(Payment, Payment.external_id == id)
    assert (record.status, record.refunded_minor, record.version) == ("refunded", 24890, before)


def test_a_refund_of_paypal_that_tells_no_sum_is_asked_about_where_paypal_is_connected(tell):
    for each in (limiter, breaker, auth):
        each.forget()
    fake = FakePayPal()
    fake.captured(CAPTURE, "REFUNDED")
    with served(fake) as url:
        keys = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        connections.add("paypal", Wanted("PayPal", "", keys, url, True), by=COMMAND_LINE)
        tell("paypal", "capture_completed", "refund_without_a_sum")

    paid = only(Payment)
    assert (paid.external_id, paid.status, paid.refunded_minor) == (CAPTURE, "refunded", 24890)


@pytest.mark.parametrize("told", list(permutations(["authorisation_created", "capture_of_an_authorisation"])))
def test_of_an_authorisation_that_was_captured_only_the_capture_is_left(tell, told):
    tell("paypal", *told)

    assert only(Payment, Payment.external_id == "7W5147081L658180V").trashed_at is not None
    paid = only(Payment, Payment.external_id == CAPTURE)
    assert (paid.status, paid.trashed_at) == ("paid", None)


def test_a_subscriber_of_paypal_is_the_customer_with_that_address_whoever_told_of_them(tell):
    tell("paypal", "subscription_activated")
    tell("paddle", "customer_created")
    tell("paypal", "subscription_updated")

    assert only(Subscription).customer_id == only(Customer).id


def test_of_several_merchants_each_keeps_its_own_payments(tell):
    tell("paypal", "capture_completed", "capture_refunded", option_merchants="several")

    assert only(Payment).account == "paypal/QNPPCJAKMX4T6"


def test_while_the_certificate_of_paypal_cannot_be_fetched_it_comes_again(app, monkeypatch):
    def away(request: object) -> None:
        raise UnavailableThere("Nothing answers.", sent=False)

    by, target = EVERY["paypal"], _endpoint("paypal", {})
    receipt = by.signed(json.dumps(case("paypal", "capture_completed")).encode(), at=datetime.now(UTC))
    pinned.forget()
    monkeypatch.setattr(pinned, "send", away)

    answer = app.test_client().post(target.path, data=receipt.body, headers=receipt.headers)

    assert answer.status_code == 503
    assert events() == receipts() == []


def test_a_certificate_of_somebody_else_is_a_reject(app, monkeypatch):
    by, target = EVERY["paypal"], _endpoint("paypal", {})
    receipt = by.signed(json.dumps(case("paypal", "capture_completed")).encode(), at=datetime.now(UTC))
    monkeypatch.setattr(PayPal, "roots", ())

    answer = app.test_client().post(target.path, data=receipt.body, headers=receipt.headers)

    assert answer.status_code == 400
    assert "known authority" in receipts()[0].reason
    assert events() == []


@pytest.mark.parametrize("name", ["paddle", "chargebee", "easypost"])
def test_a_test_event_goes_the_real_way_and_changes_nothing(app, drain, name):
    made = testing.send(_endpoint(name, {}).id, by=COMMAND_LINE)
    drain()

    assert [(each.id, each.status, each.kind) for each in events()] == [(made, "done", None)]


def test_nobody_but_paypal_can_send_a_test_of_paypal(app):
    with pytest.raises(Conflict, match="Only the provider itself"):
        testing.send(_endpoint("paypal", {}).id, by=COMMAND_LINE)
