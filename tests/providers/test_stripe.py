"""Stripe: its signatures as the official library makes them, and each kind of event in our words."""
import hashlib
import hmac
import json
from datetime import UTC, date, datetime

import pytest
import stripe

from app.integrations.provider import Rejected
from app.records.changes import Change
from tests.providers.contract import NOW, Contract, case


class TestStripe(Contract):
    name = "stripe"
    secrets = ("whsec_aaaaaaaaaaaaaaaaaaaaaaaa", "whsec_bbbbbbbbbbbbbbbbbbbbbbbb")

    def sign(self, body: bytes, secret: str, at: datetime) -> dict[str, str]:
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

        assert self.provider.verify(receipt, self.endpoint(), NOW).id == 1

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

