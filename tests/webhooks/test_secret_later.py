"""An endpoint whose secret comes later: it is made without one, turns everything away, and listens once it has it."""
import json

import pytest
from markupsafe import escape

from app.audit import COMMAND_LINE
from app.errors import Conflict, Invalid
from app.extensions import db
from app.integrations.provider import Answer
from app.integrations.registry import provider
from app.webhooks import endpoints, testing
from app.webhooks.models import Endpoint, StoredSecret
from tests.providers.every import contracts
from tests.records.stock import statements
from tests.webhooks.conftest import STRIPE_SECRET, event, events, only, receipts, signed

WAITING = "Waiting for its secret"


@pytest.fixture
def waiting(app):
    """Make an endpoint that has no secret yet."""
    return lambda name="stripe": endpoints.add(name, f"Later {name}", [], by=COMMAND_LINE)


def test_it_is_made_on_the_page_and_says_the_two_steps_that_are_left(sign_in):
    admin = sign_in("admin")
    answer = admin.post("/webhooks/endpoints/new", data={"provider": "paypal", "name": "PayPal", "secret": "", "account": "",
                                                         "option_merchants": "one"}, follow_redirects=True)

    assert answer.status_code == 200
    assert "paste the secret it shows" in answer.text
    assert WAITING in answer.text
    assert answer.text.index("1. Copy this address to PayPal") < answer.text.index(only(Endpoint).path)
    assert answer.text.index(str(escape(provider("paypal").where))) < answer.text.index("2. Paste the secret it shows")
    assert provider("paypal").looks_like in answer.text
    assert "Send a test event" not in answer.text


def test_the_list_and_the_page_of_integrations_say_what_it_waits_for(sign_in, waiting, endpoint):
    endpoint("standard")
    waiting()
    admin = sign_in("admin")

    assert admin.get("/webhooks/endpoints").text.count(WAITING) == 1
    assert WAITING in admin.get("/integrations").text


def test_one_that_is_off_is_off_whether_it_has_a_secret_or_not(sign_in, waiting):
    endpoints.switch(waiting().id, on=False, by=COMMAND_LINE)

    assert WAITING not in sign_in("admin").get("/webhooks/endpoints").text


def test_until_then_every_post_is_turned_away_with_the_reason_and_what_to_do(app, waiting):
    for name, by in sorted(contracts().items()):
        if by.provider.needs_secret:
            receipt = by.signed(by.minimal)
            answer = app.test_client().post(waiting(name).path, data=receipt.body, headers=receipt.headers)

            kept = receipts()[-1]
            assert answer.status_code == by.provider.reject_status
            assert (kept.verdict, kept.reason) == ("rejected", "No secret yet.")
            assert kept.hint.startswith(f"Paste the secret {by.provider.label} shows for this address")
            assert kept.hint not in answer.text
    assert events() == []
    assert len(receipts()) > 10


def test_a_handshake_that_proves_nothing_is_answered_all_the_same(app, waiting):
    answer = app.test_client().post(waiting("woocommerce").path, data=b"webhook_id=7")

    assert (answer.status_code, answer.text) == (Answer().status, "pong\n")


def test_the_secret_is_pasted_and_from_then_on_it_listens(app, sign_in, waiting, drain):
    admin, found = sign_in("admin"), waiting()
    body = json.dumps(event("payment_succeeded")).encode()
    assert app.test_client().post(found.path, data=body, headers=signed("stripe", body, STRIPE_SECRET)).status_code == 400

    wrong = admin.post(f"/webhooks/endpoints/{found.id}/secrets", data={"secret": "sk_live_wrong_kind"})
    assert wrong.status_code == 422
    assert "begins with whsec_" in wrong.text
    assert "2. Paste the secret it shows" in wrong.text
    saved = admin.post(f"/webhooks/endpoints/{found.id}/secrets", data={"secret": STRIPE_SECRET}, follow_redirects=True)

    assert "posts are taken in now" in saved.text
    assert WAITING not in saved.text
    assert only(StoredSecret).state == "active"
    assert app.test_client().post(found.path, data=body, headers=signed("stripe", body, STRIPE_SECRET)).status_code == 200
    drain()
    assert [each.outcome for each in events()] == ["created"]


def test_nothing_is_signed_for_it(waiting):
    with pytest.raises(Conflict, match="Paste the secret"):
        testing.send(waiting().id, by=COMMAND_LINE)


def test_who_waits_is_asked_in_one_statement_and_is_nobody_who_needs_none(endpoint, waiting):
    endpoint("stripe")
    endpoints.add("shippo", "Shippo", [], by=COMMAND_LINE)

    later = waiting()

    with statements() as seen:
        found = endpoints.without_secret(db.session())

    assert found == {later.id}
    assert len(seen) == 1


@pytest.mark.parametrize(("name", "secret"), [
    ("easypost", "short"), ("easypost", "correct horse battery"), ("chargebee", "a:b"), ("chargebee", "backroom:two words"),
    ("woocommerce", "my word")])
def test_a_secret_people_choose_at_the_provider_may_be_short_and_have_blanks(app, name, secret):
    found = endpoints.add(name, name, [secret], by=COMMAND_LINE)
    by = contracts()[name]
    receipt = by.signed(by.minimal, secret)

    app.test_client().post(found.path, data=receipt.body, headers=receipt.headers)

    assert [each.verdict for each in receipts()] == ["ok"]


@pytest.mark.parametrize(("name", "secret", "sentence"), [
    ("stripe", "whsec_a b c d", "A secret is 8 to 500 characters without blanks."),
    ("square", "short", "A secret is 8 to 500 characters without blanks."),
    ("easypost", "with a\nline", "A secret is 1 to 500 characters that can be printed."),
    ("chargebee", "user:pass\0word", "A secret is 3 to 500 characters that can be printed."),
    ("easypost", "x" * 501, "A secret is 1 to 500 characters that can be printed."),
])
def test_what_cannot_be_a_secret_is_said(app, name, secret, sentence):
    with pytest.raises(Invalid) as caught:
        endpoints.add(name, name, [secret], by=COMMAND_LINE)

    assert caught.value.errors == {"secret": sentence}


def test_the_command_still_wants_one(app):
    result = app.test_cli_runner().invoke(args=["endpoint", "add", "stripe", "--name", "A"])

    assert result.exit_code == 2
    assert "--secret-stdin" in result.output
