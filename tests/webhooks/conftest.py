"""What webhook tests share: endpoints with secrets, posts as the official libraries sign them, and what became of them."""
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe
from flask import Flask
from sqlalchemy import select
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from app.audit import COMMAND_LINE
from app.commerce.payments import Payment
from app.extensions import Model, db
from app.integrations import registry
from app.integrations.provider import Receipt
from app.webhooks import endpoints, live, rejects
from app.webhooks.models import Endpoint, Event, StoredReceipt
from tests.providers.contract import case
from tests.webhooks.odd import Odd

STRIPE_SECRET = "whsec_test_secret_of_the_tests_a3f1"
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRETS = {"stripe": STRIPE_SECRET, "standard": STANDARD_SECRET}
BAD = {"type": "payments.created", "timestamp": "2026-06-01T00:00:00Z", "data": {"id": "P-1", "amount": "x", "currency": "EUR"}}
"""An event that ends dead: its amount is none."""
Post = Callable[..., TestResponse]
Knock = Callable[..., TestResponse]


def signed(provider: str, body: bytes, secret: str, at: datetime | None = None, id: str = "msg_1") -> dict[str, str]:
    """The headers the provider's own library makes."""
    at = at or datetime.now(UTC)
    clock = int(at.timestamp())
    if provider == "stripe":
        signature = stripe.WebhookSignature._compute_signature(f"{clock}.{body.decode()}", secret)
        return {"Stripe-Signature": f"t={clock},v1={signature}", "Content-Type": "application/json"}
    return {"webhook-id": id, "webhook-timestamp": str(clock), "webhook-signature": Webhook(secret).sign(id, at, body.decode()),
            "Content-Type": "application/json"}


def event(name: str, provider: str = "stripe", **changes: Any) -> dict[str, Any]:
    """A fixture, with other values at its top level."""
    return case(provider, name) | changes


@pytest.fixture(autouse=True)
def _afresh(app: Flask) -> None:
    """What a process remembers from one test must not reach the next."""
    live.forget()
    rejects.forget()


@pytest.fixture
def endpoint(app: Flask) -> Callable[..., Endpoint]:
    """Make an endpoint: `endpoint("stripe", name="Stripe EU")`; the same name is the same endpoint."""

    def make(provider: str = "stripe", *, name: str = "", secrets: list[str] | None = None, account: str | None = None) -> Endpoint:
        name = name or provider.title()
        found = db.session.scalar(select(Endpoint).where(Endpoint.name == name))
        return found or endpoints.add(provider, name, secrets or [SECRETS[provider]], by=COMMAND_LINE, account=account)
    return make


@pytest.fixture
def post(app: Flask, endpoint: Callable[..., Endpoint]) -> Post:
    """Send a fixture, a payload or bytes, properly signed: `post("charge_refunded")`."""

    def send(what: str | dict[str, Any] | bytes, provider: str = "stripe", *, to: Endpoint | None = None, secret: str = "",
             id: str = "msg_1", **more: Any) -> TestResponse:
        target = to or endpoint(provider)
        payload = event(what, provider) if isinstance(what, str) else what
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        headers = signed(provider, body, secret or SECRETS[provider], id=id) | more.pop("headers", {})
        return app.test_client().post(target.path, data=body, headers=headers, **more)
    return send


def events() -> list[Any]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Event).order_by(Event.id)))


def receipts() -> list[Any]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(StoredReceipt).order_by(StoredReceipt.id)))


def payment(external_id: str = "pi_3QkTb2") -> Any:
    return only(Payment, Payment.external_id == external_id)


def payments() -> list[Any]:
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(select(Payment).order_by(Payment.id)))


def raw_receipt(body: bytes, secret: str) -> Receipt:
    """A receipt signed as Stripe does, of bytes that need not be text."""
    now = datetime.now(UTC)
    clock = str(int(now.timestamp()))
    signature = hmac.new(secret.encode(), clock.encode() + b"." + body, hashlib.sha256).hexdigest()
    return Receipt("POST", "", {"Stripe-Signature": f"t={clock},v1={signature}"}, body, None, now)


def only(model: type[Model], *conditions: Any) -> Any:
    """The one row there is."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(model).where(*conditions)).one()


@pytest.fixture
def odd(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Endpoint]:
    """Make an endpoint of Odd: `odd(secrets=[…], allow="…")`."""
    monkeypatch.setitem(registry._providers, "odd", Odd())

    def make(secrets: list[str] | None = None, **typed: str) -> Endpoint:
        return endpoints.add("odd", "Odd", secrets or [], by=COMMAND_LINE, settings={"option_shop": "tea", **typed})
    return make


@pytest.fixture
def knock(app: Flask) -> Knock:
    def post(target: Endpoint, items: Any, **more: Any) -> TestResponse:
        return app.test_client().post(target.path, data=json.dumps(items).encode(), **more)
    return post


@pytest.fixture
def worked(post, drain) -> None:
    """Four events: done, ignored, dead, unreadable."""
    post("payment_succeeded")
    post("unknown_kind")
    post(BAD, "standard")
    post(b"not json")
    drain()
