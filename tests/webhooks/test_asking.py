"""Events whose provider is asked: thin ones, two of one moment that contradict each other, and where a person wants it."""
import copy

import pytest
from sqlalchemy import update

from app.audit import COMMAND_LINE
from app.extensions import db
from app.fakes.fake import failing, limited, served
from app.fakes.stripe import KEY, FakeStripe
from app.integrations import breaker, connections, limiter
from app.integrations.connections import Wanted
from app.integrations.models import StoredConnection
from app.integrations.registry import provider
from app.transaction import transaction
from app.webhooks import retry
from app.webhooks.models import Event
from tests.integrations.conftest import calls
from tests.records.stock import statements
from tests.webhooks.conftest import event, events, payment


@pytest.fixture
def asked(app):
    """A pretend Stripe, connected for the account of the endpoint."""
    limiter.forget()
    breaker.forget()
    fake = FakeStripe()
    with served(fake) as url:
        connections.add("stripe", Wanted("Stripe EU", "", {"api_key": KEY}, url, True), by=COMMAND_LINE)
        yield fake


def succeeded(id, amount):
    told = copy.deepcopy(event("payment_succeeded"))
    told["id"] = id
    told["data"]["object"] |= {"amount": amount, "amount_received": amount}
    return told


def test_a_thin_event_is_fetched_and_takes_effect(asked, post, drain):
    asked.paid("pi_3QkTb2", amount=5000)
    thin = event("thin_charge_refunded")
    thin["related_object"] = {"id": "ch_pi_3QkTb2", "type": "charge", "url": "/v1/charges/ch_pi_3QkTb2"}
    post(thin)
    drain()

    assert [each.outcome for each in events()] == ["created"]
    assert (payment().amount_minor, payment().status) == (5000, "paid")
    (call,) = calls()
    assert (call.op, call.event_id, call.status) == ("charges.show", events()[0].id, 200)


def test_a_thin_event_nobody_can_be_asked_about_waits_for_a_person_and_is_done_once_there_is_a_connection(app, post, drain):
    post("thin_charge_refunded")
    drain()
    (dead,) = events()
    assert dead.status == "dead"
    assert "Add a connection to Stripe for the account stripe" in dead.last_error

    fake = FakeStripe()
    fake.paid("pi_3QkTb2")
    fake.shelves["charges"].put({**fake.shelves["charges"].all()[0], "id": "ch_3QkTb2"})
    with served(fake) as url:
        connections.add("stripe", Wanted("Stripe EU", "", {"api_key": KEY}, url, True), by=COMMAND_LINE)
        retry.retry(dead.id, by=COMMAND_LINE)
        drain()
    assert events()[0].outcome == "created"


def test_no_transaction_waits_for_the_provider(asked, post, drain, monkeypatch):
    """PostgreSQL ends one that idles too long, and the work with it."""
    by, idle = type(provider("stripe")), []
    fetch = by.fetch

    def watched(self, incoming, connection):
        idle.append(db.session().in_transaction())
        return fetch(self, incoming, connection)
    monkeypatch.setattr(by, "fetch", watched)
    post("thin_charge_refunded")
    drain()
    assert idle == [False]


def test_whom_to_ask_is_looked_up_once_for_many_events(asked, post, drain):
    for number in range(12):
        told = succeeded(f"evt_{number}", 100)
        told["data"]["object"]["id"] = f"pi_{number}"
        post(told)
    with statements() as seen:
        drain()

    assert {each.outcome for each in events()} == {"created"}
    assert len([one for one, _ in seen if "FROM connections" in one]) == 1


def test_an_event_that_shows_all_needs_no_credentials(asked, post, drain):
    with transaction() as session:
        session.execute(update(StoredConnection).values(sealed="sealed with a key that is gone"))
    post("payment_succeeded")
    drain()
    assert [each.outcome for each in events()] == ["created"]


def test_two_events_of_one_moment_that_contradict_each_other_are_settled_by_asking(asked, post, drain):
    asked.paid("pi_3QkTb2", amount=777)
    post(succeeded("evt_a", 100))
    drain()
    post(succeeded("evt_z", 200))
    drain()

    assert payment().amount_minor == 777
    assert [(each.status, each.attempts) for each in events()] == [("done", 1), ("done", 1)]
    assert [call.op for call in calls()] == ["payments.show"]


def test_of_two_events_of_one_moment_the_greater_word_wins_where_nobody_can_be_asked(app, post, drain):
    post(succeeded("evt_z", 200))
    drain()
    post(succeeded("evt_a", 100))
    drain()
    assert payment().amount_minor == 200


def test_a_person_has_the_latest_fetched(asked, post, drain):
    post(succeeded("evt_a", 100))
    drain()
    assert calls() == []
    asked.paid("pi_3QkTb2", amount=900)

    retry.retry(events()[0].id, by=COMMAND_LINE, latest=True)
    drain()

    assert payment().amount_minor == 900


def test_an_endpoint_that_hears_of_several_accounts_asks_through_its_own_connection(asked, post, drain):
    asked.paid("pi_3QkTb2", amount=900)
    post(succeeded("evt_a", 100))
    with transaction() as session:
        session.execute(update(Event).values(account="stripe/acct_9", wants_latest=True))
    drain()

    assert [each.outcome for each in events()] == ["created"]
    assert (payment().amount_minor, payment().account) == (900, "stripe/acct_9")
    assert [call.op for call in calls()] == ["payments.show"]


@pytest.mark.parametrize("wrong", [limited("120"), failing(500)])
def test_an_event_whose_provider_cannot_answer_waits_and_comes_again(asked, post, drain, wrong):
    asked.paid("pi_3QkTb2")
    thin = event("thin_charge_refunded")
    thin["related_object"] = {"id": "ch_pi_3QkTb2", "type": "charge", "url": "/v1/charges/ch_pi_3QkTb2"}
    asked.next(*[wrong] * 3)
    post(thin)
    drain()

    (waiting,) = events()
    assert (waiting.status, waiting.attempts) == ("waiting", 1)
    assert "It answered" in waiting.last_error


def test_what_the_provider_does_not_know_is_for_a_person(asked, post, drain):
    post("thin_charge_refunded")
    drain()
    assert events()[0].status == "dead"
    assert "No such charge" in events()[0].last_error


def test_an_event_beside_one_that_is_asked_about_is_not_held_up(asked, post, drain):
    post("thin_charge_refunded")
    post("customer_created")
    drain()
    assert sorted(each.status for each in events()) == ["dead", "done"]


def test_the_button_to_fetch_is_there_where_somebody_can_be_asked(asked, sign_in, post, drain):
    post(succeeded("evt_1", 24890))
    drain()
    page = sign_in("operator").get(f"/webhooks/events/{events()[0].id}").text

    assert "Fetch latest and retry" in page


def test_what_a_thin_event_would_change_is_not_guessed(asked, sign_in, post):
    asked.paid("pi_3QkTb2", amount=5000)
    post("thin_charge_refunded")

    page = sign_in("operator").get(f"/webhooks/events/{events()[0].id}").text

    assert "Stripe is asked first how it stands now" in page
