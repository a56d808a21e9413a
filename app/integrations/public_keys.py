"""Signatures made with a private key: ECDSA and ed25519 under a key that is pasted, RSA under a certificate that is fetched."""
import re
import warnings
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache

import certifi
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from app.integrations.provider import Rejected
from app.integrations.signing import Check, from_base64


def ecdsa_p256(signed: bytes) -> Check:
    """(key, signature) → whether the signature (base64 of DER) covers `signed`; the key is base64 SPKI of a P-256 key."""
    def check(key: str, signature: str) -> bool:
        try:
            p256_key(key).verify(from_base64(signature), signed, ec.ECDSA(hashes.SHA256()))
        except (ValueError, InvalidSignature):
            return False
        return True
    return check


def ed25519(signed: bytes) -> Check:
    """(key, signature) → whether the signature (base64) covers `signed`; the key is base64 of its 32 bytes."""
    def check(key: str, signature: str) -> bool:
        try:
            ed25519_key(key).verify(from_base64(signature), signed)
        except (ValueError, InvalidSignature):
            return False
        return True
    return check


def p256_key(text: str) -> ec.EllipticCurvePublicKey:
    """The key in base64 SPKI, with or without the lines of PEM around it. Raises ValueError."""
    lines = [line for line in text.replace("\\n", "\n").splitlines() if "-----" not in line]
    try:
        found = load_der_public_key(from_base64("".join("".join(lines).split())))
    except UnsupportedAlgorithm:
        raise ValueError("this is no P-256 key") from None
    if not isinstance(found, ec.EllipticCurvePublicKey) or not isinstance(found.curve, ec.SECP256R1):
        raise ValueError("this is no P-256 key")
    return found


def ed25519_key(text: str) -> Ed25519PublicKey:
    """The key in base64 of its 32 bytes. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(from_base64(text))


def rsa_sha256(signed: bytes, signature: str, certificate: x509.Certificate) -> bool:
    """Whether the signature (base64, PKCS #1 v1.5) covers `signed` under the certificate's key."""
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(from_base64(signature), signed, padding.PKCS1v15(), hashes.SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def vouched(chain: bytes, name: str, at: datetime, roots: Sequence[x509.Certificate] = ()) -> x509.Certificate:
    """The first certificate of a PEM chain, if it is for the host `name` and valid at `at` under a root that is trusted.

    `roots`: instead of those the world's browsers trust. Raises Rejected.
    """
    try:
        leaf, *between = x509.load_pem_x509_certificates(chain)
        verifier = PolicyBuilder().store(_store(tuple(roots))).time(at).build_server_verifier(x509.DNSName(name))
        verifier.verify(leaf, between)
    except (ValueError, VerificationError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType):
        raise Rejected(f"The certificate is none that a known authority made for {name}.") from None
    return leaf


@lru_cache(maxsize=4)
def _store(roots: tuple[x509.Certificate, ...]) -> Store:
    return Store(list(roots) or _known_authorities())


def _known_authorities() -> list[x509.Certificate]:
    """Those that are well formed: a few old ones break a rule and will not be read by the next version of the library."""
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for pem in re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", certifi.contents(), re.S):
            with suppress(ValueError, Warning):
                found.append(x509.load_pem_x509_certificate(pem.encode()))
    return found
