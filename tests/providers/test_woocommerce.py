"""WooCommerce: bodies signed with the webhook's secret, the ping that is not, and each topic in our words."""
import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.integrations.provider import Rejected
from tests.providers.contract import NOW, Contract

TOPICS = {
    "order_placed": "order.created", "order_of_a_guest": "order.created", "order_deleted": "order.deleted",
    "customer_changed": "customer.updated", "customer_deleted": "customer.deleted", "product_changed": "product.updated",
    "product_without_a_price": "product.created", "product_deleted": "product.deleted", "unknown_kind": "action.woocommerce_add_to_cart",
}


class TestWooCommerce(Contract):
    name = "woocommerce"
    secrets = ("a secret?of-the.shop".replace(" ", "-"), "another-secret-of-the-shop")
    wrong_secret = "ck_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    has_clock = False
    options = {"currency": "EUR"}

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        made = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        return {"X-WC-Webhook-Signature": made, "X-WC-Webhook-Topic": TOPICS.get(case, "order.updated"),
                "X-WC-Webhook-Delivery-ID": "0ab1", "X-WC-Webhook-Source": "https://tea.example/"}

    def one(self, name: str) -> Any:
        [change] = self.changes(name)
        return change

    def test_an_order_begins_with_its_address_and_what_it_costs(self):
        change = self.one("order_placed")

        assert (change.resource, change.key) == ("orders", {"external_id": "727"})
        assert change.values == {
            "number": "727", "currency": "EUR", "total": "248.90", "payment_status": "paid", "status": "placed", "channel": "checkout",
            "customer": {"external_id": "26"}, "street": "Lendplatz 2", "postcode": "8020", "city": "Graz", "country": "AT",
            "phone": "+43 316 555 0142", "note": "Please ring twice", "placed_at": datetime(2026, 6, 12, 7, 40, tzinfo=UTC)}
        assert change.as_of == datetime(2026, 6, 12, 7, 41, tzinfo=UTC)

    def test_a_guest_is_no_customer_and_lives_where_the_bill_goes(self):
        values = self.one("order_of_a_guest").values

        assert "customer" not in values
        assert values["street"] == "Herrengasse 4"

    @pytest.mark.parametrize(("name", "status", "paid"), [
        ("order_awaits_money", None, "pending"), ("order_completed", "shipped", "paid"), ("order_cancelled", "cancelled", None),
        ("order_failed", "cancelled", "failed"), ("order_refunded", None, "refunded"), ("order_refunded_in_part", None, "part_refunded"),
    ])
    def test_later_only_what_the_shop_decided_is_said(self, name, status, paid):
        values = self.one(name).values

        assert (values.get("status"), values.get("payment_status"), "street" in values) == (status, paid, False)

    @pytest.mark.parametrize(("name", "resource"), [
        ("order_deleted", "orders"), ("customer_deleted", "customers"), ("product_deleted", "products")])
    def test_what_is_deleted_goes_to_the_trash_as_of_when_we_heard(self, name, resource):
        change = self.one(name)

        assert (change.resource, change.values, change.as_of) == (resource, {"trashed_at": NOW}, NOW)

    def test_a_customer_and_a_product(self):
        assert self.one("customer_changed").values == {
            "email": "clara.neumann@example.com", "name": "Clara Neumann", "phone": "+43 316 555 0142", "company": "Neumann Tee",
            "country": "AT"}
        assert self.one("product_changed").values == {
            "sku": "TEA-100", "name": "Darjeeling 100 g", "price": "12.50", "currency": "EUR", "is_active": True}

    def test_a_product_that_cannot_be_sold_says_nothing(self):
        assert self.changes("product_without_a_price") == []

    def test_without_the_currency_of_the_shop_products_are_left_alone(self):
        [incoming] = self.provider.parse(self.sent("product_changed"), replace(self.endpoint(), options={}))

        assert incoming.kind is None

    def test_topics_we_do_not_act_on_are_ignored(self):
        assert self.read("unknown_kind")[0].kind is None

    def test_the_ping_of_a_new_webhook_is_answered_though_nobody_signs_it(self):
        ping = self.receipt(b"webhook_id=42", {"Content-Type": "application/x-www-form-urlencoded"})

        answer = self.provider.greet(ping, self.endpoint())

        assert answer is not None
        assert answer.status == 200

    @pytest.mark.parametrize("body", [b"webhook_id=42&x=1", b"{}", b"", b"webhook_id="])
    def test_nothing_else_is_a_ping(self, body):
        assert self.provider.greet(self.receipt(body, {}), self.endpoint()) is None
        with pytest.raises(Rejected):
            self.provider.verify(self.receipt(body, {}), self.endpoint(), NOW)
