"""SendGrid: batches under its public key, and what each event says of a customer's address."""
import base64
import json
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.providers.sendgrid import CLOCK, SIGNATURE
from tests.providers.contract import Contract, case

PRIVATE = [ec.derive_private_key(number, ec.SECP256R1()) for number in (20_260_612, 20_260_613)]
PUBLIC = [base64.b64encode(each.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode() for each in PRIVATE]


def items(name: str) -> Any:
    """A fixture: SendGrid posts lists."""
    return case("sendgrid", name)


class TestSendGrid(Contract):
    name = "sendgrid"
    secrets = (PUBLIC[0], PUBLIC[1])
    key = "email"
    keys: ClassVar = dict(zip(PUBLIC, PRIVATE, strict=True))

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        clock = f"{at.timestamp():.0f}"
        made = self.keys[secret].sign(clock.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {CLOCK: clock, SIGNATURE: base64.b64encode(made).decode()}

    @pytest.mark.parametrize(("name", "status"), [
        ("bounced", "bounced"), ("dropped_bounced", "bounced"), ("dropped_invalid", "bounced"), ("dropped_unsubscribed", "unsubscribed"),
        ("dropped_spam", "complained"), ("spam_report", "complained"), ("unsubscribed", "unsubscribed"),
    ])
    def test_an_address_no_more_mail_goes_to_is_said_of_the_customer(self, name, status):
        [change] = self.changes(name)

        assert (change.resource, change.key, change.only) == ("customers", {"email": "ada@example.com"}, "update")
        assert change.values == {"mail_status": status}
        assert change.as_of == datetime.fromtimestamp(items(name)[0]["timestamp"], UTC)

    @pytest.mark.parametrize("name", ["processed", "deferred", "delivered", "opened", "clicked", "blocked", "dropped_for_its_content",
                                      "group_unsubscribed", "group_resubscribed"])
    def test_what_is_about_one_mail_is_ignored(self, name):
        assert [each.kind for each in self.read(name)] == [None]

    def test_the_items_of_a_batch_are_events_of_their_own(self):
        found = self.read("batch")

        assert [(each.kind, each.object_key) for each in found] == [(None, None), ("mail.changed", "mail:bob@example.com"),
                                                                    ("mail.changed", "mail:cara@example.com")]

    def test_an_item_that_cannot_be_read_costs_the_others_nothing(self):
        batch = items("batch")
        batch[1]["email"] = None

        found = self.provider.parse(self.signed(json.dumps(batch).encode()), self.endpoint())

        assert [bool(each.unread) for each in found] == [False, True, False]

    def test_the_last_line_end_is_signed_as_well(self):
        body = json.dumps(items("bounced")).encode() + b"\r\n"
        receipt = self.signed(body)

        assert self.proven_by(receipt) == 1
        assert [each.kind for each in self.provider.parse(receipt, self.endpoint())] == ["mail.changed"]
