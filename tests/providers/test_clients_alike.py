"""What every client owes, over its fake and real HTTP: each way a call goes wrong has its name, and no list is without end."""
import dataclasses
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import import_module

import pytest

from app.audit import COMMAND_LINE
from app.fakes import lab
from app.fakes.fake import DROP, GARBLED, HUGE, LOST, REDIRECT, SLOW, Said, Scenario, failing, limited, refusing, served
from app.integrations import connections
from app.integrations.calling import Limit
from app.integrations.client import ProviderClient
from app.integrations.connections import Wanted
from app.integrations.errors import (
    AuthError,
    BadResponse,
    ConflictThere,
    NotFoundThere,
    PermissionDenied,
    ProviderError,
    RateLimited,
    RejectedThere,
    TimedOut,
    UnavailableThere,
    UnderWayThere,
)
from app.integrations.registry import provider, providers
from app.integrations.retry import Patience
from app.providers import easypost_client, paypal_client, shippo_client, stripe_client, xero_client

pytestmark = pytest.mark.alike
ID = "025867f1-d741-4d6b-b1af-9ac774b59ba7"
MONDAY = datetime(2026, 6, 1, tzinfo=UTC)
ASK = {
    "stripe": lambda at: stripe_client.StripeClient(at).show("payment", "pi_1"),
    "easypost": lambda at: easypost_client.EasyPostClient(at).show("trk_1"),
    "shippo": lambda at: shippo_client.ShippoClient(at).track("dhl", "T1"),
    "paypal": lambda at: paypal_client.PayPalClient(at).show("capture", "C1"),
    "xero": lambda at: xero_client.XeroClient(at).show("payment", ID),
}
LIST = {
    "stripe": (lambda at: stripe_client.StripeClient(at).each("payment", size=2), {"data": [{"id": "pi_1"}, {"id": "pi_2"}], "has_more": True}),
    "easypost": (lambda at: easypost_client.EasyPostClient(at).each(size=2), {"trackers": [{"id": "trk_1"}, {"id": "trk_2"}], "has_more": True}),
    "shippo": (lambda at: [shippo_client.ShippoClient(at).label("T1")], {"results": [{"tracking_number": "T2"}] * shippo_client.SIZE}),
    "paypal": (lambda at: paypal_client.PayPalClient(at).each(since=MONDAY, size=2),
               {"transaction_details": [{"transaction_info": {"transaction_id": "C1"}}] * 2, "total_pages": 99}),
    "xero": (lambda at: xero_client.XeroClient(at).each("payment", size=2), {"Payments": [{"PaymentID": ID}] * 2}),
}
CLIENTS = pytest.mark.parametrize("name", list(ASK))


@pytest.fixture
def connected(app, monkeypatch):
    """Its fake and a connection to it: `connected("stripe")`. Calls end soon, and are tried once."""
    was = ProviderClient.call
    monkeypatch.setattr(ProviderClient, "call", lambda *args, **more: was(*args, **{"patience": Patience(0, 1.0), **more, "seconds": 0.4}))
    running = ExitStack()

    def connect(name, *, base="", **credentials):
        of = import_module(f"app.providers.{name}_client")
        monkeypatch.setattr(of, "API", dataclasses.replace(of.API, limit=Limit(1000)))
        make, known = lab.FAKES[name]
        fake = make()
        at = base or running.enter_context(served(fake))
        made = connections.add(name, Wanted("Alike", "", {**known, **credentials}, at, True), by=COMMAND_LINE)
        return fake, connections.opened(connections.get(made))
    with running:
        yield connect


def wrong(name, connection):
    with pytest.raises(ProviderError) as caught:
        ASK[name](connection)
    return caught.value


def ready(name, fake, connection):
    """With its token, if it takes one."""
    wrong(name, connection)
    fake.heard.clear()


def test_every_client_there_is_keeps_this():
    assert set(ASK) == set(LIST) == {each.name for each in providers() if each.api}


@CLIENTS
def test_credentials_it_does_not_know_are_said_so(connected, name):
    secret = next(each.name for each in connections.api_of(name).credentials if each.is_secret)
    good = lab.FAKES[name][1][secret]
    fake, connection = connected(name, **{secret: good[:-4] + "0815"})
    error = wrong(name, connection)
    assert type(error) is AuthError
    assert error.retry is False
    assert good[:-4] not in str(error)
    assert len(fake.heard) == 1


@CLIENTS
@pytest.mark.parametrize(("scenario", "kind"), [
    (refusing(400), RejectedThere), (refusing(403), PermissionDenied), (refusing(404), NotFoundThere), (refusing(409), ConflictThere | UnderWayThere),
    (refusing(422), RejectedThere), (limited("30"), RateLimited), (failing(500), UnavailableThere), (failing(503), UnavailableThere),
    (SLOW, TimedOut), (DROP, UnavailableThere), (LOST, UnavailableThere), (GARBLED, BadResponse), (HUGE, BadResponse), (REDIRECT, BadResponse),
    (Scenario("list", said=Said(200, [])), BadResponse), (Scenario("null", said=Said(200, None)), BadResponse),
    (Scenario("another", said=Said(200, {"id": 7})), BadResponse)], ids=lambda each: getattr(each, "name", ""))
def test_what_goes_wrong_has_its_name(connected, name, scenario, kind):
    fake, connection = connected(name)
    ready(name, fake, connection)
    fake.next(scenario)
    error = wrong(name, connection)
    assert isinstance(error, kind)
    assert error.sent
    assert len(fake.heard) == 1
    assert bool(error.retry) == isinstance(error, RateLimited | UnavailableThere | TimedOut | UnderWayThere)


@CLIENTS
def test_what_was_never_sent_says_so(connected, name):
    _, connection = connected(name, base="http://127.0.0.1:9")
    error = wrong(name, connection)
    assert (type(error), error.sent, error.safe_to_repeat) == (UnavailableThere, False, True)


@CLIENTS
def test_a_list_that_shows_the_same_page_for_ever_ends(connected, name):
    fake, connection = connected(name)
    ready(name, fake, connection)
    each, page = LIST[name]
    fake.next(*[Scenario("again", said=Said(200, page))] * 9)
    with pytest.raises(BadResponse, match="same page"):
        list(each(connection))
    assert len(fake.heard) == 2


@CLIENTS
def test_it_declares_what_its_form_asks_for(name):
    api = provider(name).api
    assert api
    assert {each.name for each in api.credentials} == set(lab.FAKES[name][1])
    assert api.base.startswith("https://")
