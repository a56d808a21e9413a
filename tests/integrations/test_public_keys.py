"""Public keys and certificates: what they prove, and that nothing that is none breaks the check."""
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from app.integrations.provider import EndpointConfig, Receipt, Rejected, Secret
from app.integrations.public_keys import ecdsa_p256, ed25519, ed25519_key, p256_key, rsa_sha256, vouched
from app.integrations.signing import basic_auth, first_verifying, from_hex

NOW = datetime(2026, 6, 12, 9, 42, tzinfo=UTC)
HOST = "certs.example.com"


def p256(key: ec.EllipticCurvePrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def test_ecdsa_proves_the_very_bytes():
    key = ec.generate_private_key(ec.SECP256R1())
    made = base64.b64encode(key.sign(b"1600112502body\r\n", ec.ECDSA(hashes.SHA256()))).decode()

    assert ecdsa_p256(b"1600112502body\r\n")(p256(key), made)
    assert not ecdsa_p256(b"1600112502body")(p256(key), made)
    assert not ecdsa_p256(b"1600112502body\r\n")(p256(ec.generate_private_key(ec.SECP256R1())), made)


def test_ed25519_proves_the_very_bytes():
    key = Ed25519PrivateKey.generate()
    public, made = base64.b64encode(key.public_key().public_bytes_raw()).decode(), base64.b64encode(key.sign(b"x")).decode()

    assert ed25519(b"x")(public, made)
    assert not ed25519(b"y")(public, made)


@pytest.mark.parametrize("text", ["", "x", "AAAA", "é", "a" * 5_000])
def test_what_is_no_key_or_signature_proves_nothing(text):
    key = p256(ec.generate_private_key(ec.SECP256R1()))
    for check in (ecdsa_p256(b"x"), ed25519(b"x")):
        assert not check(text, "AAAA")
        assert not check(key, text)


def test_keys_of_another_kind_are_refused():
    with pytest.raises(ValueError, match="P-256"):
        p256_key(p256(ec.generate_private_key(ec.SECP384R1())))
    with pytest.raises(ValueError):
        ed25519_key("AAAA")


def test_a_key_may_be_pasted_with_its_lines():
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    assert p256_key(pem) == p256_key(pem.replace("\n", "\\n")) == key


def test_every_live_key_is_tried():
    keys = [Ed25519PrivateKey.generate() for _ in range(3)]
    secrets = [Secret(id, base64.b64encode(key.public_key().public_bytes_raw()).decode()) for id, key in enumerate(keys)]

    assert first_verifying(secrets, ed25519(b"x"), "AAAA", base64.b64encode(keys[2].sign(b"x")).decode()).id == 2
    with pytest.raises(Rejected):
        first_verifying(secrets[:2], ed25519(b"x"), base64.b64encode(keys[2].sign(b"x")).decode())


@pytest.fixture(scope="module")
def authority() -> Any:
    """Makes certificates: `authority(HOST)` → (its key, PEM of the chain, the root)."""
    root_key = rsa.generate_private_key(65537, 2048)
    root_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test root")])
    root = (_begun(root_name, root_name, root_key, days=365)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
            .sign(root_key, hashes.SHA256()))

    def make(host: str, days: int = 30) -> Any:
        key = rsa.generate_private_key(65537, 2048)
        leaf = (_begun(x509.Name([]), root_name, key, days)
                .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=True)
                .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
                .sign(root_key, hashes.SHA256()))
        return key, leaf.public_bytes(Encoding.PEM), root

    return make


def _begun(name: x509.Name, by: x509.Name, key: rsa.RSAPrivateKey, days: int) -> x509.CertificateBuilder:
    return (x509.CertificateBuilder().subject_name(name).issuer_name(by).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(NOW - timedelta(days=1))
            .not_valid_after(NOW + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False))


def test_a_certificate_of_a_trusted_root_proves_what_its_key_signed(authority):
    key, chain, root = authority(HOST)
    made = base64.b64encode(key.sign(b"id|time|hook|crc", padding.PKCS1v15(), hashes.SHA256())).decode()

    found = vouched(chain, HOST, NOW, [root])

    assert rsa_sha256(b"id|time|hook|crc", made, found)
    assert not rsa_sha256(b"id|time|other|crc", made, found)
    assert not rsa_sha256(b"id|time|hook|crc", "é", found)


def test_a_certificate_of_nobody_we_trust_or_for_another_host_or_time_is_refused(authority):
    _, chain, root = authority(HOST)
    for pem, host, at, roots in ((chain, HOST, NOW, []), (chain, "other.example.com", NOW, [root]),
                                 (chain, HOST, NOW + timedelta(days=60), [root]), (b"no pem", HOST, NOW, [root])):
        with pytest.raises(Rejected, match="known authority"):
            vouched(pem, host, at, roots)


@pytest.mark.parametrize(("header", "proven"), [
    ("Basic dXNlcjpwYXNz", True), ("basic dXNlcjpwYXNz", True), ("Basic dXNlcjpwYXNT", False), ("Basic", False), ("Basic é", False),
    ("Bearer dXNlcjpwYXNz", False), ("", False),
])
def test_basic_auth_is_a_secret_of_user_and_password(header, proven):
    receipt = Receipt("POST", "", {"authorization": header}, b"", None, NOW)
    endpoint = EndpointConfig("Test", "test", (Secret(1, "user:pass"),))

    if proven:
        assert basic_auth(receipt, endpoint).id == 1
    else:
        with pytest.raises(Rejected):
            basic_auth(receipt, endpoint)


def test_hex_is_hex():
    assert from_hex("00ff") == b"\x00\xff"
    with pytest.raises(ValueError, match="hex"):
        from_hex("xx")
