"""PayPal: posts under a certificate that is fetched and vouched for, and each kind of event in our words."""
import base64
import json
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from app.errors import Unavailable
from app.integrations import pinned
from app.integrations.provider import EndpointConfig, Rejected, Unreadable, no_fetch
from app.providers.paypal import PayPal
from tests.providers.contract import NOW, Contract, case

CERTIFICATE = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270"
CAPTURE, AUTHORISATION, SALE = "29Y24445UY2083144", "7W5147081L658180V", "80021663DE681814L"


def _certificate(host: str, subject: str, key: rsa.RSAPrivateKey, issuer: str, by: rsa.RSAPrivateKey, at: str = "") -> x509.Certificate:
    """For a host, or for an authority if there is none; `at`: where it says that the certificate of its issuer lies."""
    is_root = not host
    begun = (x509.CertificateBuilder().subject_name(_named(subject)).issuer_name(_named(issuer)).public_key(key.public_key())
             .serial_number(x509.random_serial_number()).not_valid_before(NOW - timedelta(days=900))
             .not_valid_after(NOW + timedelta(days=20_000))
             .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
             .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False))
    if at:
        lies = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(at))
        begun = begun.add_extension(x509.AuthorityInformationAccess([lies]), critical=False)
    if is_root:
        begun = begun.add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
    else:
        begun = (begun.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
                 .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False))
    if key is not by:
        begun = begun.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    return begun.sign(by, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


LIVE = "messageverificationcerts.paypal.com"
KEY, ROOT_KEY = (rsa.generate_private_key(65537, 2048) for _ in range(2))
ROOT = _certificate("", "Test root", ROOT_KEY, "Test root", ROOT_KEY)
BETWEEN_KEY = rsa.generate_private_key(65537, 2048)
BETWEEN = _certificate("", "Test issuer", BETWEEN_KEY, "Test root", ROOT_KEY)
CHAIN = _certificate(LIVE, LIVE, KEY, "Test root", ROOT_KEY).public_bytes(Encoding.PEM)
PayPal.roots = (ROOT,)      # PayPal as the tests have it: an authority of theirs vouches for it


class TestPayPal(Contract):
    name = "paypal"
    secrets = ("5GP028458E2496506", "1JE4291016473214C")
    wrong_secret = "AeB1QIZm9_h-4Yk2FZ0sb6jRz0xSomething"
    has_clock = False

    def endpoint(self, *secrets: str) -> EndpointConfig:
        return replace(super().endpoint(*secrets), fetch=_published)

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        pinned.remember(CERTIFICATE, CHAIN)      # for those who ask through the transport
        id, clock = "69cd13f0-d67a-11e5-baa3-778b53f4ae55", f"{at:%Y-%m-%dT%H:%M:%SZ}"
        return {"PAYPAL-TRANSMISSION-ID": id, "PAYPAL-TRANSMISSION-TIME": clock, "PAYPAL-CERT-URL": CERTIFICATE,
                "PAYPAL-AUTH-ALGO": "SHA256withRSA", "PAYPAL-TRANSMISSION-SIG": _made(f"{id}|{clock}|{secret}|{zlib.crc32(body)}")}

    def one(self, name: str) -> Any:
        [change] = self.changes(name)
        return change

    @pytest.mark.parametrize("url", [
        "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1", "http://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/elsewhere/CERT-1", "https://evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/../../x", "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
    ])
    def test_a_certificate_from_elsewhere_is_never_fetched(self, url):
        receipt = self.signed(b'{"a": 1}')

        with pytest.raises(Rejected):
            self.provider.verify(replace(receipt, headers={**receipt.headers, "PAYPAL-CERT-URL": url}), self.endpoint(), NOW)

    def test_while_the_certificate_cannot_be_had_it_is_not_judged(self):
        with pytest.raises(Unavailable):
            self.provider.verify(self.signed(b'{"a": 1}'), replace(self.endpoint(), fetch=no_fetch), NOW)

    def test_a_certificate_nobody_vouches_for_proves_nothing(self, monkeypatch):
        monkeypatch.setattr(PayPal, "roots", ())

        with pytest.raises(Rejected, match="known authority"):
            self.provider.verify(self.signed(b'{"a": 1}'), self.endpoint(), NOW)

    @pytest.mark.parametrize("host", ["www.paypal.com", "messageverificationcerts.sandbox.paypal.com", "evil.example"])
    def test_a_certificate_for_another_name_proves_nothing(self, host):
        chain = _certificate(host, host, KEY, "Test root", ROOT_KEY).public_bytes(Encoding.PEM)
        endpoint = replace(self.endpoint(), fetch=lambda url, *, host, path="/": chain)

        with pytest.raises(Rejected, match="known authority"):
            self.provider.verify(self.signed(b'{"a": 1}'), endpoint, NOW)

    def test_a_certificate_that_is_published_alone_is_completed_by_its_issuer(self):
        asked = _Published(BETWEEN.public_bytes(Encoding.DER), at="http://cacerts.digicert.com/TestCA.crt")

        assert self.provider.verify(self.signed(b'{"a": 1}'), replace(self.endpoint(), fetch=asked), NOW) is not None
        assert asked.urls == [CERTIFICATE, "https://cacerts.digicert.com/TestCA.crt"]

    @pytest.mark.parametrize(("issuer", "at"), [
        (b"no certificate", "http://cacerts.digicert.com/TestCA.crt"), (ROOT.public_bytes(Encoding.DER), "http://cacerts.digicert.com/T.crt"),
        (BETWEEN.public_bytes(Encoding.DER), "http://evil.example/TestCA.crt")])
    def test_an_issuer_that_is_none_or_lies_elsewhere_vouches_for_nothing(self, issuer, at):
        with pytest.raises(Rejected):
            self.provider.verify(self.signed(b'{"a": 1}'), replace(self.endpoint(), fetch=_Published(issuer, at)), NOW)

    def test_the_sandbox_has_a_certificate_of_its_own(self):
        host = "messageverificationcerts.sandbox.paypal.com"
        chain = _certificate(host, host, KEY, "Test root", ROOT_KEY).public_bytes(Encoding.PEM)
        receipt = self.signed(b'{"a": 1}')
        receipt = replace(receipt, headers={**receipt.headers, "PAYPAL-CERT-URL": CERTIFICATE.replace("api.", "api.sandbox.")})

        proof = self.provider.verify(receipt, replace(self.endpoint(), fetch=lambda url, *, host, path="/": chain), NOW)

        assert proof is not None

    @pytest.mark.parametrize("name", ["PAYPAL-AUTH-ALGO", "PAYPAL-TRANSMISSION-ID", "PAYPAL-TRANSMISSION-TIME"])
    def test_every_header_is_part_of_the_proof(self, name):
        receipt = self.signed(b'{"a": 1}')

        with pytest.raises(Rejected):
            self.provider.verify(replace(receipt, headers={**receipt.headers, name: "SHA1withRSA"}), self.endpoint(), NOW)

    @pytest.mark.parametrize(("name", "status"), [
        ("capture_completed", "paid"), ("capture_pending", "pending"), ("capture_denied", "failed"), ("capture_declined", "failed"),
        ("capture_refunded", "part_refunded"), ("capture_refunded_again", "part_refunded"), ("capture_reversed", "refunded"),
        ("dispute_created", "disputed"), ("dispute_updated", "disputed"), ("dispute_won", "paid"), ("dispute_lost", "disputed"),
    ])
    def test_everything_about_a_payment_meets_at_its_capture(self, name, status):
        change = self.one(name)

        assert (change.resource, change.key) == ("payments", {"external_id": CAPTURE})
        assert change.values["status"] == status

    def test_a_capture_is_a_payment_as_of_its_own_clock(self):
        change = self.one("capture_completed")

        assert change.values == {"amount": "248.90", "currency": "EUR", "status": "paid", "order": "10482"}
        assert change.as_of == datetime(2026, 6, 12, 9, 41, tzinfo=UTC)

    def test_amounts_are_in_major_units_of_their_currency(self):
        assert self.one("capture_in_yen").values["amount"] == "2500"

    def test_a_refund_tells_the_sum_of_all_as_of_its_own_clock(self):
        change = self.one("capture_refunded_again")

        assert change.values == {"status": "part_refunded", "refunded": "148.90", "currency": "EUR"}
        assert change.as_of == datetime(2026, 6, 21, 15, 19, tzinfo=UTC)
        assert self.one("sale_refunded").values == {"status": "part_refunded", "refunded": "5.00", "currency": "EUR"}

    def test_a_refund_that_tells_no_sum_is_asked_about_where_that_can_be(self):
        [without], [told] = self.read("refund_without_a_sum"), self.read("capture_refunded")

        assert (without.is_thin, without.is_shown, told.is_thin) == (True, True, False)

    def test_a_refund_that_failed_gave_nothing_back(self):
        assert self.changes("refund_that_failed") == []

    @pytest.mark.parametrize(("name", "id", "status"), [
        ("authorisation_created", AUTHORISATION, "authorised"), ("authorisation_voided", AUTHORISATION, "failed"),
        ("authorisation_of_version_1", "2DC87612EK520411B", "authorised"),
    ])
    def test_an_authorisation_is_no_money_yet_or_never(self, name, id, status):
        change = self.one(name)

        assert (change.key, change.values["status"]) == ({"external_id": id}, status)

    def test_the_final_capture_ends_its_authorisation(self):
        paid, ended = self.changes("capture_of_an_authorisation")

        assert (paid.key, paid.values["status"]) == ({"external_id": CAPTURE}, "paid")
        assert (ended.key, set(ended.values)) == ({"external_id": AUTHORISATION}, {"trashed_at"})
        assert len(self.changes("capture_in_part")) == 1

    @pytest.mark.parametrize(("name", "status"), [
        ("sale_pending", "pending"), ("sale_denied", "failed"), ("sale_refunded", "part_refunded"), ("sale_reversed", "refunded")])
    def test_payments_of_subscriptions_are_sales(self, name, status):
        change = self.one(name)

        assert (change.resource, change.key, change.values["status"]) == ("payments", {"external_id": SALE}, status)

    def test_a_sale_that_is_paid_says_that_its_subscription_is_as_of_when_it_was_asked_for(self):
        paid, subscription = self.changes("sale_completed")

        assert paid.values == {"amount": "12.50", "currency": "EUR", "status": "paid", "order": "10483"}
        assert (subscription.resource, subscription.values) == ("subscriptions", {"status": "active"})
        assert subscription.as_of == datetime(2026, 7, 1, 10, 0, 10, tzinfo=UTC)
        assert self.one("sale_without_a_subscription").values["order"] == "10484"

    @pytest.mark.parametrize(("name", "status", "renews"), [
        ("subscription_trial", "trial", date(2026, 6, 15)), ("subscription_activated", "active", date(2026, 8, 1)),
        ("subscription_updated", "active", date(2026, 8, 1)), ("subscription_payment_failed", "past_due", date(2026, 8, 6)),
        ("subscription_suspended", "paused", None), ("subscription_re_activated", "active", date(2026, 9, 1)),
        ("subscription_cancelled", "ended", None), ("subscription_expired", "ended", None),
    ])
    def test_a_subscription_stands_as_paypal_says_and_renews_or_does_not(self, name, status, renews):
        change = self.one(name)

        assert (change.resource, change.key) == ("subscriptions", {"external_id": "I-BW452GLLEP1G"})
        assert (change.values["status"], change.values["renews_at"]) == (status, renews)

    def test_a_subscription_costs_what_was_paid_last_unless_that_was_a_trial(self):
        assert self.one("subscription_activated").values == {
            "status": "active", "renews_at": date(2026, 8, 1), "amount": "12.50", "currency": "EUR",
            "product": {"external_id": "P-5ML4271244454362WXNWU5NQ"}, "customer": "clara.neumann@example.com"}
        assert "amount" not in self.one("subscription_trial").values

    def test_a_failed_payment_counts_as_of_the_event_as_the_subscription_keeps_its_clock(self):
        assert self.one("subscription_payment_failed").as_of > self.one("subscription_updated").as_of

    def test_nothing_is_said_of_what_nobody_agreed_to_or_we_do_not_act_on(self):
        assert self.changes("subscription_created") == []
        assert [each.kind for each in self.read("order_approved")] == [None]

    @pytest.mark.parametrize("name", ["capture_completed", "capture_refunded", "dispute_created", "authorisation_created"])
    def test_of_several_merchants_each_is_an_account_of_its_own(self, name):
        several = replace(self.endpoint(), options={"merchants": "several"})

        assert [each.account for each in self.provider.parse(self.sent(name), several)] == ["QNPPCJAKMX4T6"]
        assert [each.account for each in self.read(name)] == [""]

    @pytest.mark.parametrize(("amount", "field"), [
        (None, "currency_code|currency"), ({"currency_code": "EUR"}, "total|value"), ({"currency_code": "EUR", "value": "a lot"}, "value"),
        ({"currency_code": "€", "value": "1"}, "currency_code")])
    def test_an_amount_that_is_none_is_said_by_its_name(self, amount, field):
        event = case("paypal", "capture_completed")
        event["resource"]["amount"] = amount
        [incoming] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        with pytest.raises(Unreadable, match=rf"resource\.amount\.({field})"):
            self.provider.changes(incoming, self.endpoint())


class _Published:
    """A certificate that lies alone, and that of its issuer elsewhere."""

    def __init__(self, issuer: bytes, at: str) -> None:
        self.leaf = _certificate(LIVE, LIVE, KEY, "Test issuer", BETWEEN_KEY, at).public_bytes(Encoding.PEM)
        self.issuer = issuer
        self.urls: list[str] = []

    def __call__(self, url: str, *, host: str, path: str = "/") -> bytes:
        if not pinned.is_below(url, host, path):
            raise Rejected("Not there.")
        self.urls.append(url)
        return self.leaf if url == CERTIFICATE else self.issuer


def _published(url: str, *, host: str, path: str = "/") -> bytes:
    if not pinned.is_below(url, host, path):
        raise Rejected("Not there.")
    return CHAIN


def _made(signed: str) -> str:
    return base64.b64encode(KEY.sign(signed.encode("utf-8", "surrogateescape"), padding.PKCS1v15(), hashes.SHA256())).decode()
