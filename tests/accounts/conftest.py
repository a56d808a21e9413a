"""What the tests of accounts share: people with a password, and the way in by the form."""
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.accounts import passwords
from tests.client import Client, form_token

PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def kept() -> str:
    """The hash of PASSWORD, made once: making one takes a tenth of a second."""
    return passwords.keep(PASSWORD)


@pytest.fixture
def ada(user: Callable[..., int], kept: str) -> int:
    """Somebody with a password."""
    return user("operator", email="ada@example.com", password_hash=kept)


@pytest.fixture
def enter(app: Flask) -> Callable[..., TestResponse]:
    """Fill in the form: `enter(client, "ada@example.com", PASSWORD)`."""

    def go(client: Client, email: str = "ada@example.com", password: str = PASSWORD, *, url: str = "/login", **values: str) -> TestResponse:
        page = client.get(url)
        return client.post(url, data={"csrf_token": form_token(page), "email": email, "password": password, **values})
    return go
