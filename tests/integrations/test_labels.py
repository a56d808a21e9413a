"""Labels nobody used are taken back once at whoever sold them, and records of every provider are read anew."""
import dataclasses

import pytest
from sqlalchemy import select

from app.access import ROLES
from app.audit import COMMAND_LINE, Actor, Door
from app.errors import Conflict, Forbidden
from app.extensions import db
from app.fakes.easypost import KEY, FakeEasyPost
from app.fakes.fake import DROP, EXPIRED, LOST, failing, served
from app.fakes.paypal import CLIENT_ID, CLIENT_SECRET, FakePayPal
from app.fakes.shippo import TOKEN, FakeShippo
from app.fakes.xero import CLIENT_ID as XERO_ID
from app.fakes.xero import CLIENT_SECRET as XERO_SECRET
from app.fakes.xero import FakeXero
from app.integrations import connections, effects, labels
from app.integrations.calling import Limit
from app.integrations.connections import Wanted
from app.integrations.models import Effect
from app.jobs.models import Job
from app.providers import easypost_client, paypal_client, shippo_client, xero_client
from app.records import actions
from app.records.changes import Change, Source
from app.records.registry import named
from app.records.values import Reading
from app.transaction import transaction
from tests.integrations.conftest import calls
from tests.records import gate
from tests.records.gate import EVENT, IMPORT, act

MINA = Actor("staff", "mina", 1, ROLES["manager"])
OPERATOR = Actor("staff", "ann", 2, ROLES["operator"])
NUMBER = "00340434161094021501"
CONTACT = "025867f1-d741-4d6b-b1af-9ac774b59ba7"
MADE = {"tracking_number": NUMBER, "status": "label_made", "carrier": "dhl_germany"}


@pytest.fixture
def hurried(monkeypatch):
    """How often they may be asked is another test's matter: without Redis it would be once a second."""
    for of in (easypost_client, paypal_client, shippo_client, xero_client):
        monkeypatch.setattr(of, "API", dataclasses.replace(of.API, limit=Limit(1000)))


@pytest.fixture
def easypost(app, hurried):
    fake = FakeEasyPost()
    fake.tracked("trk_1", "pre_transit", label="shp_1")
    with served(fake) as url:
        connections.add("easypost", Wanted("EasyPost", "", {"api_key": KEY}, url, True), by=COMMAND_LINE)
        told(Change("deliveries", MADE, key={"external_id": "trk_1"}, as_of=gate.at(1)), "easypost")
        yield fake


@pytest.fixture
def shippo(app, hurried):
    fake = FakeShippo()
    fake.bought("another")
    fake.bought(NUMBER)
    with served(fake) as url:
        connections.add("shippo", Wanted("Shippo", "", {"api_token": TOKEN}, url, True), by=COMMAND_LINE)
        act(Change("deliveries", MADE, key={"tracking_number": NUMBER}), source=IMPORT)
        yield fake


def told(change, account):
    act(change, source=Source(Door.EVENT, EVENT.actor, account=account))


def do(resource, name, actor=MINA):
    return actions.run(actor, named(resource), gate.row(resource)["id"], name, {}, Reading(ids=True))


def effect():
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(Effect)).one()


def work_off(drain):
    """With the retries, which wait; tests do not."""
    for _ in range(3):
        drain()
        with transaction() as session:
            for job in session.scalars(select(Job).where(Job.status == "waiting")):
                job.run_at = job.created_at
    drain()


LOSSES = pytest.mark.parametrize("wrong", [[], [None, LOST], [None, LOST, EXPIRED], [None, failing(500, does_it=True)], [DROP, None, LOST]])


@pytest.mark.alike
@LOSSES
def test_easypost_takes_a_label_back_once_whatever_is_lost(easypost, drain, wrong):
    easypost.next(*wrong)
    assert do("deliveries", "cancel") == "The label is on its way back."
    assert gate.row("deliveries")["status"] == "label_made"
    work_off(drain)

    assert easypost.taken == ["shp_1"]
    assert (effect().status, effect().said) == ("done", "EasyPost takes the label of shp_1 back (submitted).")
    assert gate.row("deliveries")["status"] == "cancelled"
    assert {call.resource for call in calls()} == {"deliveries"}
    with pytest.raises(Conflict, match="Only an unused label"):
        do("deliveries", "cancel")


@pytest.mark.alike
@LOSSES
def test_shippo_takes_a_label_back_once_whatever_is_lost(shippo, drain, wrong):
    shippo.next(*wrong)
    do("deliveries", "cancel")
    work_off(drain)

    assert [each["transaction"] for each in shippo.refunds] == [shippo.labels[1]["object_id"]]
    assert effect().status == "done"
    assert gate.row("deliveries")["status"] == "cancelled"


def test_a_label_that_may_be_on_its_way_back_is_said_to_be_in_doubt(easypost, drain):
    easypost.next(None, LOST, *[EXPIRED] * 9)
    do("deliveries", "cancel")
    work_off(drain)
    assert (effect().status, gate.row("deliveries")["status"]) == ("ambiguous", "label_made")

    effects.again(effect().id, by=MINA)
    easypost._next.clear()
    drain()
    assert (effect().status, easypost.taken) == ("done", ["shp_1"])


