"""Adyen: items that are signed one by one, and each kind of event in our words."""
import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from app.integrations.provider import Rejected
from tests.providers.contract import NOW, Contract, case

FIELDS = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference", "value", "currency", "eventCode", "success")


class TestAdyen(Contract):
    name = "adyen"
    secrets = ("44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056",
               "74F490DD33F7327BAECC88B2947C011FC02D014A473AAA33A8EC93E4DC069174")
    has_clock = False
    minimal = b'{"notificationItems": [{"NotificationRequestItem": {"pspReference": "1"}}]}'

    def seal(self, body: bytes, secret: str, at: datetime) -> bytes:
        try:
            event = json.loads(body)
            for each in event["notificationItems"]:
                item = each["NotificationRequestItem"]
                if not isinstance(item.get("additionalData"), dict):
                    item["additionalData"] = {}
                item["additionalData"]["hmacSignature"] = _signature(item, secret)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return body
        return json.dumps(event).encode()

    def one(self, name: str) -> Any:
        [change] = self.changes(name)
        return change

    @pytest.mark.parametrize(("name", "status"), [
        ("authorised", "paid"), ("refused", "failed"), ("pending", "pending"), ("offer_closed", "failed"), ("captured", "paid"),
        ("capture_failed", "failed"), ("cancelled", "failed"), ("expired", "failed"), ("refunded", "part_refunded"), ("refunded_the_rest", "part_refunded"),
        ("cancelled_or_refunded", "refunded"), ("cancelled_instead_of_refunded", "failed"), ("refund_failed", "paid"),
        ("dispute_opened", "disputed"), ("chargeback", "disputed"), ("chargeback_reversed", "paid"),
    ])
    def test_everything_about_a_payment_meets_at_its_authorisation(self, name, status):
        change = self.one(name)

        assert (change.resource, change.key) == ("payments", {"external_id": "NC6HT9CRT65ZGN82"})
        assert change.values["status"] == status

    def test_an_authorisation_tells_of_the_payment_as_of_its_own_clock(self):
        change = self.one("authorised")

        assert change.values == {"status": "paid", "currency": "EUR", "amount_minor": 24890, "method": "visa", "order": "10482"}
        assert change.as_of == datetime(2026, 6, 12, 9, 41, 7, tzinfo=timezone(timedelta(hours=2))).astimezone(UTC)

    def test_where_payments_are_captured_by_hand_authorised_is_not_paid(self):
        [incoming] = self.read("authorised")
        [change] = self.provider.changes(incoming, replace(self.endpoint(), options={"capture": "by hand"}))

        assert change.values["status"] == "authorised"

    def test_a_part_says_nothing_of_the_whole(self):
        for name in ("captured", "chargeback"):
            assert set(self.one(name).values) == {"status"}

    @pytest.mark.parametrize(("name", "part"), [
        ("refunded", ("NC6HT9CRT65ZGN95", 4890)), ("refunded_the_rest", ("NC6HT9CRT65ZGN97", 20000)),
        ("refund_failed", ("NC6HT9CRT65ZGN98 failed", -4890))])
    def test_a_refund_is_a_part_of_the_sum_of_all_and_one_that_failed_is_none(self, name, part):
        change = self.one(name)

        assert (set(change.values), change.parts) == ({"status", "currency"}, {"refunded_minor": part})
        assert self.one("cancelled_or_refunded").parts is None

    @pytest.mark.parametrize("name", ["capture_refused", "report_available"])
    def test_what_changes_nothing_is_ignored(self, name):
        assert self.read(name)[0].kind is None

    @pytest.mark.parametrize(("currency", "amount", "minor"), [("ISK", 50000, 500), ("IDR", 500, 50000), ("JPY", 500, 500)])
    def test_smallest_units_are_those_of_the_currency(self, currency, amount, minor):
        event = case("adyen", "authorised")
        event["notificationItems"][0]["NotificationRequestItem"]["amount"] = {"currency": currency, "value": amount}
        [incoming] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        [change] = self.provider.changes(incoming, self.endpoint())

        assert change.values["amount_minor"] == minor

    def test_of_a_batch_the_forged_items_are_named(self):
        event = json.loads(self.sent("batch").body)
        event["notificationItems"][1]["NotificationRequestItem"]["amount"]["value"] = 1
        receipt = self.receipt(json.dumps(event).encode(), {})

        found = self.provider.parse(receipt, self.endpoint())

        assert self.proven_by(receipt) == 1
        assert set(self.provider.refused(receipt, self.endpoint(), found)) == {1}
        assert len(found) == 3

    def test_an_item_that_cannot_be_read_costs_the_others_nothing(self):
        event = case("adyen", "batch")
        event["notificationItems"][1]["NotificationRequestItem"]["eventDate"] = "yesterday"

        found = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        assert [bool(each.unread) for each in found] == [False, True, False]
        assert "eventDate" in found[1].unread

    def test_a_batch_of_nothing_proves_nothing(self):
        with pytest.raises(Rejected):
            self.provider.verify(self.signed(b'{"notificationItems": []}'), self.endpoint(), NOW)

    def test_another_date_is_the_same_event(self):
        event = case("adyen", "authorised")
        event["notificationItems"][0]["NotificationRequestItem"]["eventDate"] = "2026-07-01T00:00:00Z"

        [again] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        assert again.dedupe_key == self.read("authorised")[0].dedupe_key

    def test_platform_webhooks_are_proven_by_their_header_and_ignored(self):
        body = b'{"type": "merchant.created", "data": {}}'
        made = base64.b64encode(hmac.digest(bytes.fromhex(self.secrets[0]), body, "sha256")).decode()
        receipt = self.receipt(body, {"HmacSignature": made})

        assert self.proven_by(receipt) == 1
        assert [each.kind for each in self.provider.parse(receipt, self.endpoint())] == [None]


def _signature(item: dict[str, Any], secret: str) -> str:
    """As Adyen's own libraries make it: the values joined by colons, what is missing is empty."""
    amount = item.get("amount") if isinstance(item.get("amount"), dict) else {}
    values = [amount.get(name) if name in ("value", "currency") else item.get(name) for name in FIELDS]      # type: ignore[union-attr]
    text = ":".join("" if value is None else str(value).lower() if isinstance(value, bool) else str(value) for value in values)
    made = hmac.new(bytes.fromhex(secret), text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return base64.b64encode(made).decode()
