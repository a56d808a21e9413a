"""What providers list is told as their webhooks tell it: PayPal, EasyPost, Xero and Stripe, each over its fake."""
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from app.audit import COMMAND_LINE
from app.fakes.easypost import KEY as EASYPOST_KEY
from app.fakes.easypost import FakeEasyPost
from app.fakes.fake import Fake, served
from app.fakes.paypal import CLIENT_ID, CLIENT_SECRET, FakePayPal
from app.fakes.xero import CLIENT_ID as XERO_ID
from app.fakes.xero import CLIENT_SECRET as XERO_SECRET
from app.fakes.xero import FakeXero
from app.integrations import auth, breaker, connections, limiter, listing, sync_rows
from app.integrations.calling import Connection
from app.integrations.connections import Wanted
from app.integrations.errors import NotFoundThere
from app.integrations.registry import provider, providers
from app.records.registry import named

AT = datetime(2026, 6, 20, 12, tzinfo=UTC)
SINCE = datetime(2026, 6, 1, tzinfo=UTC)
CONTACT = "11111111-1111-4111-8111-111111111111"

pytestmark = pytest.mark.alike


@contextmanager
def connected(fake: Fake, **credentials: str) -> Iterator[Connection]:
    for part in (limiter, breaker, auth):
        part.forget()
    with served(fake) as url:
        connections.add(fake.name, Wanted(fake.name, "eu", credentials, url, True), by=COMMAND_LINE)
        found = connections.of_account(fake.name, "eu")
        assert found is not None
        yield found


def told(connection: Connection, name: str, since: datetime | None = SINCE) -> dict[str, Any]:
    """outside id → what its row says should become of the record."""
    known = listing.one(connection.provider, name)
    things = [each for page in known.pages(connection, since, None) for each in page.items]
    cells = sync_rows.cells_of(provider(connection.provider), known, connection, things, AT)
    return {sync_rows.outside(row): sync_rows.shape(row) for row in cells}


def test_what_moved_at_paypal_is_payments_and_a_refund_is_its_payment(app: Flask) -> None:
    fake = FakePayPal()
    recent = datetime.now(UTC) - timedelta(days=3)
    at = f"{recent:%Y-%m-%dT%H:%M:%SZ}"
    fake.moved("PAID1", at)
    fake.moved("DENIED1", at, status="D")
    fake.moved("REFUND1", at, code="T1107", amount="-10.00", of="OLD1")
    fake.moved("FEE1", at, code="T0106", amount="-1.00")
    fake.captured("OLD1", "PARTIALLY_REFUNDED")
    with connected(fake, client_id=CLIENT_ID, client_secret=CLIENT_SECRET) as connection:
        found = told(connection, "payments", recent - timedelta(days=1))
        show = listing.one("paypal", "payments").show
        assert show is not None
        with pytest.raises(NotFoundThere):
            show(connection, "NOBODY")
    assert {id: row.values["status"] for id, row in found.items()} == {"PAID1": "paid", "DENIED1": "failed", "OLD1": "part_refunded"}
    assert found["PAID1"].values["amount"] == "248.90"
    assert found["PAID1"].as_of == recent.replace(microsecond=0)      # it may know nothing of what came later
    assert found["OLD1"].as_of == AT


def test_what_easypost_follows_is_deliveries(app: Flask) -> None:
    fake = FakeEasyPost()
    fake.tracked("trk_1", "delivered")
    with connected(fake, api_key=EASYPOST_KEY) as connection:
        found = told(connection, "deliveries")
    assert (found["trk_1"].values["status"], found["trk_1"].as_of) == ("delivered", AT)


def test_what_changed_at_xero_is_customers_and_payments(app: Flask) -> None:
    fake = FakeXero()
    fake.put("Contacts", {"ContactID": CONTACT, "EmailAddress": "ada@example.com", "Name": "Ada", "ContactStatus": "ACTIVE"})
    fake.put("Payments", {"PaymentID": CONTACT, "PaymentType": "ACCRECPAYMENT", "Status": "AUTHORISED", "Amount": 12.5,
                          "Invoice": {"CurrencyCode": "EUR"}})
    with connected(fake, client_id=XERO_ID, client_secret=XERO_SECRET) as connection:
        assert told(connection, "customers", None)[CONTACT].values["email"] == "ada@example.com"
        assert told(connection, "payments", None)[CONTACT].values["amount"] == "12.5"


def test_every_list_speaks_of_records_there_are_and_is_of_a_provider_that_can_be_asked(app: Flask) -> None:
    lists = {each.name: listing.of(each.name) for each in providers()}
    assert {name for name, found in lists.items() if found} >= {"stripe", "paypal", "easypost", "xero"}
    for name, found in lists.items():
        for each in found:
            assert named(each.resource).outside, each.name
            assert provider(name).api is not None


def test_moments_and_days_come_back_as_they_were_and_ids_within_are_of_the_account(app: Flask) -> None:
    values = {"renews_at": AT.date(), "placed_at": AT, "customer": {"external_id": "cus_1"}, "lines": [{"sku": "A"}]}
    kept = sync_rows._written(values, "eu")
    assert sync_rows._read(kept) == values | {"customer": {"external_id": "cus_1", "account": "eu"}}
