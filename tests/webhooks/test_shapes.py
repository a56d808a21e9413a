"""Posts of every shape: batches with bad items, handshakes, refusals in the provider's own words, endpoints without a secret."""
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from app import cache
from app.audit import COMMAND_LINE
from app.errors import NotFound, Unavailable
from app.extensions import db
from app.integrations import pinned
from app.integrations.errors import RateLimited
from app.integrations.provider import Receipt
from app.records import owners
from app.webhooks import endpoints, live, retry
from app.webhooks.models import StoredSecret
from tests.providers.every import contracts
from tests.webhooks.conftest import event, events, only, payments, receipts
from tests.webhooks.odd import Odd

ADYEN = contracts()["adyen"]


def batch(**changes: Any) -> Receipt:
    """The batch of Adyen, its second item changed after it was signed."""
    sealed = json.loads(ADYEN.sent("batch").body)
    sealed["notificationItems"][1]["NotificationRequestItem"] |= changes
    return ADYEN.receipt(json.dumps(sealed).encode(), {})


@pytest.fixture
def adyen(app: Flask) -> Callable[[Receipt], TestResponse]:
    made = endpoints.add("adyen", "Adyen", [ADYEN.secrets[0]], by=COMMAND_LINE)
    return lambda receipt: app.test_client().post(made.path, data=receipt.body)


def in_order() -> list[Any]:
    return sorted(events(), key=lambda each: each.item)


def test_of_a_batch_the_good_are_kept_and_the_forged_are_logged(adyen, drain):
    answer = adyen(batch(pspReference="FORGED"))
    drain()

    assert (answer.status_code, answer.text) == (200, "[accepted]")
    assert [(each.said, each.item, each.status) for each in in_order()] == [("AUTHORISATION", 0, "done"), ("REFUND", 2, "done")]
    assert [each.reason for each in receipts() if each.verdict == "rejected"] == [
        "Of 3 items these are not proven: 2. No live secret of this endpoint made this signature."]


def test_an_item_that_cannot_be_read_waits_for_a_person_beside_its_neighbours(adyen, drain):
    adyen(batch(eventDate="yesterday"))       # Adyen does not sign the date
    drain()

    assert [each.status for each in in_order()] == ["done", "dead", "done"]
    assert in_order()[1].outcome == "unreadable"
    assert "eventDate" in in_order()[1].last_error


def test_an_item_that_could_not_be_read_fails_again_with_the_same_sentence(adyen, drain):
    adyen(batch(eventDate="yesterday"))
    retry.retry(in_order()[1].id, by=COMMAND_LINE)
    drain()

    assert in_order()[1].status == "dead"
    assert "eventDate" in in_order()[1].last_error


def test_a_batch_of_which_nothing_is_proven_is_turned_away(adyen):
    forged = json.loads(ADYEN.sent("batch").body)
    for each in forged["notificationItems"]:
        each["NotificationRequestItem"]["amount"]["value"] += 1

    answer = adyen(ADYEN.receipt(json.dumps(forged).encode(), {}))

    assert answer.status_code == 400
    assert events() == []


def test_a_challenge_is_echoed_to_whoever_knows_the_secret_and_nothing_is_kept(app, odd):
    path = odd(["the-verify-token"]).path
    ask = {"hub.mode": "subscribe", "hub.verify_token": "the-verify-token", "hub.challenge": "1158201444"}

    good = app.test_client().get(path, query_string=ask)
    bad = app.test_client().get(path, query_string=ask | {"hub.verify_token": "a-guess"})

    assert (good.status_code, good.text) == (200, "1158201444")
    assert (bad.status_code, bad.text) == (401, "")
    assert app.test_client().get(path).status_code == 405
    assert events() == []
    assert [each.verdict for each in receipts()] == ["rejected"]


def test_success_and_refusal_are_said_as_the_provider_wants_to_hear_them(odd, knock):
    made = odd(["user:password"])

    good, bad = (knock(made, [{"key": "a"}], auth=("user", word)) for word in ("password", "guess"))

    assert (good.status_code, good.text) == (202, "[accepted]")
    assert (bad.status_code, bad.data) == (401, b"")


def test_an_endpoint_may_have_no_secret_where_the_provider_needs_none(odd, knock):
    made = odd()

    assert knock(made, [{"key": "a"}]).status_code == 202
    assert [each.secret_id for each in receipts()] == [None]


