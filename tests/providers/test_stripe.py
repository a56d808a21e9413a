"""Stripe: its signatures as the official library makes them, and each kind of event in our words."""
import hashlib
import hmac
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
import stripe

from app.integrations.provider import Rejected, Unreadable
from app.records.changes import Change
from tests.providers.contract import NOW, Contract, case


class TestStripe(Contract):
    name = "stripe"
    secrets = ("whsec_aaaaaaaaaaaaaaaaaaaaaaaa", "whsec_bbbbbbbbbbbbbbbbbbbbbbbb")

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        clock = int(at.timestamp())
        if not body.isascii():      # the library signs text; bytes that are none are signed by the same rule
            made = hmac.new(secret.encode(), f"{clock}.".encode() + body, hashlib.sha256).hexdigest()
        else:
            made = stripe.WebhookSignature._compute_signature(f"{clock}.{body.decode()}", secret)
        return {"Stripe-Signature": f"t={clock},v1={made}"}

    def one(self, name: str) -> Change:
        [change] = self.changes(name)
        return change

    def test_one_of_several_signatures_is_enough(self):
        good = self.sign(b"{}", self.secrets[0], NOW)["Stripe-Signature"]
        clock, _, signature = good.partition(",")
        receipt = self.receipt(b"{}", {"stripe-signature": f"{clock},v1={'0' * 64},{signature},v0=zzz"})

        assert self.proven_by(receipt) == 1

    def test_a_signature_of_the_test_scheme_proves_nothing(self):
        good = self.sign(b"{}", self.secrets[0], NOW)["Stripe-Signature"]

        with pytest.raises(Rejected, match="no v1"):
            self.provider.verify(self.receipt(b"{}", {"Stripe-Signature": good.replace("v1=", "v0=")}), self.endpoint(), NOW)

    @pytest.mark.parametrize(("name", "status"), [
        ("payment_created", "pending"), ("payment_needs_action", "pending"), ("payment_attempt_failed", "failed"),
        ("payment_authorised", "authorised"), ("payment_succeeded", "paid"), ("payment_canceled", "failed"),
        ("charge_authorised", "authorised"), ("charge_succeeded", "paid"), ("charge_failed", "failed"),
        ("charge_captured_in_part", "paid"), ("charge_refunded_in_part", "part_refunded"), ("charge_refunded", "refunded"),
        ("refund_created", "part_refunded"), ("dispute_created", "disputed"), ("dispute_won", "paid"), ("dispute_lost", "disputed"),
    ])
    def test_everything_about_a_payment_meets_at_its_intent(self, name, status):
        change = self.one(name)

        assert (change.resource, change.key) == ("payments", {"external_id": "pi_3QkTb2"})
        assert change.values["status"] == status
        assert change.values["currency"] == "EUR"

    def test_events_of_a_payment_are_of_one_object(self):
        about = {self.read(name)[0].object_key for name in ("payment_created", "charge_refunded", "refund_created", "dispute_won")}

        assert about == {"pi_3QkTb2"}

    def test_a_charge_without_an_intent_is_a_payment_of_its_own(self):
        assert self.one("charge_without_intent").key == {"external_id": "ch_old"}

    def test_a_succeeded_payment_says_all_it_knows(self):
        change = self.one("payment_succeeded")

        assert change.values == {"amount_minor": 24890, "currency": "EUR", "status": "paid", "method": "card", "order": "10482"}
        assert change.as_of == datetime(2026, 6, 12, 2, 57, 40, tzinfo=UTC)

    def test_a_capture_in_part_is_what_was_paid(self):
        assert self.one("charge_captured_in_part").values["amount_minor"] == 20000

    def test_a_refunded_charge_says_how_much_went_back(self):
        assert self.one("charge_refunded_in_part").values["refunded_minor"] == 2490

    def test_a_refund_says_nothing_of_the_sum(self):
        assert "refunded_minor" not in self.one("refund_created").values

    def test_a_refund_counts_as_of_its_own_moment(self):
        assert self.one("refund_updated_days_later").as_of == self.one("charge_refunded_in_part").as_of

    def test_a_refund_that_failed_says_nothing(self):
        assert self.changes("refund_failed") == []

    def test_a_dispute_says_nothing_of_the_amount_paid(self):
        assert self.one("dispute_created").values == {"currency": "EUR", "status": "disputed"}

    def test_a_customer(self):
        change = self.one("customer_created")

        assert (change.resource, change.key) == ("customers", {"external_id": "cus_Q1"})
        assert change.values == {"email": "clara.neumann@example.com", "name": "Clara Neumann", "phone": "+43 316 555 010",
                                 "country": "AT"}

    @pytest.mark.parametrize(("name", "status"), [
        ("subscription_trial", "trial"), ("subscription_past_due", "past_due"), ("subscription_collection_paused", "paused"),
        ("subscription_ended", "ended"), ("subscription_before_2025", "active"),
    ])
    def test_a_subscription_has_a_status_of_ours(self, name, status):
        assert self.one(name).values["status"] == status

    def test_a_subscription_costs_price_times_quantity_and_names_who_and_what(self):
        values = self.one("subscription_trial").values

        assert values["amount_minor"] == 2970
        assert (values["customer"], values["product"]) == ({"external_id": "cus_Q1"}, {"external_id": "prod_Tea"})
        assert values["renews_at"].date() == date(2026, 7, 12)

    def test_before_2025_the_period_was_said_of_the_whole_subscription(self):
        assert self.one("subscription_before_2025").values["renews_at"].date() == date(2026, 6, 13)

    @pytest.mark.parametrize("name", ["unknown_kind", "thin_event"])
    def test_kinds_we_do_not_act_on_are_known_as_such(self, name):
        [incoming] = self.read(name)

        assert incoming.kind is None
        assert incoming.said == case("stripe", name)["type"]

    @pytest.mark.parametrize(("currency", "amount", "minor"), [
        ("jpy", 500, 500), ("isk", 50000, 500), ("ugx", 50000, 500), ("mga", 500, 50000), ("kwd", 5000, 5000),
    ])
    def test_smallest_units_are_those_of_the_currency(self, currency, amount, minor):
        event = case("stripe", "payment_created")
        event["data"]["object"] |= {"currency": currency, "amount": amount}
        [incoming] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        [change] = self.provider.changes(incoming, self.endpoint())

        assert change.values["amount_minor"] == minor

    def told(self, name: str, field: str, *value: object) -> list[Change]:
        """What a case says whose field has another value, or none at all."""
        event = case("stripe", name)
        *path, last = (int(step) if step.isdigit() else step for step in field.split("."))
        inside: Any = event
        for step in path:
            inside = inside[step]
        inside.pop(last) if not value else inside.update({last: value[0]})
        [incoming] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())
        return self.provider.changes(incoming, self.endpoint())

    @pytest.mark.parametrize("value", [(), (None,), ("24890",), (True,), (24890.0,), ([],)], ids=str)
    @pytest.mark.parametrize(("name", "field"), [
        ("payment_created", "amount"), ("payment_succeeded", "amount_received"), ("charge_succeeded", "amount_refunded"),
        ("charge_authorised", "amount"), ("refund_created", "amount"), ("refund_failed", "amount"),
    ])
    def test_an_amount_that_is_no_number_is_said_by_its_name(self, name, field, value):
        with pytest.raises(Unreadable, match=rf"^data\.object\.{field} must be a whole number, and is .+\.$"):
            self.told(name, f"data.object.{field}", *value)

    @pytest.mark.parametrize("value", [(None,), ("20000",), (True,), (2.5,)], ids=str)
    def test_nor_does_a_capture_without_a_number_fall_back_on_the_whole(self, value):
        with pytest.raises(Unreadable, match="amount_captured must be"):
            self.told("charge_captured_in_part", "data.object.amount_captured", *value)

    @pytest.mark.parametrize("value", [(), ("990",), (True,), (9.9,)], ids=str)
    def test_the_price_of_a_subscription_is_a_number(self, value):
        with pytest.raises(Unreadable, match=r"items\.data\.0\.price\.unit_amount must be a whole number"):
            self.told("subscription_trial", "data.object.items.data.0.price.unit_amount", *value)

    def test_a_price_in_tiers_has_no_single_amount(self):
        [change] = self.told("subscription_trial", "data.object.items.data.0.price.unit_amount", None)

        assert "amount_minor" not in change.values

    def test_a_subscription_of_a_plan_costs_what_the_plan_says(self):
        event = case("stripe", "subscription_before_2025")
        event["data"]["object"] |= {"items": {}, "plan": {"amount": 700, "currency": "usd", "product": "prod_Tea"}}
        [incoming] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        [change] = self.provider.changes(incoming, self.endpoint())

        assert (change.values["amount_minor"], change.values["currency"]) == (700, "USD")

    def test_a_subscription_to_nothing_is_said_so(self):
        with pytest.raises(Unreadable, match=r"items\.data\.0\.price must be an object, and is missing\."):
            self.told("subscription_trial", "data.object.items", {"data": []})

    @pytest.mark.parametrize("value", [(), (None,), (978,), (True,), ("",)], ids=str)
    @pytest.mark.parametrize("name", ["payment_created", "charge_succeeded", "refund_created", "dispute_created"])
    def test_a_currency_that_is_no_text_is_said_by_its_name(self, name, value):
        with pytest.raises(Unreadable, match=r"^data\.object\.currency must be text, and is .+\.$"):
            self.told(name, "data.object.currency", *value)

    @pytest.mark.parametrize("value", ["soon", True, "", [], False])
    @pytest.mark.parametrize(("name", "field"), [
        ("payment_created", "created"), ("refund_created", "data.object.created"),
        ("subscription_before_2025", "data.object.current_period_end"),
        ("subscription_trial", "data.object.items.data.0.current_period_end"),
    ])
    def test_a_time_that_is_no_number_is_said_by_its_name(self, name, field, value):
        with pytest.raises(Unreadable, match=rf"^{field} must be a moment in seconds, and is "):
            self.told(name, field, value)
