"""Xero: thin batches under its key, intents to receive, and what is fetched in our words; its client against a pretend one."""
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from app.audit import COMMAND_LINE
from app.fakes.fake import served
from app.fakes.xero import CLIENT_ID, CLIENT_SECRET, FakeXero
from app.integrations import auth, breaker, connections, limiter
from app.integrations.connections import Wanted
from app.integrations.errors import AuthError, BadResponse, NotFoundThere
from app.integrations.provider import Answer, Unreadable
from app.providers.xero_client import IDENTITY, SCOPES, XeroClient, _auth
from app.records.changes import Change
from tests.providers.contract import Contract, case

CONTACT, INVOICE, PAYMENT = "717f2bfc-c6d4-41fd-b238-3f2f0c0cf777", "046d8a6d-1ae1-4b4d-9340-5601bdf41b87", "99ea7f6b-c513-4066-bc27-b7c65dcd76c2"
ADA = {"ContactID": CONTACT, "ContactStatus": "ACTIVE", "Name": "Lovelace Engines", "FirstName": "Ada", "LastName": "Lovelace",
       "EmailAddress": "ada@example.com", "IsSupplier": False, "IsCustomer": True,
       "Addresses": [{"AddressType": "STREET"}, {"AddressType": "POBOX", "City": "London", "Country": "gb"}],
       "Phones": [{"PhoneType": "FAX", "PhoneNumber": ""}, {"PhoneType": "DEFAULT", "PhoneCountryCode": "44", "PhoneAreaCode": "20",
                                                              "PhoneNumber": "5550142"}],
       "UpdatedDateUTC": "/Date(1781257201123+0000)/"}
SOLD = {"Type": "ACCREC", "InvoiceID": INVOICE, "InvoiceNumber": "INV-0002", "Status": "PAID", "CurrencyCode": "NZD", "Total": 46.0,
        "Payments": [{"PaymentID": PAYMENT, "Date": "/Date(1781222400000+0000)/", "Amount": 46.0, "CurrencyRate": 1.0}]}
PAID = {"PaymentID": PAYMENT, "Amount": 46.0, "PaymentType": "ACCRECPAYMENT", "Status": "AUTHORISED",
        "Invoice": {"Type": "ACCREC", "InvoiceID": INVOICE, "InvoiceNumber": "INV-0002", "CurrencyCode": "NZD"}}


class TestXero(Contract):
    name = "xero"
    secrets = ("KwqzMfXY8GJhIp4rWSkQjA4B7pK9xK0d2m1X3wDkT9o==", "Zr0kQmF2b1oW8vTqY5yUe7LhJ3nCxA6dP9sG4iKtB2M==")
    wrong_secret = None
    has_clock = False

    def sign(self, body: bytes, secret: str, at: datetime, case: str = "") -> dict[str, str]:
        return {"x-xero-signature": base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()}

    def told(self, name: str, shown: Any) -> list[Change]:
        """What this event says, had Xero shown this."""
        [incoming] = self.read(name)
        found = replace(incoming, is_thin=False, payload={**incoming.payload, "shown": shown})
        return self.provider.changes(found, self.endpoint())

    @pytest.mark.parametrize("events", [[], None])
    def test_an_intent_to_receive_is_answered_empty_and_no_event(self, events):
        body = json.dumps({"events": events, "firstEventSequence": 0, "lastEventSequence": 0, "entropy": "FMLHZNKCVK"}).encode()

        assert self.provider.answer(self.signed(body), self.endpoint()) == Answer("")
        assert self.provider.answer(self.sent("batch"), self.endpoint()) is None

    def test_every_item_of_a_batch_names_its_object_and_shows_none(self):
        found = self.read("batch")

        assert [(each.kind, each.said, each.is_thin) for each in found] == [
            ("contact.changed", "CONTACT.UPDATE", True), ("invoice.changed", "INVOICE.UPDATE", True), (None, "SUBSCRIPTION.UPDATE", False)]
        with pytest.raises(Unreadable, match="connect Xero"):
            self.provider.changes(found[0], self.endpoint())

    def test_the_number_in_the_stream_makes_no_other_event(self):
        event = case("xero", "contact_created") | {"firstEventSequence": 99, "lastEventSequence": 99, "entropy": "OTHER"}

        [again] = self.provider.parse(self.signed(json.dumps(event).encode()), self.endpoint())

        assert again.dedupe_key == self.read("contact_created")[0].dedupe_key

    def test_events_of_another_organisation_are_ignored_where_one_is_named(self):
        [mine] = self.provider.parse(self.sent("contact_created"), replace(self.endpoint(), options={"tenant": "another"}))

        assert (mine.kind, mine.is_thin) == (None, False)

    def test_a_contact_with_an_address_is_a_customer(self):
        [change] = self.told("contact_updated", ADA)

        assert (change.resource, change.key) == ("customers", {"external_id": CONTACT})
        assert change.values == {"email": "ada@example.com", "name": "Ada Lovelace", "company": "Lovelace Engines", "phone": "44 20 5550142",
                                 "country": "GB"}

    @pytest.mark.parametrize("shown", [ADA | {"EmailAddress": ""}, ADA | {"IsSupplier": True, "IsCustomer": False}])
    def test_whom_we_only_buy_from_or_cannot_write_to_is_none(self, shown):
        assert self.told("contact_updated", shown) == []

    def test_an_archived_contact_goes_to_the_trash(self):
        assert set(self.told("contact_updated", ADA | {"ContactStatus": "ARCHIVED"})[0].values) == {"trashed_at"}

    def test_an_invoice_tells_of_its_payments_and_a_payment_of_itself(self):
        for [change] in (self.told("invoice_updated", SOLD), self.told("payment_created", PAID)):
            assert (change.resource, change.key) == ("payments", {"external_id": PAYMENT})
            assert change.values == {"amount": "46.0", "currency": "NZD", "status": "paid"}

    @pytest.mark.parametrize(("name", "shown"), [("invoice_updated", SOLD | {"Type": "ACCPAY"}), ("payment_created", PAID | {"PaymentType": "ACCPAYPAYMENT"}),
                                                 ("invoice_created", SOLD | {"Payments": []})])
    def test_what_we_pay_or_nobody_has_paid_is_no_payment(self, name, shown):
        assert self.told(name, shown) == []

    def test_a_payment_that_is_deleted_goes_to_the_trash(self):
        assert set(self.told("payment_created", PAID | {"Status": "DELETED"})[0].values) == {"trashed_at"}

    @pytest.mark.parametrize("shown", [SOLD | {"CurrencyCode": 7}, SOLD | {"Payments": [{"PaymentID": PAYMENT, "Amount": None}]},
                                       SOLD | {"Payments": [{}]}, SOLD | {"Payments": [1]}])
    def test_what_cannot_be_read_is_said_by_its_name(self, shown):
        with pytest.raises(Unreadable, match="must be"):
            self.told("invoice_updated", shown)