@pytest.mark.alike
@pytest.mark.parametrize(("label", "refund", "said"), [("", None, "did not sell its label"), ("shp_1", "rejected", "does not take the label back")])
def test_a_label_that_is_not_taken_back_stays(easypost, drain, label, refund, said):
    easypost.tracked("trk_1", "pre_transit", label=label, refund=refund)
    do("deliveries", "cancel")
    work_off(drain)
    assert effect().status == "refused"
    assert said in effect().said
    assert gate.row("deliveries")["status"] == "label_made"


@pytest.mark.alike
def test_a_label_shippo_did_not_sell_is_said_so(shippo, drain):
    shippo.labels.clear()
    do("deliveries", "cancel")
    work_off(drain)
    assert effect().status == "refused"
    assert "no label of this number" in effect().said


@pytest.mark.alike
def test_it_takes_the_right_and_somebody_to_ask(easypost, sign_in):
    with pytest.raises(Forbidden):
        do("deliveries", "cancel", OPERATOR)
    page = sign_in("manager").get(f"/deliveries/{gate.row('deliveries')['id']}/cancel").text
    assert "A parcel that bears it is not carried any more" in page
    found = connections.of_account("easypost", "easypost")
    assert found
    connections.switch(found.id, on=False, by=COMMAND_LINE)
    with pytest.raises(Conflict, match="No connection"):
        do("deliveries", "cancel")
    assert easypost.heard == []


@pytest.mark.alike
def test_a_parcel_of_another_account_is_not_asked_for_by_its_number(shippo):
    row = {"status": "label_made", "account": "shop", "external_id": "F-1", "tracking_number": NUMBER}
    assert "No connection" in str(labels.can_be_taken_back(row))
    assert labels.can_be_taken_back(row | {"account": ""}) is True


@pytest.mark.alike
def test_a_parcel_is_read_anew_at_shippo_by_its_number(shippo, drain):
    shippo.moved("dhl_germany", NUMBER, "DELIVERED")
    do("deliveries", "refresh", OPERATOR)
    drain()
    assert gate.row("deliveries")["status"] == "delivered"


@pytest.mark.alike
@pytest.mark.parametrize(("path", "thing", "status"), [
    ("/v2/payments/captures/C1", {"status": "REFUNDED"}, "refunded"), ("/v1/payments/sale/C1", {"state": "completed"}, "paid"),
    ("/v2/payments/authorizations/C1", {"status": "VOIDED"}, "failed")])
def test_a_payment_is_read_anew_at_paypal_whatever_its_id_is_of(app, hurried, drain, path, thing, status):
    fake = FakePayPal()
    fake.kept[path] = {"id": "C1", "amount": {"value": "10.00", "currency_code": "EUR"}, "create_time": "2026-06-12T09:40:58Z", **thing}
    told(Change("payments", {"status": "pending", "amount_minor": 1000, "currency": "EUR"}, key={"external_id": "C1"}, as_of=gate.at(1)), "paypal")
    with served(fake) as url:
        connections.add("paypal", Wanted("PayPal", "", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}, url, True), by=COMMAND_LINE)
        do("payments", "refresh")
        drain()
    assert gate.row("payments")["status"] == status


@pytest.mark.alike
def test_a_subscription_is_read_anew_at_paypal(app, hurried, drain):
    fake = FakePayPal()
    fake.kept["/v1/billing/subscriptions/I-1"] = {"id": "I-1", "status": "SUSPENDED", "plan_id": "P-1"}
    told(Change("subscriptions", {"status": "active", "amount_minor": 1, "currency": "EUR"}, key={"external_id": "I-1"}, as_of=gate.at(1)), "paypal")
    with served(fake) as url:
        connections.add("paypal", Wanted("PayPal", "", {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}, url, True), by=COMMAND_LINE)
        do("subscriptions", "refresh")
        drain()
    assert gate.row("subscriptions")["status"] == "paused"


@pytest.mark.alike
@pytest.mark.parametrize(("resource", "was", "things", "thing", "field", "now"), [
    ("customers", {"email": "ada@example.com", "name": "A."}, "Contacts", {"ContactID": CONTACT, "Name": "Ada", "EmailAddress": "ada@example.com"},
     "name", "Ada"),
    ("payments", {"status": "pending", "amount_minor": 1, "currency": "EUR"}, "Payments",
     {"PaymentID": CONTACT, "PaymentType": "ACCRECPAYMENT", "Amount": 12.5, "Status": "AUTHORISED", "Invoice": {"CurrencyCode": "EUR"}},
     "amount_minor", 1250)])
def test_contacts_and_payments_are_read_anew_at_xero(app, hurried, drain, resource, was, things, thing, field, now):
    fake = FakeXero()
    fake.put(things, thing)
    told(Change(resource, was, key={"external_id": CONTACT}, as_of=gate.at(1)), "xero")
    with served(fake) as url:
        connections.add("xero", Wanted("Xero", "", {"client_id": XERO_ID, "client_secret": XERO_SECRET}, url, True), by=COMMAND_LINE)
        do(resource, "refresh")
        drain()
    assert gate.row(resource)[field] == now
