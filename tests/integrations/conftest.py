"""A provider of the tests: it does what it is asked and counts it, over real HTTP on loopback."""
import dataclasses
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.wrappers import Request

from app.extensions import db
from app.fakes.fake import Fake, Said, served
from app.integrations import shared
from app.integrations.auth import Bearer
from app.integrations.calling import Api, Connection, Credential
from app.integrations.client import ProviderClient
from app.integrations.errors import ProviderError
from app.integrations.models import Call, StoredConnection
from app.integrations.retry import Patience
from app.transaction import transaction

SECRET = "key_of_the_tests_0815"
SOON, ONCE = Patience(2, 5.0), Patience(0, 3.0)
ACME = Api(base="https://api.acme.example", credentials=(Credential("api_key", "API key"),),
           auth=lambda connection: Bearer(connection.credentials["api_key"]), probe=("ping", "/ping"), keyed_by="Idempotency-Key")


class FakeAcme(Fake):
    """POST /things makes one; with a key it makes it once. GET says how many there are."""

    name = "acme"

    def __init__(self) -> None:
        super().__init__()
        self.things: list[str] = []
        self.tokens = 0
        self.good: set[str] = {SECRET}

    def answer(self, request: Request) -> Said:
        if request.path == "/token":
            self.tokens += 1
            self.good.add(f"token-{self.tokens}")
            return Said(200, {"access_token": f"token-{self.tokens}", "expires_in": 3600})
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if given not in self.good:
            return Said(401, {"error": {"code": "bad_key", "message": f"This key is not known: {given}"}})
        if request.method == "POST":
            key = request.headers.get("Idempotency-Key") or str(len(self.things))
            if key not in self.things:
                self.things.append(key)
        return Said(200, {"count": len(self.things)}, {"X-RateLimit-Remaining": "38", "X-RateLimit-Limit": "40"})


@pytest.fixture
def without_redis(app: Flask) -> Iterator[Flask]:
    """Redis is away and will not be asked."""
    shared._away_until = float("inf")
    yield app
    shared.retry_now()


@pytest.fixture
def acme(app: Flask) -> Iterator[FakeAcme]:
    fake = FakeAcme()
    with served(fake) as url:
        fake.url = url  # type: ignore[attr-defined]
        yield fake


@pytest.fixture
def connect(app: Flask, acme: FakeAcme) -> Callable[..., ProviderClient]:
    """A client of the fake: `connect(api_key="…")`; `api` changes what is declared of it."""

    def make(api: Api = ACME, *, base: str = "", account: str = "", **credentials: str) -> ProviderClient:
        account = account or f"acme-{secrets.token_hex(4)}"      # Redis remembers those of other tests
        with transaction() as session:
            row = StoredConnection(provider="acme", name=f"Acme {account}", account=account, sealed="",
                                   created_at=datetime.now(UTC))
            session.add(row)
            session.flush()
            id = row.id
        given = Connection(id, "acme", f"Acme {account}", account, base or acme.url, {"api_key": SECRET} | credentials)  # type: ignore[attr-defined]
        return ProviderClient(given, api)
    return make


def changed(**values: Any) -> Api:
    """The API of the fake, declared otherwise."""
    return dataclasses.replace(ACME, **values)


def calls() -> list[Call]:
    """The log, the oldest first."""
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Call).order_by(Call.id)))


def stored() -> StoredConnection:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(StoredConnection)).one()


def failure(client: ProviderClient, method: str = "GET", **values: Any) -> ProviderError:
    """What a call fails with, tried once."""
    with pytest.raises(ProviderError) as caught:
        client.call("things", method, "/things", **{"patience": ONCE, **values})
    return caught.value
