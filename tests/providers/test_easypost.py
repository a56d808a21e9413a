"""EasyPost: bodies signed with a secret in any spelling, and how a parcel stands in our words."""
import hashlib
import hmac
import json
import unicodedata
from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.integrations.provider import TEST, Unreadable
from tests.providers.contract import NOW, Contract, case


class TestEasyPost(Contract):
    name = "easypost"
    secrets = ("sécret-of-the-shop", "another-ﬁne-secret")       # ﬁ is one letter, until it is normalised
    wrong_secret = "EZAK0c1d2e3f4a5b4f1e8c0a7b2d4e6f8a9b"
    has_clock = False

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        key = unicodedata.normalize("NFKD", secret).encode()
        return {"X-Hmac-Signature": f"hmac-sha256-hex={hmac.new(key, body, hashlib.sha256).hexdigest()}"}

    def one(self, name: str) -> Any:
        [change] = self.changes(name)
        return change

    @pytest.mark.parametrize(("name", "status"), [
        ("tracker_created", None), ("label_made", "label_made"), ("in_transit", "in_transit"), ("out_for_delivery", "in_transit"),
        ("delivered", "delivered"), ("waits_at_a_counter", "held_up"), ("not_handed_over", "held_up"), ("carrier_error", "held_up"),
        ("sent_back", "sent_back"), ("cancelled", "cancelled"),
    ])
    def test_a_parcel_stands_as_its_tracker_says_and_what_is_unknown_is_not_said(self, name, status):
        change = self.one(name)

        assert (change.resource, change.key) == ("deliveries", {"external_id": "trk_4f1e8c0a7b2d4e6f8a9b0c1d2e3f4a5b"})
        assert change.values.get("status") == status

    def test_a_tracker_is_a_delivery_as_of_its_own_clock(self):
        change = self.one("delivered")

        assert change.values == {"tracking_number": "JD014600003998877665", "carrier": "DHLExpress", "status": "delivered",
                                 "eta": date(2026, 6, 12)}
        assert change.as_of == datetime(2026, 6, 12, 9, 33, tzinfo=UTC)

    def test_what_is_no_tracker_is_ignored(self):
        assert [each.kind for each in self.read("batch_updated")] == [None]

    @pytest.mark.parametrize("spelling", ["NFC", "NFD", "NFKC", "NFKD"])
    def test_a_secret_may_be_pasted_in_any_spelling_of_the_same_text(self, spelling):
        for secret in self.secrets:
            assert self.proven_by(self.signed(b'{"a": 1}', secret), unicodedata.normalize(spelling, secret)) == 1

    def test_an_expected_day_that_is_none_is_said(self):
        event = case("easypost", "delivered")
        event["result"]["est_delivery_date"] = "soon"
        [incoming] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        with pytest.raises(Unreadable, match=r"result\.est_delivery_date"):
            self.provider.changes(incoming, self.endpoint())

    def test_a_test_event_is_proven_and_changes_nothing(self):
        receipt = self.provider.sample(self.endpoint(), NOW)

        assert receipt is not None
        assert self.proven_by(receipt) == 1
        assert [(each.kind, each.said) for each in self.provider.parse(receipt, self.endpoint())] == [(None, TEST)]
