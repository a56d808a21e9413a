"""The fault lab: beside a demo alone, pretend providers that misbehave as a person says, over real HTTP."""
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.audit import Audit
from app.config import config
from app.extensions import db
from app.fakes import lab
from app.fakes.fake import served
from app.integrations import connections
from app.integrations.calling import Limit
from app.integrations.errors import AmbiguousOutcome, BadResponse, ProviderError, RateLimited, TimedOut, UnavailableThere
from app.integrations.models import StoredConnection
from app.integrations.retry import Patience
from app.providers import stripe_client
from tests.records.gate import EVENT, act, payment

pytestmark = pytest.mark.alike
ONCE = Patience(0, 1.0)


@pytest.fixture
def demo(app, monkeypatch, tmp_path):
    """The settings of a demo on this machine."""
    found = lab.opened(replace(config(), demo=True, embedded=True, instance_dir=tmp_path))
    monkeypatch.setitem(app.extensions, "backroom.config", found)
    return found


@pytest.fixture
def connected(demo):
    """The client of the pretend Stripe, which has what our records say."""
    act(payment("paid", 1, amount_minor=5000), source=EVENT)
    with _served(demo) as (port, fakes):
        lab.connect(port, anew=True)
        found = connections.of_account("stripe", "stripe")
        assert found
        yield stripe_client.StripeClient(found), fakes["stripe"]


@contextmanager
def _served(settings):
    fakes = lab.stocked()
    with served(lab.Lab(settings, fakes)) as url:
        yield int(url.rpartition(":")[2]), fakes


def test_the_pretend_stripe_has_the_payments_of_the_demo(connected):
    client, _ = connected
    assert client.show("payment", "pi_1")["amount"] == 5000
    assert client.refund("pi_1", "effect-1", amount=100).status == "succeeded"


@pytest.mark.parametrize(("mode", "kind"), [
    ("limited", RateLimited), ("failing", UnavailableThere), ("late", TimedOut), ("drip", TimedOut), ("reset", UnavailableThere)])
def test_it_misbehaves_until_it_is_told_to_behave(connected, demo, monkeypatch, mode, kind):
    client, _ = connected
    monkeypatch.setattr(client.client, "api", replace(client.client.api, limit=Limit(1000)))
    was = client.client.call
    monkeypatch.setattr(client.client, "call", lambda *args, **more: was(*args, **more, seconds=0.3, patience=ONCE))
    lab.switch(demo, "stripe", mode)
    with pytest.raises(kind):
        client.show("payment", "pi_1")

    lab.switch(demo, "stripe", "well")
    if mode != "limited":                     # nobody asks before the moment it named
        assert client.show("payment", "pi_1")["id"] == "pi_1"


def test_lost_replies_are_to_what_changes_something_and_can_be_looked_up(connected, demo):
    client, fake = connected
    lab.switch(demo, "stripe", "lost")
    with pytest.raises(ProviderError) as caught:
        client.refund("pi_1", "effect-1", amount=100)
    assert not caught.value.safe_to_repeat
    assert not isinstance(caught.value, AmbiguousOutcome | BadResponse)      # its key makes it repeatable
    assert client.find_refund("pi_1", "effect-1") is not None
    assert len(fake.shelves["refunds"].all()) == 1


def test_a_new_port_is_followed_and_nobody_is_connected_to_a_pretence_unasked(demo):
    lab.connect(4001, anew=False)
    assert db.session.scalars(select(StoredConnection)).all() == []
    lab.connect(4001, anew=True)
    lab.connect(4002, anew=False)
    found = db.session.scalars(select(StoredConnection)).all()
    assert {each.provider: each.address for each in found} == {name: f"http://127.0.0.1:4002/{name}" for name in lab.FAKES}
    assert all(each.is_sandbox for each in found)


def test_the_port_of_the_last_time_is_taken_again(demo):
    with lab.listen(demo) as first:
        port = first.getsockname()[1]
        with lab.listen(demo) as other:
            assert other.getsockname()[1] != port
            kept = other.getsockname()[1]
    with lab.listen(demo) as again:
        assert again.getsockname()[1] == kept


@pytest.mark.parametrize("not_a_demo", [
    {"demo": False}, {"embedded": False}, {"public_url": "https://shop.example"}, {"host": "0.0.0.0"}])  # noqa: S104
def test_in_production_there_is_no_lab(app, demo, sign_in, monkeypatch, not_a_demo):
    there = replace(demo, **not_a_demo)
    monkeypatch.setitem(app.extensions, "backroom.config", there)
    assert not lab.is_offered(there)
    assert lab.opened(replace(there, outbound_allow=())).outbound_allow == ()
    if "public_url" not in not_a_demo:
        admin = sign_in("admin")
        assert admin.get("/integrations/lab").status_code == 404
        assert admin.post("/integrations/lab/stripe", data={"mode": "lost"}).status_code == 404
        assert "Fault lab" not in admin.get("/integrations").text
    assert lab.mode(demo, "stripe") == "well"


def test_an_admin_switches_it_on_a_page_and_nobody_else(demo, sign_in):
    lab.connect(4001, anew=True)
    admin = sign_in("admin")
    assert "/integrations/lab" in admin.get("/integrations").text
    assert admin.post("/integrations/lab/stripe", data={"mode": "lost"}).status_code == 303

    page = admin.get("/integrations/lab").text
    assert lab.mode(demo, "stripe") == "lost"
    assert "it can still be looked at" in page
    assert "Pretend EasyPost" in page
    [noted] = db.session.scalars(select(Audit.diff).where(Audit.action == "integrations.fault"))
    assert noted == '{"provider":"stripe","mode":"lost"}'
    assert admin.post("/integrations/lab/stripe", data={"mode": "worse"}).status_code == 400
    assert admin.post("/integrations/lab/adyen", data={"mode": "lost"}).status_code == 404
    manager = sign_in("manager")
    assert manager.post("/integrations/lab/stripe", data={"mode": "well"}).status_code == 403
    assert "Fault lab" not in manager.get("/integrations").text