@pytest.fixture
def xero(app: Flask) -> Iterator[FakeXero]:
    limiter.forget()
    breaker.forget()
    auth.forget()
    fake = FakeXero()
    with served(fake) as url:
        known = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        connections.add("xero", Wanted("Xero", "", known, url, True), by=COMMAND_LINE)
        yield fake


@pytest.fixture
def client(xero: FakeXero) -> XeroClient:
    found = connections.of_account("xero", "xero")
    assert found is not None
    return XeroClient(found)


def test_things_are_shown_with_one_token_for_all(xero: FakeXero, client: XeroClient):
    xero.put("Contacts", ADA)
    xero.put("Invoices", SOLD)

    assert client.show("contact", CONTACT)["EmailAddress"] == "ada@example.com"
    assert client.show("invoice", INVOICE.upper())["InvoiceNumber"] == "INV-0002"
    assert [each.path for each in xero.heard] == ["/connect/token", f"/api.xro/2.0/Contacts/{CONTACT}", f"/api.xro/2.0/Invoices/{INVOICE.upper()}"]
    assert xero.heard[0].form["scope"] == SCOPES


def test_a_token_that_ended_is_replaced(xero: FakeXero, client: XeroClient):
    xero.put("Contacts", ADA)
    client.show("contact", CONTACT)
    xero.end_tokens()

    assert client.show("contact", CONTACT)["Name"] == "Lovelace Engines"


def test_what_was_changed_since_is_listed_page_by_page_and_goes_on_where_it_stopped(xero: FakeXero, client: XeroClient):
    for number in range(5):
        xero.put("Payments", PAID | {"PaymentID": f"{number}{PAYMENT[1:]}", "changed": f"2026-06-1{number}T00:00:00"})
    since = datetime(2026, 6, 11, tzinfo=UTC)

    pages = list(client.each("payment", since=since, size=2))
    rest = list(client.each("payment", since=since, size=2, start=pages[0].after))

    assert [[each["PaymentID"][0] for each in page.items] for page in pages] == [["1", "2"], ["3", "4"], []]
    assert [page.items for page in rest] == [page.items for page in pages[1:]]
    assert xero.heard[1].headers["if-modified-since"] == "2026-06-11T00:00:00"


def test_what_xero_does_not_have_is_said_so(client: XeroClient):
    with pytest.raises(NotFoundThere, match="cannot be found"):
        client.show("payment", PAYMENT)


@pytest.mark.parametrize("id", ["../Organisation", "", "1", f"{CONTACT}/History"])
def test_what_is_no_id_is_never_asked_for(xero: FakeXero, client: XeroClient, id: str):
    with pytest.raises(BadResponse):
        client.show("contact", id)
    assert xero.heard == []


def test_tokens_come_from_the_host_of_xero_that_gives_them(client: XeroClient):
    real = replace(client.client.connection, base="https://api.xero.com")

    assert _auth(real).url == f"{IDENTITY}/connect/token"


def test_credentials_that_do_not_fit_are_said_so(xero: FakeXero, client: XeroClient):
    other = replace(client.client.connection, credentials={"client_id": CLIENT_ID, "client_secret": "another"})

    with pytest.raises(AuthError):
        XeroClient(other).show("contact", CONTACT)


def test_what_is_fetched_counts_as_of_the_moment_before_it_was_asked(xero: FakeXero, client: XeroClient):
    xero.put("Payments", PAID)
    by, before = TestXero().provider, datetime.now(UTC)
    [thin] = TestXero().read("payment_created")

    found = by.fetch(thin, client.client.connection)

    assert found is not None
    [change] = by.changes(found, TestXero().endpoint())
    assert change.values["status"] == "paid"
    assert change.as_of is not None
    assert before <= change.as_of <= datetime.now(UTC)
