"""Paddle: several signatures while a secret is rotated, and each kind of event in our words."""
import hashlib
import hmac
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.integrations.provider import TEST, Unreadable
from tests.providers.contract import NOW, Contract, case

TXN = {"external_id": "txn_01kxf9m1p8987qeep44cyrewp9"}


class TestPaddle(Contract):
    name = "paddle"
    secrets = ("pdl_ntfset_01kxf9m3tw21j988db1pam5xg8_GrOWLNef+vmtjJYq4mSnHNzvc8uWoJ1I",
               "pdl_ntfset_01kxf9m3tw21j988db1pam5xh9_aN0therSecretOfTheDestination0123")
    wrong_secret = "pdl_live_apikey_01kxf9m3tw21j988db1pam5xg8"

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        clock = str(int(at.timestamp()))
        return {"Paddle-Signature": f"ts={clock};h1={_made(body, secret, clock)}"}

    def one(self, name: str) -> Any:
        [change] = self.changes(name)
        return change

    def test_while_a_secret_is_rotated_one_of_several_signatures_will_do(self):
        body, clock = b'{"a": 1}', str(int(NOW.timestamp()))
        header = f"ts={clock};h1={_made(body, self.secrets[1], clock)};h1={_made(body, self.secrets[0], clock)}"

        assert self.proven_by(self.receipt(body, {"Paddle-Signature": header})) == 1

    @pytest.mark.parametrize(("name", "status"), [
        ("transaction_ready", "pending"), ("transaction_billed", "pending"), ("transaction_payment_failed", "failed"),
        ("transaction_paid", "paid"), ("transaction_completed", "paid"), ("transaction_past_due", "failed"),
        ("transaction_canceled", "failed"), ("transaction_revised", "paid"), ("transaction_adjusted", None),
        ("refund_in_part", "part_refunded"), ("refund_in_full", "refunded"), ("chargeback", "disputed"),
        ("chargeback_warning", "disputed"), ("chargeback_reversed", "paid"), ("chargeback_reverse", "paid"),
    ])
    def test_everything_about_a_payment_meets_at_its_transaction(self, name, status):
        change = self.one(name)

        assert (change.resource, change.key) == ("payments", TXN)
        assert change.values.get("status") == status

    def test_a_transaction_is_a_payment_as_of_its_own_clock(self):
        change = self.one("transaction_completed")

        assert change.values == {"status": "paid", "currency": "EUR", "amount_minor": 3000, "method": "card", "order": "10482"}
        assert change.as_of == datetime(2026, 6, 12, 9, 18, 49, 738971, tzinfo=UTC)

    @pytest.mark.parametrize("name", ["transaction_draft_changed", "refund_asked_for", "refund_rejected", "credit"])
    def test_what_moves_no_money_changes_nothing(self, name):
        assert self.changes(name) == []

    @pytest.mark.parametrize("name", ["transaction_opened", "unknown_kind"])
    def test_a_checkout_somebody_opens_is_no_payment(self, name):
        assert [each.kind for each in self.read(name)] == [None]

    def test_only_a_refund_of_all_says_the_sum(self):
        assert self.one("refund_in_part").values == {"status": "part_refunded"}
        assert self.one("refund_in_full").values == {"status": "refunded", "refunded_minor": 3000, "currency": "EUR"}

    @pytest.mark.parametrize(("name", "status", "renews"), [
        ("subscription_created", "active", date(2026, 7, 12)), ("subscription_activated", "active", date(2026, 7, 12)),
        ("subscription_trialing", "trial", date(2026, 6, 26)), ("subscription_past_due", "past_due", date(2026, 7, 12)),
        ("subscription_paused", "paused", None), ("subscription_resumed", "active", date(2026, 9, 1)),
        ("subscription_canceled", "ended", None), ("subscription_imported", "active", date(2026, 7, 12)),
    ])
    def test_a_subscription_stands_as_paddle_says_and_renews_or_does_not(self, name, status, renews):
        change = self.one(name)

        assert change.resource == "subscriptions"
        assert (change.values["status"], change.values["renews_at"]) == (status, renews)

    def test_a_subscription_costs_what_is_asked_for_each_time(self):
        assert self.one("subscription_created").values["amount_minor"] == 2 * 1250 + 500
        assert self.one("subscription_updated").values["amount_minor"] == 3 * 1250 + 500     # and once something more
        assert self.one("subscription_created").values | {} == {
            "status": "active", "currency": "EUR", "amount_minor": 3000, "renews_at": date(2026, 7, 12),
            "customer": {"external_id": "ctm_01kxf9jedq4p1n0yqn5ba3ky4z"},
            "product": {"external_id": "pro_01ktea4t5hdjse780zja8vvr7j"}}

    def test_a_price_in_another_currency_says_nothing_of_the_amount(self):
        values = self.one("subscription_in_another_currency").values

        assert values["currency"] == "USD"
        assert "amount_minor" not in values

    def test_a_customer(self):
        assert self.one("customer_created").values == {"email": "clara.neumann@example.com"}
        assert self.one("customer_updated").values == {"email": "clara.neumann@example.com", "name": "Clara Neumann"}

    @pytest.mark.parametrize("amount", [None, 3000, "30.00", "", "3e3", True])
    def test_an_amount_that_is_no_whole_number_as_text_is_said(self, amount):
        event = case("paddle", "transaction_completed")
        event["data"]["details"]["totals"]["grand_total"] = amount
        [incoming] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        with pytest.raises(Unreadable, match=r"data\.details\.totals\.grand_total"):
            self.provider.changes(incoming, self.endpoint())

    def test_a_test_event_is_proven_and_changes_nothing(self):
        receipt = self.provider.sample(self.endpoint(), NOW)

        assert receipt is not None
        assert self.proven_by(receipt) == 1
        assert [(each.kind, each.said) for each in self.provider.parse(receipt, self.endpoint())] == [(None, TEST)]


def _made(body: bytes, secret: str, clock: str) -> str:
    return hmac.new(secret.encode(), f"{clock}:".encode() + body, hashlib.sha256).hexdigest()
