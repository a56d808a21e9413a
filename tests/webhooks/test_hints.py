"""What is probably the matter with a rejected post is said beside it; the sender hears nothing of that."""
import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from app.audit import COMMAND_LINE
from app.webhooks import endpoints, hints, rejects
from tests.providers.every import contracts
from tests.webhooks.conftest import STANDARD_SECRET, STRIPE_SECRET, event, events, receipts, signed

OTHER = "whsec_the_secret_of_another_endpoint"


@pytest.fixture
def knock(app, endpoint):
    """Send this body, signed so, to an endpoint: returns the hint that is kept."""

    def send(body: bytes, headers: dict[str, str], provider: str = "stripe", **made):
        answer = app.test_client().post(endpoint(provider, **made).path, data=body, headers=headers)
        assert answer.status_code in (400, 401)
        assert events() == []
        [kept] = receipts()
        assert kept.hint is None or kept.hint not in answer.text
        return kept.hint
    return send


def body() -> bytes:
    return json.dumps(event("payment_succeeded")).encode()


@pytest.mark.parametrize(("off", "said"), [
    (timedelta(minutes=7), "7 minutes ahead of"), (timedelta(minutes=-7), "7 minutes behind"), (timedelta(hours=-3), "3 hours behind"),
    (timedelta(days=-4), "4 days behind"),
])
def test_a_clock_that_is_off_is_said_with_how_far(knock, off, said):
    found = knock(body(), signed("stripe", body(), STRIPE_SECRET, datetime.now(UTC) + off))

    assert f"clock in it is {said} ours" in found


def test_the_secret_of_another_endpoint_is_named(knock, endpoint):
    endpoint("stripe", name="Stripe EU", secrets=[OTHER])

    found = knock(body(), signed("stripe", body(), OTHER))

    assert found == "The signature matches the secret of the endpoint Stripe EU: it was sent to the wrong address."


def test_nothing_but_a_forgery_has_no_hint(knock):
    assert knock(body(), signed("stripe", body(), OTHER)) is None


@pytest.mark.parametrize(("kept", "meant", "said"), [
    ("whsec_" + base64.b64encode(b"a secret of plain text, pasted so").decode(), "a secret of plain text, pasted so", "decoded from base64"),
    ("'whsec_quoted_by_somebody'", "whsec_quoted_by_somebody", "blanks or quotes"),
])
def test_a_secret_that_was_pasted_in_another_form_is_said_so(knock, monkeypatch, kept, meant, said):
    monkeypatch.setattr("app.providers.stripe.Stripe.check_secret", lambda self, value: None)
    if "base64" in said:
        kept = kept.removeprefix("whsec_")

    found = knock(body(), signed("stripe", body(), meant), secrets=[kept])

    assert f"matches if the secret is {said}" in found.replace("taken without the ", "") or said in found


def test_a_secret_with_the_wrong_prefix_is_said_so(knock):
    text = json.dumps(event("payment_paid", "standard")).encode()
    kept = "whsec_" + base64.b64encode(STANDARD_SECRET.encode()).decode()

    found = knock(text, signed("standard", text, STANDARD_SECRET), "standard", secrets=[kept])

    assert found.startswith("The signature matches if the secret is ")


@pytest.mark.parametrize("written", [
    lambda told: json.dumps(told, indent=2), lambda told: json.dumps(told, separators=(",", ":")),
    lambda told: json.dumps(told, ensure_ascii=False) + "\n",
])
def test_a_body_that_was_written_anew_on_the_way_is_said_so(knock, written):
    found = knock(written(event("payment_succeeded")).encode(), signed("stripe", body(), STRIPE_SECRET))

    assert found.startswith("The body was changed on the way")


def test_an_address_that_is_written_otherwise_at_the_provider_is_said_without_its_token(app):
    square = contracts()["square"]
    made = endpoints.add("square", "Square", [square.secrets[0]], by=COMMAND_LINE, settings={"public_url": "https://x.example/hooks/"})
    receipt = square.sent("payment_completed")

    app.test_client().post(made.path, data=receipt.body, headers=receipt.headers)

    [kept] = receipts()
    assert kept.hint == "It was made for the address https://x.example/hooks: make that the public address of the endpoint."


def test_our_own_address_is_shown_without_what_makes_it_a_secret():
    assert hints._without_token("https://a.example/hooks/square/abcdefgh/") == "https://a.example/hooks/square/…/"
    assert hints._without_token("https://a.example/other") == "https://a.example/other"


def test_a_forged_item_of_a_good_batch_has_no_hint_that_blames_the_secret(app):
    adyen = contracts()["adyen"]
    made = endpoints.add("adyen", "Adyen", [adyen.secrets[0]], by=COMMAND_LINE)
    sealed = json.loads(adyen.sent("batch").body)
    sealed["notificationItems"][1]["NotificationRequestItem"]["amount"]["value"] = 1

    app.test_client().post(made.path, data=json.dumps(sealed).encode())

    assert [each.hint for each in receipts() if each.verdict == "rejected"] == [None]


def test_hints_are_worked_out_only_for_what_is_kept(post, monkeypatch):
    asked = []
    monkeypatch.setattr(hints, "hint", lambda *told: asked.append(told))

    for _ in range(rejects.A_MINUTE + 5):
        post("payment_succeeded", secret=OTHER)

    assert len(asked) == rejects.A_MINUTE
