"""Square: the address is part of what is signed; each kind of event in our words."""
import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from app.integrations.provider import Rejected, Unreadable
from tests.providers.contract import NOW, Contract, case

URL = "https://x.example/hooks"
PAYMENT = "hYy9pRFVxpDsO1FB05SunFWUe9JZY"


class TestSquare(Contract):
    name = "square"
    secrets = ("Ibxx_5AKakO-3qeNVR61Dw", "MCmhFRxGX82xMwg5FsaoQA")
    wrong_secret = "EAAAEOuLQObrVwJvCvoio3H13b8Ssqz1ighmTBKZvIENW9qxirHGHkqsGcPBC1uN"
    has_clock = False

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        made = hmac.new(secret.encode(), URL.encode() + body, hashlib.sha256).digest()
        return {"x-square-hmacsha256-signature": base64.b64encode(made).decode()}

    def one(self, name: str) -> Any:
        [change] = self.changes(name)
        return change

    def test_a_post_for_another_address_proves_nothing(self):
        receipt = self.sent("payment_completed")

        with pytest.raises(Rejected):
            self.provider.verify(receipt, replace(self.endpoint(), public_url=f"{URL}/"), NOW)

    def test_the_address_of_the_request_does_not_matter(self):
        receipt = replace(self.sent("payment_completed"), url="http://127.0.0.1:8000/hooks")

        assert self.provider.verify(receipt, self.endpoint(), NOW) is not None

    @pytest.mark.parametrize(("name", "status"), [
        ("payment_created", "pending"), ("payment_approved", "authorised"), ("payment_completed", "paid"),
        ("payment_canceled", "failed"), ("payment_failed", "failed"), ("payment_refunded_in_part", "part_refunded"),
        ("payment_refunded", "refunded"), ("dispute_opened", "disputed"), ("dispute_won", "paid"), ("dispute_lost", "disputed"),
    ])
    def test_everything_about_a_payment_meets_at_it(self, name, status):
        change = self.one(name)

        assert (change.resource, change.key, change.values["status"]) == ("payments", {"external_id": PAYMENT}, status)
        assert self.read(name)[0].object_key == PAYMENT

    def test_a_payment_tells_of_itself_as_of_its_own_clock(self):
        change = self.one("payment_refunded_in_part")

        assert change.values == {"amount_minor": 24890, "currency": "EUR", "refunded_minor": 4890, "status": "part_refunded",
                                 "method": "CARD", "order": "10482"}
        assert change.as_of == datetime(2026, 6, 15, 7, 41, tzinfo=UTC)

    @pytest.mark.parametrize("name", ["customer_created", "customer_updated"])
    def test_a_customer(self, name):
        assert self.one(name).values == {
            "email": "clara.neumann@example.com", "name": "Clara Neumann", "phone": "+43 316 555 0142", "company": "Neumann Tee",
            "country": "AT"}

    def test_a_customer_who_is_deleted_goes_to_the_trash(self):
        change = self.one("customer_deleted")

        assert change.values == {"trashed_at": change.as_of}

    @pytest.mark.parametrize("name", ["refund_updated", "test_notification"])
    def test_kinds_we_do_not_act_on_are_ignored(self, name):
        assert self.read(name)[0].kind is None

    def test_of_several_sellers_each_is_an_account(self):
        several = replace(self.endpoint(), options={"sellers": "several"})

        assert self.provider.parse(self.sent("payment_completed"), several)[0].account == "MLEFBHHSJGVHD"
        assert self.read("payment_completed")[0].account == ""

    @pytest.mark.parametrize("amount", [None, "248.90", 248.9, True])
    def test_an_amount_that_is_none_is_said_by_its_name(self, amount):
        event = case("square", "payment_completed")
        event["data"]["object"]["payment"]["amount_money"]["amount"] = amount
        [incoming] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        with pytest.raises(Unreadable, match=r"^amount_money\.amount must be a whole number"):
            self.provider.changes(incoming, self.endpoint())
