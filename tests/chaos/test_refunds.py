"""Refunds while replies are lost, the provider fails and asks for patience, and workers are killed: each exactly once."""
import random
from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.audit import COMMAND_LINE
from app.extensions import db
from app.fakes.fake import LOST, failing, limited, served
from app.fakes.stripe import KEY, FakeStripe
from app.integrations import connections, effects, refunds
from app.integrations.calling import Limit
from app.integrations.connections import Wanted
from app.integrations.errors import ProviderError
from app.integrations.models import Effect
from app.providers import stripe_client
from app.records.actions import run
from app.records.registry import named
from app.records.values import Reading
from tests.chaos.conftest import SCALE
from tests.records.gate import EVENT, act, payment
from tests.wait import wait_for

WRONG = (*[None] * 8, LOST, LOST, failing(500, does_it=True), limited("0"))
STORM = [limited("1")] * (30 if SCALE > 1 else 1)
COUNT = 50 * SCALE if SCALE > 1 else 8


@pytest.fixture
def stripe(app):
    fake = FakeStripe()
    with served(fake) as url:
        connections.add("stripe", Wanted("Stripe EU", "", {"api_key": KEY}, url, True), by=COMMAND_LINE)
        yield fake


def shop(fake, count):
    """So many payments, and a refund of each asked for."""
    for number in range(count):
        fake.paid(f"pi_{number}", amount=1000)
    ids = [outcome.id for outcome in act(*[payment("paid", 1, id=f"pi_{number}") for number in range(count)], source=EVENT)]
    for id in filter(None, ids):
        run(COMMAND_LINE, named("payments"), id, "refund", {"amount": "2.50"}, Reading(ids=True))


def times_refunded(fake):
    """payment → how often money went back."""
    return Counter(each["payment_intent"] for each in fake.shelves["refunds"].all())


def stages():
    """How many effects are at which stage."""
    db.session.rollback()
    return Counter(db.session.scalars(sa.select(Effect.status)))


def shown():
    """What our records say went back, in all."""
    db.session.rollback()
    return db.session.execute(sa.text("SELECT sum(refunded_minor) FROM payments")).scalar()


def test_every_refund_is_made_once(start, bell, stripe):
    count = COUNT
    shop(stripe, count)
    for _ in range(SCALE):
        stripe.next(*random.choices(WRONG, k=6 * count // SCALE), *STORM)  # noqa: S311

    first = start("all", "3")
    wait_for(lambda: stages().get("done", 0) >= count / 4, within=60 * SCALE)
    first.kill()
    start("all", "3")
    wait_for(lambda: stages() == {"done": count}, within=120 * SCALE)

    assert times_refunded(stripe) == dict.fromkeys((f"pi_{number}" for number in range(count)), 1)
    wait_for(lambda: shown() == 250 * count, within=120 * SCALE)      # and every record hears of it, without a webhook


def test_without_a_key_the_same_run_refunds_twice(stripe, monkeypatch):
    """The control: what a client does that repeats a refund it heard nothing of."""
    monkeypatch.setattr(stripe_client, "API", replace(stripe_client.API, keyed_by="", limit=Limit(1000)))
    connection = connections.of_account("stripe", "stripe")
    assert connection
    dice = random.Random(4)  # noqa: S311
    stripe.next(*dice.choices([each for each in WRONG if each is None or each.does_it], k=6 * COUNT))
    for number in range(COUNT):
        stripe.paid(f"pi_{number}", amount=1000)
        _repeat_until_answered(connection, f"pi_{number}")
    assert len(times_refunded(stripe)) == COUNT
    assert max(times_refunded(stripe).values()) > 1


def _repeat_until_answered(connection, id):
    while True:
        try:
            return effects.doer("stripe", refunds.KIND).do(connection, effects.Asked("no key", id, 100, "EUR"))
        except ProviderError:
            continue
