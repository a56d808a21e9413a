"""Secrets at rest: sealed with the installation's keys, opened only to be used."""
import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.config import config
from app.errors import Problem


class Sealed(Problem):
    """A secret was sealed with a key this installation does not have."""

    status, title = 500, "A stored secret cannot be read"


def seal(value: str) -> str:
    """`value`, encrypted and authenticated with the newest key: text fit for a column."""
    return _box(config().secret_keys).encrypt(value.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed, by any key of SECRET_KEY. Raises Sealed."""
    try:
        return _box(config().secret_keys).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Sealed("SECRET_KEY must still hold the key it was stored with, after a comma.") from None


def reseal(sealed: str) -> str:
    """The same secret under the newest key, for a rotation of SECRET_KEY. Raises Sealed."""
    return seal(unseal(sealed))


@lru_cache(maxsize=8)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    """A key of our own from SECRET_KEY (HKDF, RFC 5869): sessions are signed with another one."""
    made = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"backroom secrets at rest").derive(key.encode())
    return base64.urlsafe_b64encode(made)
