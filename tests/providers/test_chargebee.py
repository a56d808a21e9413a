"""Chargebee: proven by user and password, dated by the version of each object, and each kind of event in our words."""
import base64
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.integrations.provider import TEST, Unreadable
from tests.providers.contract import NOW, Contract, case

T0 = 1781255000


class TestChargebee(Contract):
    name = "chargebee"
    secrets = ("chargebee:a-long-passw:rd", "chargebee:the-next-password")
    has_clock = signs_body = False

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        return {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}

    def one(self, name: str, resource: str = "") -> Any:
        [change] = [each for each in self.changes(name) if resource in ("", each.resource)]
        return change

    @pytest.mark.parametrize("secret", ["", "chargebee", "chargebee:", ":password"])
    def test_a_secret_is_user_and_password(self, secret):
        with pytest.raises(ValueError, match="user:password"):
            self.provider.check_secret(secret)

    @pytest.mark.parametrize(("name", "status", "refunded"), [
        ("payment_initiated", "pending", None), ("payment_succeeded", "paid", None), ("payment_failed", "failed", None),
        ("payment_late_failure", "failed", None), ("payment_refunded_in_part", "part_refunded", None),
        ("payment_refunded", "refunded", 2140), ("refund_linked_by_payments", "part_refunded", None),
        ("transaction_updated_after_a_refund", "part_refunded", 500), ("transaction_refunded_bit_by_bit", "refunded", 2140),
        ("transaction_written_in", "paid", None),
    ])
    def test_everything_about_a_payment_meets_at_its_transaction(self, name, status, refunded):
        change = self.one(name, "payments")

        assert change.key == {"external_id": "txn_AzqK1sUxGkPay1"}
        assert (change.values["status"], change.values.get("refunded_minor")) == (status, refunded)

    def test_an_authorisation_is_no_money_yet_or_never(self):
        assert self.one("authorised").values["status"] == "authorised"
        assert self.one("authorisation_voided").values["status"] == "failed"

    def test_a_transaction_is_a_payment_as_of_its_version(self):
        change = self.one("payment_succeeded", "payments")

        assert change.values == {"status": "paid", "currency": "EUR", "amount_minor": 2140, "method": "card"}
        assert change.as_of == datetime.fromtimestamp(T0 + 10, UTC).replace(microsecond=310_000)

    def test_a_refund_that_failed_gave_nothing_back(self):
        assert self.changes("refund_that_failed") == []

    def test_a_payment_tells_how_its_subscription_stands_too(self):
        assert self.one("payment_succeeded", "subscriptions").values["status"] == "active"
        assert self.one("payment_failed", "subscriptions").values["status"] == "past_due"

    @pytest.mark.parametrize(("name", "status"), [
        ("subscription_created", "active"), ("subscription_started", "active"), ("subscription_trial", "trial"),
        ("subscription_trial_extended", "trial"), ("subscription_activated", "active"), ("subscription_renewed", "active"),
        ("subscription_scheduled_cancellation_removed", "active"), ("subscription_reactivated", "active"),
        ("subscription_resumed", "active"),
    ])
    def test_a_subscription_that_goes_on_says_when_it_renews(self, name, status):
        values = self.one(name).values

        assert values["status"] == status
        assert values["renews_at"] is not None

    @pytest.mark.parametrize(("name", "status"), [
        ("subscription_cancellation_scheduled", "active"), ("subscription_cancelled", "ended"), ("subscription_paused", "paused")])
    def test_one_that_does_not_renew_says_so(self, name, status):
        values = self.one(name).values

        assert (values["status"], values["renews_at"]) == (status, None)

    def test_what_lies_in_the_future_is_no_subscription_yet(self):
        assert self.changes("subscription_in_the_future") == []

    def test_a_subscription_costs_its_plan_and_add_ons(self):
        assert self.one("subscription_created").values == {
            "status": "active", "currency": "EUR", "amount_minor": 1750, "renews_at": date(2026, 7, 12),
            "customer": {"external_id": "AzqK1sUxGjHbC1"}, "product": {"external_id": "tea-of-the-month-EUR-Monthly"}}
        assert self.one("subscription_changed").values["amount_minor"] == 2500
        assert self.one("subscription_of_the_older_catalogue").values["amount_minor"] == 1750
        assert "amount_minor" not in self.one("subscription_in_tiers").values

    def test_a_customer(self):
        assert self.one("customer_changed").values == {
            "email": "clara.neumann@example.com", "name": "Clara Neumann", "phone": "+43 316 555 0142", "company": "Neumann Tee",
            "country": "AT"}
        assert "phone" not in self.one("customer_created").values

    def test_without_a_version_the_second_it_was_changed_counts(self):
        assert self.one("customer_without_a_version").as_of == datetime.fromtimestamp(T0 + 1, UTC)

    @pytest.mark.parametrize(("name", "resource"), [("customer_deleted", "customers"), ("subscription_deleted", "subscriptions")])
    def test_what_is_deleted_goes_to_the_trash(self, name, resource):
        change = self.one(name)

        assert change.resource == resource
        assert set(change.values) == {"trashed_at"}

    def test_kinds_we_do_not_act_on_are_ignored(self):
        assert [each.kind for each in self.read("unknown_kind")] == [None]

    @pytest.mark.parametrize(("name", "value"), [("amount", "21.40"), ("amount", None), ("currency_code", "euro"),
                                                 ("resource_version", "now"), ("id", 7)])
    def test_a_value_that_is_none_is_said_by_its_name(self, name, value):
        event = case("chargebee", "payment_succeeded")
        event["content"]["transaction"][name] = value

        with pytest.raises(Unreadable, match=rf"content\.transaction\.{name}"):
            for incoming in self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint()):
                self.provider.changes(incoming, self.endpoint())

    def test_a_test_event_is_proven_and_changes_nothing(self):
        receipt = self.provider.sample(self.endpoint(), NOW)

        assert receipt is not None
        assert self.proven_by(receipt) == 1
        assert [(each.kind, each.said) for each in self.provider.parse(receipt, self.endpoint())] == [(None, TEST)]