def test_the_last_secret_may_go_where_none_is_needed(odd):
    made = odd(["user:password"])

    endpoints.retire_secret(made.id, only(StoredSecret).id, by=COMMAND_LINE)

    assert only(StoredSecret).state == "retired"


def test_credentials_are_never_kept_even_if_a_provider_asks_for_them(odd, knock):
    knock(odd(["user:password"]), [{"key": "a"}], auth=("user", "password"), headers={"X-Kind": "thing", "Cookie": "a=b"})

    [kept] = receipts()
    assert kept.headers["x-kind"] == "thing"
    assert not {"authorization", "cookie"} & set(kept.headers)


def test_a_post_that_cannot_be_judged_now_comes_again_and_is_no_reject(odd, knock, monkeypatch):
    def away(url: str, *, host: str, path: str = "/") -> bytes:
        raise RateLimited("Too many documents were asked for within a minute.", sent=False)

    monkeypatch.setattr(pinned, "document", away)

    assert knock(odd(), [{"key": "a"}], headers={"X-Cert": Odd.certificate}).status_code == 503
    assert events() == receipts() == []


def test_a_certificate_from_elsewhere_is_a_reject(odd, knock):
    answer = knock(odd(), [{"key": "a"}], headers={"X-Cert": "https://evil.example/one.pem"})

    assert answer.status_code == 401
    assert "not the provider's" in receipts()[0].reason


def test_a_document_of_the_provider_is_fetched_from_its_own_host(odd, knock):
    pinned.remember(Odd.certificate, b"a certificate")
    try:
        assert knock(odd(), [{"key": "a"}], headers={"X-Cert": Odd.certificate}).status_code == 202
    finally:
        pinned.forget()


def test_only_those_on_the_list_may_post(odd, knock, app):
    made = odd(allow="203.0.113.0/24, 2001:db8::/32")

    for address, status in (("203.0.113.9", 202), ("::ffff:203.0.113.9", 202), ("2001:db8::7", 202), ("198.51.100.1", 403)):
        answer = knock(made, [{"key": address}], environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == status, address

    [kept] = [each for each in receipts() if each.verdict == "rejected"]
    assert kept.reason == "198.51.100.1 is not among the addresses that may post here."
    assert app.test_client().get(made.path, environ_base={"REMOTE_ADDR": "198.51.100.1"}).status_code == 403


def test_an_endpoint_may_take_less_or_more_than_others(odd, knock, settings):
    made = odd(max_bytes="2000")
    assert knock(made, [{"key": "a" * 3_000}]).status_code == 413

    endpoints.configure(made.id, {"option_shop": "tea", "max_bytes": "3000000"}, by=COMMAND_LINE)
    large = [{"key": str(number), "pad": "x" * 100} for number in range(5)] + [{"key": "z", "pad": "x" * settings.max_body_bytes}]
    assert knock(made, large).status_code == 202


def test_while_the_database_is_away_it_comes_again(post, endpoint, monkeypatch):
    made = endpoint()
    path = made.path

    def away(token: str) -> None:
        raise OperationalError("SELECT", {}, Exception("away"))

    live.forget()
    monkeypatch.setattr(live, "_one", away)

    assert post("payment_succeeded", to=made).status_code == 503
    with pytest.raises(Unavailable):
        live.by_token("stripe", path.rpartition("/")[2])


def test_addresses_strangers_guess_take_no_place_in_what_is_kept(app, post, endpoint):
    kept, made = dict(cache._kept), endpoint()
    for number in range(5):
        with pytest.raises(NotFound):
            live.by_token("stripe", f"guess{number}")
    assert cache._kept == kept
    assert live.by_token("stripe", made.token).id == made.id


def test_of_several_accounts_each_keeps_its_own_ids(odd, knock, drain):
    made = odd()
    knock(made, [{"key": "1", "id": "P", "account": "north"}, {"key": "2", "id": "P", "account": "south"}, {"key": "3", "id": "P"}])
    drain()

    assert [each.object_key for each in events()] == ["odd/north/P", "odd/south/P", "odd/P"]
    assert sorted(each.account for each in payments()) == ["odd", "odd/north", "odd/south"]
    assert owners.is_live(db.session(), "odd/north")


def test_a_thin_event_without_a_connection_is_dead_and_says_what_to_do(post, drain):
    post(event("thin_charge_refunded"))
    drain()

    assert events()[0].status == "dead"
