"""Mail events through the real address: what became of mail is said of the customers who are here, and of nobody else."""
import json
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from app.audit import COMMAND_LINE
from app.commerce.customers import Customer
from app.records.changes import Change, Door, Source, apply
from app.transaction import transaction
from app.webhooks import endpoints
from tests.providers.test_sendgrid import TestSendGrid as SendGrid
from tests.providers.test_sendgrid import items
from tests.webhooks.conftest import events, only


@pytest.fixture
def send(app):
    target = endpoints.add("sendgrid", "SendGrid", [SendGrid.secrets[0]], by=COMMAND_LINE)

    def post(*names):
        batch = [item for name in names for item in items(name)]
        receipt = SendGrid().signed(json.dumps(batch).encode(), at=datetime.now(UTC))
        return app.test_client().post(target.path, data=receipt.body, headers=receipt.headers).status_code
    return post


@pytest.fixture
def ada(app):
    with transaction() as session:
        apply(session, [Change("customers", {"email": "ada@example.com", "name": "Ada"})], Source(Door.FORM, COMMAND_LINE))
    return lambda: only(Customer, Customer.email == "ada@example.com")


@pytest.mark.parametrize("order", list(permutations(["bounced", "spam_report", "unsubscribed"])))
def test_in_every_order_and_doubled_the_last_of_it_holds(send, drain, ada, order):
    for name in order:
        assert send(name) == 200
        drain()
    assert send(*order) == 200
    drain()

    assert ada().mail_status == "unsubscribed"
    assert len(events()) == 3


def test_nobody_becomes_a_customer_by_a_mail(send, drain, ada):
    send("batch")
    drain()

    assert [(each.status, each.outcome) for each in events()] == [("done", "ignored")] * 3
    assert only(Customer).mail_status is None


def test_an_address_that_is_changed_before_and_heard_of_later_is_no_stale_news(app, send, drain, ada):
    send("bounced")
    drain()
    earlier = datetime.fromtimestamp(items("bounced")[0]["timestamp"], UTC) - timedelta(hours=1)
    with transaction() as session:
        [outcome] = apply(session, [Change("customers", {"email": "ada@new.example.com"}, key={"id": ada().id}, as_of=earlier)],
                          Source(Door.EVENT, COMMAND_LINE, account="shop"))

    assert outcome.kind == "updated"
