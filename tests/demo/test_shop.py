"""The invented shop: the same seed makes the same, and everything in it hangs together."""
import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.commerce import deliveries, orders, payments, subscriptions
from app.demo import words
from app.demo.shop import DAYS, build

NOW = datetime(2026, 6, 12, 15, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop():
    return build(600, 1, NOW)


def test_the_same_seed_makes_the_same_shop():
    assert build(50, 7, NOW) == build(50, 7, NOW)


def test_another_seed_makes_another_shop():
    assert build(50, 7, NOW) != build(50, 8, NOW)


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 80), seed=st.integers(0, 2**32))
def test_there_are_as_many_orders_as_asked_for_and_none_is_doubled(count, seed):
    shop = build(count, seed, NOW)
    assert len(shop.orders) == count
    for things, key in ((shop.orders, "number"), (shop.customers, "email"), (shop.products, "sku"), (shop.payments, "external_id"),
                        (shop.deliveries, "tracking_number"), (shop.subscriptions, "external_id")):
        assert len({thing[key] for thing in things}) == len(things)


def test_orders_are_of_the_last_ninety_days_and_numbered_as_they_came(shop):
    moments = [order["placed_at"] for order in shop.orders]
    assert moments == sorted(moments)
    assert moments[-1] < NOW
    assert moments[0] > NOW - timedelta(days=DAYS + 1)
    assert [int(order["number"]) for order in shop.orders] == list(range(10001, 10601))


def test_the_newest_order_is_fresh():
    assert NOW - build(2000, 1, NOW).orders[-1]["placed_at"] < timedelta(hours=12)


def test_an_order_costs_what_its_lines_cost(shop):
    assert all(order["total_minor"] == sum(line["quantity"] * line["unit_price_minor"] for line in order["lines"])
               for order in shop.orders)
    assert all(order["lines"] and order["total_minor"] > 0 for order in shop.orders)


def test_everything_refers_to_something_that_is_there(shop):
    numbers = {order["number"] for order in shop.orders}
    emails = {customer["email"] for customer in shop.customers}
    skus = {product["sku"] for product in shop.products}
    assert {order["customer"] for order in shop.orders} <= emails
    assert {line["product"] for order in shop.orders for line in order["lines"]} <= skus
    assert {payment["order"] for payment in shop.payments} <= numbers
    assert {delivery["order"] for delivery in shop.deliveries} <= numbers
    assert {subscription["customer"] for subscription in shop.subscriptions} <= emails
    assert {subscription["product"] for subscription in shop.subscriptions} <= skus


def test_states_are_states_we_have(shop):
    assert {order["status"] for order in shop.orders} <= {state.name for state in orders.STATES}
    assert {payment["status"] for payment in shop.payments} <= {state.name for state in payments.STATES}
    assert {delivery["status"] for delivery in shop.deliveries} <= {state.name for state in deliveries.STATES}
    assert {subscription["status"] for subscription in shop.subscriptions} <= {state.name for state in subscriptions.STATES}


def test_money_is_where_the_order_says(shop):
    last = {payment["order"]: payment for payment in shop.payments}
    for order in shop.orders:
        if order["status"] == "draft":
            assert order["number"] not in last
        else:
            assert last[order["number"]]["status"] == order["payment_status"]
            assert last[order["number"]]["amount_minor"] == order["total_minor"]


def test_nothing_is_refunded_beyond_what_was_paid(shop):
    for payment in shop.payments:
        assert 0 <= payment["refunded_minor"] <= payment["amount_minor"]
        assert (payment["refunded_minor"] == payment["amount_minor"]) == (payment["status"] == "refunded")
        assert (payment["refunded_minor"] > 0) == (payment["status"] in ("refunded", "part_refunded"))


def test_what_was_never_sent_has_no_parcel(shop):
    sent = {delivery["order"] for delivery in shop.deliveries}
    for order in shop.orders:
        if order["status"] in ("draft", "placed", "cancelled"):
            assert order["number"] not in sent
        if order["status"] in ("shipped", "delivered", "returned"):
            assert order["number"] in sent


def test_most_orders_are_delivered_and_every_state_is_seen():
    states = Counter(order["status"] for order in build(2000, 1, NOW).orders)
    assert states["delivered"] > 1000
    assert set(states) == {state.name for state in orders.STATES}


def test_addresses_are_nobodys(shop):
    assert all(re.fullmatch(r"[\w.]+@example\.com", customer["email"]) for customer in shop.customers)
    assert all(customer["phone"].startswith("+00 ") for customer in shop.customers)
    assert all(email.endswith("@example.com") for email, _, _ in words.TEAM)
