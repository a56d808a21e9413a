"""Standard Webhooks: signatures as the official library makes them, and our own fields in the payload."""
import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from app.integrations.provider import EndpointConfig, Receipt, Rejected, Secret, Unreadable
from app.integrations.registry import provider
from app.records.changes import Change
from tests.providers.contract import NOW, Contract, case


class TestStandard(Contract):
    name = "standard"
    secrets = ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        text = body.decode("latin-1") if not _is_utf8(body) else body.decode()
        signature = Webhook(secret).sign("msg_1", at, text) if _is_utf8(body) else "v1,AAAA"
        return {"webhook-id": "msg_1", "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}

    def one(self, name: str) -> Change:
        [change] = self.changes(name)
        return change

    def test_the_headers_of_svix_mean_the_same(self):
        headers = {name.replace("webhook", "svix"): value for name, value in self.sign(b"{}", self.secrets[0], NOW).items()}

        assert self.proven_by(self.receipt(b"{}", headers)) == 1

    def test_one_of_several_signatures_is_enough(self):
        headers = self.sign(b"{}", self.secrets[0], NOW)
        headers["webhook-signature"] = f"v1a,xyz v1,AAAA {headers['webhook-signature']}"

        assert self.proven_by(self.receipt(b"{}", headers)) == 1

    def test_another_id_breaks_the_signature(self):
        headers = self.sign(b"{}", self.secrets[0], NOW) | {"webhook-id": "msg_2"}

        with pytest.raises(Exception, match="No live secret"):
            self.provider.verify(self.receipt(b"{}", headers), self.endpoint(), NOW)

    def test_the_key_is_the_signed_id(self):
        assert self.read("payment_paid")[0].dedupe_key == "msg_1"

    def test_fields_are_those_of_the_api(self):
        change = self.one("payment_paid")

        assert (change.resource, change.key) == ("payments", {"external_id": "P-1"})
        assert change.values == {"amount": "24.90", "currency": "EUR", "status": "paid", "order": "10482"}
        assert change.as_of == datetime(2026, 6, 12, 9, 42, 0, 250_000, tzinfo=UTC)

    def test_an_offset_is_counted_in(self):
        assert self.one("payment_refunded_in_part").as_of == datetime(2026, 6, 13, 7, 41, tzinfo=UTC)

    def test_a_number_will_do_for_an_id(self):
        assert self.one("customer_with_number_for_id").key == {"external_id": "4711"}

    def test_deleted_means_to_the_trash(self):
        change = self.one("product_deleted")

        assert change.values == {"trashed_at": change.as_of}

    def test_a_type_we_have_no_records_of_is_ignored(self):
        assert self.read("unknown_kind")[0].kind is None

    @pytest.mark.parametrize("value", [20260612, 1781233060, True, None, "yesterday"])
    def test_a_timestamp_that_is_no_text_is_said_by_its_name(self, value):
        body = json.dumps(case("standard", "payment_paid") | {"timestamp": value}).encode()

        with pytest.raises(Unreadable, match="^timestamp must be a moment like "):
            self.provider.parse(self.signed(body), self.endpoint())

    def test_ids_of_different_types_are_of_different_objects(self):
        order, payment = case("standard", "order_created"), case("standard", "payment_paid")
        payment["data"]["id"] = order["data"]["id"]
        keys = {self.provider.parse(self.signed(json.dumps(each).encode()), self.endpoint())[0].object_key for each in (order, payment)}

        assert keys == {"orders:A-7", "payments:A-7"}

    @pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "whsec_not base64 at all!!!!!!!!!!!!!!!!!!!!", "v1,whsec_MfKQ"])
    def test_a_secret_that_cannot_be_one_is_refused(self, secret):
        with pytest.raises(ValueError, match="base64"):
            self.provider.check_secret(secret)


class TestStandardByPublicKey:
    """ed25519: the sender keeps the private half, the endpoint is told the public one."""

    key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
    public = "whpk_" + base64.b64encode(key.public_key().public_bytes_raw()).decode()

    def headers(self, body: bytes, key: Ed25519PrivateKey = key, at: datetime = NOW) -> dict[str, str]:
        clock = str(int(at.timestamp()))
        made = base64.b64encode(key.sign(b"msg_1." + clock.encode() + b"." + body)).decode()
        return {"webhook-id": "msg_1", "webhook-timestamp": clock, "webhook-signature": f"v1,AAAA v1a,{made}"}

    def proof(self, headers: dict[str, str], *secrets: str) -> Secret | None:
        endpoint = EndpointConfig("Test", "acct", tuple(Secret(id, value) for id, value in enumerate(secrets, 1)))
        return provider("standard").verify(Receipt("POST", "", headers, b"{}", None, NOW), endpoint, NOW)

    def test_the_public_key_proves_a_post_beside_secrets(self):
        provider("standard").check_secret(self.public)

        proof = self.proof(self.headers(b"{}"), TestStandard.secrets[0], self.public)
        assert proof is not None
        assert proof.id == 2

    def test_another_body_key_or_clock_proves_nothing(self):
        other = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
        for headers in (self.headers(b"{ }"), self.headers(b"{}", other), self.headers(b"{}", at=NOW + timedelta(minutes=6))):
            with pytest.raises(Rejected):
                self.proof(headers, self.public)

    def test_a_key_of_another_length_is_refused(self):
        with pytest.raises(ValueError, match="32 bytes"):
            provider("standard").check_secret("whpk_AAAA")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
