"""A Stripe nobody here wrote: localstripe, in a process and an environment of its own. `make attack` installs it."""
import http.client
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlencode, urlsplit

import pytest
import stripe
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from app.audit import COMMAND_LINE
from app.errors import Conflict
from app.extensions import db
from app.integrations import connections, sync_run
from app.integrations.connections import Wanted
from app.webhooks import endpoints
from app.webhooks.models import Event, StoredReceipt
from tests.integrations.syncing import begun
from tests.records import gate
from tests.wait import wait_for

PYTHON = os.environ.get("LOCALSTRIPE", "")
KEY, SECRET = "sk_test_localstripe4242", "whsec_of_the_local_stripe_4242"
SERVE = """
import sys
from aiohttp import web
from localstripe.server import app, store
store.dump_to_disk = lambda: None
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""
pytestmark = [pytest.mark.attack, pytest.mark.alike,
              pytest.mark.skipif(not PYTHON, reason="`make attack` installs localstripe and says where it is")]


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([PYTHON, "-c", SERVE, str(port)], stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: _answers(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait(20)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture
def shop(url: str) -> stripe.StripeClient:
    """Stripe's own library, as whoever sells there."""
    return stripe.StripeClient(KEY, base_addresses={"api": url})


@contextmanager
def heard(app: Flask) -> Iterator[str]:
    """Our address on loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sold(shop: stripe.StripeClient, number: int) -> tuple[str, str]:
    """(customer, payment intent) of a sale."""
    customer = shop.v1.customers.create({"email": f"c{number}@example.com", "name": f"Customer {number}"})
    card = shop.v1.payment_methods.create({"type": "card", "card": {
        "number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}})
    shop.v1.payment_methods.attach(card.id, {"customer": customer.id})
    intent = shop.v1.payment_intents.create({"amount": 1000 + number, "currency": "eur", "customer": customer.id,
                                             "payment_method": card.id, "confirm": True})
    return customer.id, intent.id


def test_its_customers_payments_and_refunds_are_taken_over(url, shop, drain):
    sales = [sold(shop, number) for number in range(3)]
    shop.v1.refunds.create({"payment_intent": sales[0][1], "amount": 400})
    connections.add("stripe", Wanted("Local", "", {"api_key": KEY}, url, True), by=COMMAND_LINE)

    for name in ("customers", "payments", "refunds"):
        sync = begun(name)
        drain()
        with suppress(Conflict):      # refunds differ no more once the payments are here
            sync_run.run(sync, by=COMMAND_LINE)
        drain()

    assert {row["external_id"]: row["email"] for row in gate.rows("customers")} == {
        id: f"c{number}@example.com" for number, (id, _) in enumerate(sales)}
    assert {row["external_id"]: (row["amount_minor"], row["refunded_minor"], row["status"]) for row in gate.rows("payments")} == {
        intent: (1000 + number, 0 if number else 400, "paid" if number else "part_refunded") for number, (_, intent) in enumerate(sales)}


def test_the_webhooks_it_sends_are_verified_and_what_they_lack_a_sync_makes_good(app, url, shop, drain):
    """Its payment intents do not say `amount_received`, as Stripe's do: such an event is kept and not believed."""
    made = endpoints.add("stripe", "Local", [SECRET], by=COMMAND_LINE)
    with heard(app) as address:
        tell_of_hook(url, f"{address}{made.path}")
        customer, intent = sold(shop, 7)
        wait_for(lambda: {"customer.created", "payment_intent.succeeded"} <= kinds())
    drain()

    assert set(db.session.scalars(select(StoredReceipt.verdict))) == {"ok"}
    assert gate.row("customers")["external_id"] == customer
    [event] = db.session.scalars(select(Event).where(Event.said == "payment_intent.succeeded"))
    assert (event.status, "amount_received" in (event.last_error or "")) == ("dead", True)

    connections.add("stripe", Wanted("Local", "", {"api_key": KEY}, url, True), by=COMMAND_LINE)
    sync = begun("payments")
    drain()
    sync_run.run(sync, by=COMMAND_LINE)
    drain()
    assert (gate.row("payments")["external_id"], gate.row("payments")["status"]) == (intent, "paid")


def tell_of_hook(url: str, ours: str) -> None:
    """Its own way of being told where webhooks go."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)) as connection:
        connection.request("POST", "/_config/webhooks/backroom", urlencode({"url": ours, "secret": SECRET}),
                           {"Content-Type": "application/x-www-form-urlencoded"})
        assert connection.getresponse().status == 200


def kinds() -> set[str]:
    db.session.rollback()
    return set(db.session.scalars(select(Event.said)))
