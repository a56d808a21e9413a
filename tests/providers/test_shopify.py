"""Shopify: bodies signed with the client secret, headers nobody signs, and each topic in our words."""
import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.integrations.provider import Unreadable
from tests.providers.contract import NOW, Contract

TOPICS = {
    "order_placed": "orders/create", "order_awaits_money": "orders/create", "order_paid": "orders/paid",
    "order_shipped": "orders/fulfilled", "order_shipped_in_part": "orders/partially_fulfilled",
    "order_cancelled": "orders/cancelled", "order_refunded_in_part": "orders/updated", "order_deleted": "orders/delete",
    "order_edited": "orders/edited", "payment_taken": "order_transactions/create",
    "payment_authorised": "order_transactions/create", "payment_declined": "order_transactions/create",
    "payment_captured": "order_transactions/create", "payment_voided": "order_transactions/create",
    "payment_refunded": "order_transactions/create", "payment_refunded_the_rest": "order_transactions/create", "refund_that_failed": "order_transactions/create",
    "customer_changed": "customers/update", "customer_deleted": "customers/delete",
    "product_with_variants": "products/update", "product_of_one_kind": "products/create",
    "parcel_handed_over": "fulfillments/create", "parcel_delivered": "fulfillments/update",
    "parcel_not_met": "fulfillments/update", "parcel_without_number": "fulfillments/create", "unknown_kind": "carts/update",
}
ORDER, PAYMENT = {"external_id": "820982911946154500"}, {"external_id": "389404469"}


class TestShopify(Contract):
    name = "shopify"
    secrets = ("shpss_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b" * 64)
    wrong_secret = "shpat_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    has_clock = False
    options = {"currency": "eur"}

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        made = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
        return {"X-Shopify-Hmac-SHA256": made, "X-Shopify-Topic": TOPICS.get(case, "orders/create"),
                "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043", "X-Shopify-Shop-Domain": "tea.myshopify.com"}

    def one(self, name: str) -> Any:
        [change] = self.changes(name)
        return change

    def test_the_newer_name_of_the_header_means_the_same(self):
        receipt = self.signed(b"{}")
        headers = {"shopify-hmac-sha256": receipt.header("X-Shopify-Hmac-SHA256"), "shopify-topic": "orders/create"}

        assert self.provider.verify(self.receipt(b"{}", headers), self.endpoint(), NOW) is not None

    def test_an_order_begins_with_its_address_and_what_it_costs(self):
        change = self.one("order_placed")

        assert (change.resource, change.key) == ("orders", ORDER)
        assert change.values == {
            "number": "10482", "currency": "EUR", "total": "248.90", "payment_status": "paid", "status": "placed", "channel": "web",
            "customer": {"external_id": "115310627314723950"}, "street": "Herrengasse 4, Top 7", "postcode": "8010", "city": "Graz",
            "country": "AT", "phone": "+43 316 555 0142", "note": "Please ring twice", "weight": 1250,
            "placed_at": datetime(2026, 6, 12, 7, 40, tzinfo=UTC)}
        assert change.as_of == datetime(2026, 6, 12, 7, 41, tzinfo=UTC)

    @pytest.mark.parametrize(("name", "status", "paid"), [
        ("order_paid", None, "paid"), ("order_awaits_money", "placed", "pending"), ("order_shipped", "shipped", "paid"),
        ("order_shipped_in_part", None, "paid"), ("order_cancelled", "cancelled", "failed"),
        ("order_refunded_in_part", "shipped", "part_refunded"),
    ])
    def test_later_only_what_shopify_decided_is_said(self, name, status, paid):
        change = self.one(name)

        assert (change.values.get("status"), change.values["payment_status"]) == (status, paid)
        assert ("street" in change.values) == (name == "order_awaits_money")

    @pytest.mark.parametrize(("name", "resource"), [("order_deleted", "orders"), ("customer_deleted", "customers")])
    def test_what_is_deleted_goes_to_the_trash_as_of_when_we_heard(self, name, resource):
        change = self.one(name)

        assert (change.resource, change.values, change.as_of) == (resource, {"trashed_at": NOW}, NOW)

    @pytest.mark.parametrize(("name", "status"), [
        ("payment_taken", "paid"), ("payment_authorised", "authorised"), ("payment_declined", "failed"), ("payment_captured", "paid"),
        ("payment_voided", "failed"), ("payment_refunded", "part_refunded"), ("payment_refunded_the_rest", "part_refunded"),
    ])
    def test_transactions_meet_at_the_one_they_began_with(self, name, status):
        change = self.one(name)

        assert (change.resource, change.key, change.values["status"]) == ("payments", PAYMENT, status)
        assert self.read(name)[0].object_key == "transaction:389404469"

    def test_a_part_of_a_payment_says_nothing_of_the_whole(self):
        change = self.one("payment_refunded")

        assert (set(change.values), change.parts) == ({"status", "method", "currency"}, {"refunded_minor": ("389404472", 4890)})
        assert self.one("payment_taken").values["order"] == ORDER

    def test_a_customer(self):
        assert self.one("customer_changed").values == {
            "email": "clara.neumann@example.com", "name": "Clara Neumann", "company": "Neumann Tee", "country": "AT"}

    def test_each_variant_with_a_sku_is_a_product(self):
        assert [(each.key, each.values["name"], each.values["price"], each.values["currency"])
                for each in self.changes("product_with_variants")] == [
            ({"external_id": "642667041472713900"}, "Darjeeling 100 g", "12.50", "EUR"),
            ({"external_id": "642667041472714000"}, "Darjeeling 250 g", "27.00", "EUR")]
        assert self.one("product_of_one_kind").values == {
            "sku": "POT-1", "name": "Tea pot", "price": "39.00", "currency": "EUR", "is_active": False}

    def test_without_the_currency_of_the_shop_products_are_left_alone(self):
        [incoming] = self.provider.parse(self.sent("product_of_one_kind"), replace(self.endpoint(), options={}))

        assert incoming.kind is None

    @pytest.mark.parametrize(("name", "status"), [
        ("parcel_handed_over", None), ("parcel_delivered", "delivered"), ("parcel_not_met", "held_up")])
    def test_a_parcel_is_a_delivery_of_its_order(self, name, status):
        change = self.one(name)

        assert (change.resource, change.key, change.values.get("status")) == ("deliveries", {"external_id": "123456"}, status)
        assert change.values["order"] == ORDER

    @pytest.mark.parametrize("name", ["parcel_without_number", "refund_that_failed"])
    def test_some_say_nothing_we_keep(self, name):
        assert self.changes(name) == []

    @pytest.mark.parametrize("name", ["unknown_kind", "order_edited"])
    def test_topics_we_do_not_act_on_are_ignored(self, name):
        assert self.read(name)[0].kind is None

    def test_another_delivery_of_the_same_body_is_the_same_event(self):
        again = self.sent("order_paid")
        again = replace(again, headers={**again.headers, "X-Shopify-Webhook-Id": "another"})

        assert self.provider.parse(again, self.endpoint())[0].dedupe_key == self.read("order_paid")[0].dedupe_key

    def test_the_currency_of_the_shop_has_three_letters(self):
        assert self.provider.check_options({"currency": "euro"}) == {"currency": "Give three letters, like EUR."}
        assert self.provider.check_options({"currency": ""}) == {}

    def test_an_order_without_a_number_is_said_so(self):
        with pytest.raises(Unreadable, match="number of the order"):
            [incoming] = self.provider.parse(self.signed(b'{"id": 1, "created_at": "2026-06-12T07:41:00Z"}'), self.endpoint())
            self.provider.changes(incoming, self.endpoint())
