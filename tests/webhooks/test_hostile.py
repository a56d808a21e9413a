"""Whatever a provider signs is kept, the worker ends with it, the pages show it; what nobody signed is never stored.

Every provider there is, through its real address: one that is added is attacked at once.
"""
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.audit import COMMAND_LINE
from app.integrations.provider import Receipt, Rejected
from app.integrations.registry import provider
from app.webhooks import endpoints, live
from app.webhooks.models import Endpoint
from app.webhooks.receive import receive
from tests.providers.contract import ANYTHING, Contract, _spoil, case, cases
from tests.providers.every import contracts
from tests.webhooks.conftest import STRIPE_SECRET, events, raw_receipt

CALM = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
QUICK = settings(CALM, max_examples=8)
EVERY = contracts()
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
Send = Callable[[Receipt], TestResponse]


@pytest.fixture(params=sorted(EVERY))
def by(request: pytest.FixtureRequest) -> Contract:
    return EVERY[request.param]


@pytest.fixture
def target(app: Flask, by: Contract) -> Endpoint:
    """An endpoint of this provider, set up as its contract says."""
    typed = {f"option_{name}": value for name, value in by.options.items()} | {"public_url": by.endpoint().public_url}
    return endpoints.add(by.name, by.name, [by.secrets[0]] if by.has_secrets else [], by=COMMAND_LINE, settings=typed)


@pytest.fixture
def send(app: Flask, target: Endpoint) -> Send:
    path = target.path

    def post(receipt: Receipt) -> TestResponse:
        return app.test_client().post(path, data=receipt.body, headers=receipt.headers)
    return post


def signed(by: Contract, event: Any, name: str, secret: str = "") -> Receipt:
    return by.signed(json.dumps(event).encode(), secret, datetime.now(UTC), case=name)


def is_taken(answer: TestResponse) -> bool:
    return 200 <= answer.status_code < 300


@pytest.mark.alike("stripe")
@CALM
@given(st.data())
def test_a_spoilt_event_ends_done_or_dead_and_never_fails_for_a_reason_of_ours(by, target, send, drain, sign_in, data):
    name = data.draw(st.sampled_from(cases(by.name)))
    event, before = case(by.name, name), len(events())
    for _ in range(data.draw(st.integers(1, 3))):
        _spoil(event, data)

    answer = send(signed(by, event, name))
    drain()

    assert is_taken(answer) or answer.status_code == by.provider.reject_status
    assert is_taken(answer) or len(events()) == before
    for each in events()[before:]:
        assert each.status in ("done", "dead"), each.last_error
        assert "Error" not in (each.last_error or ""), each.last_error
        assert sign_in("manager").get(f"/webhooks/events/{each.id}").status_code == 200


@pytest.mark.alike("stripe")
@QUICK
@given(st.data())
def test_what_is_changed_on_the_way_is_stored_only_if_it_is_proven_still(by, target, send, data):
    name, before = data.draw(st.sampled_from(cases(by.name))), len(events())
    receipt = _bent(signed(by, case(by.name, name), name), data)
    try:
        by.provider.verify(replace(receipt, received_at=datetime.now(UTC)), live.by_token(by.name, target.token).config, datetime.now(UTC))
        is_proven = True
    except Rejected:
        is_proven = False

    answer = send(receipt)

    assert answer.status_code in (200, 202, by.provider.reject_status)
    assert is_taken(answer) <= is_proven or by.provider.greet(receipt, by.endpoint()) is not None
    assert is_proven or len(events()) == before


@pytest.mark.alike("stripe")
@QUICK
@given(st.binary(max_size=300) | ANYTHING.map(lambda payload: json.dumps(payload).encode()), st.data())
def test_what_nobody_signed_is_never_stored(app, by, target, send, body, data):
    receipt = by.signed(body, by.secrets[0], datetime.now(UTC))
    headers = {name: data.draw(TEXT).strip() for name in receipt.headers}
    if not by.has_proof:
        return

    answer = send(replace(receipt, body=body, headers=headers))
    asked = app.test_client().get(target.path, query_string={"hub.challenge": data.draw(TEXT), "challenge": "x"})

    assert answer.status_code in (200, by.provider.reject_status)
    assert asked.status_code in (200, 400, 401, 403, 405)
    assert events() == []


@pytest.mark.alike("stripe")
def test_a_secret_of_somebody_else_stores_no_case(by, target, send):
    if not by.has_secrets:
        pytest.skip("it needs no secret")
    for name in cases(by.name):
        assert send(signed(by, case(by.name, name), name, by.secrets[1])).status_code == by.provider.reject_status
    assert events() == []


@pytest.mark.alike("stripe")
def test_every_case_takes_effect_save_what_shows_nothing(by, target, send, drain, sign_in):
    thin = {each.dedupe_key for name in cases(by.name) for each in by.read(name) if each.is_thin}
    for name in cases(by.name):
        assert is_taken(send(signed(by, case(by.name, name), name))), name
    drain()

    client = sign_in("viewer")
    assert client.get("/webhooks").status_code == 200
    assert {client.get(f"/webhooks/events/{each.id}").status_code for each in events()} == {200}
    assert {each.status for each in events()} <= {"done", "dead"}
    assert [(each.said, each.last_error) for each in events() if each.status == "dead" and each.dedupe_key not in thin] == []


@pytest.mark.alike("stripe")
def test_the_same_post_twice_is_one_event(by, target, send):
    for name in cases(by.name):
        receipt = signed(by, case(by.name, name), name)
        send(receipt)
        before = len(events())
        send(receipt)
        assert len(events()) == before, name


@QUICK
@given(st.binary(max_size=200) | ANYTHING.map(lambda payload: json.dumps(payload).encode()))
def test_any_bytes_are_kept_once(endpoint, body):
    before = len(events())
    known = {each.dedupe_key for each in events()}
    for _ in range(2):
        receive("stripe", endpoint().token, raw_receipt(body, STRIPE_SECRET))

    assert len(events()) - before == len({each.dedupe_key for each in events()} - known) <= 1


@pytest.mark.parametrize("part", ["greet", "verify", "answer", "parse", "refused", "keeps"])
def test_a_provider_file_that_breaks_proves_nothing_and_is_no_fault_of_the_sender(app, endpoint, post, monkeypatch, part):
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    path = endpoint().path
    monkeypatch.setattr(type(provider("stripe")), part, broken)

    answer = post("payment_succeeded")

    assert answer.status_code == (400 if part == "verify" else 200)
    assert app.test_client().get(path).status_code == 405
    assert [each.status for each in events()] == {"verify": [], "parse": ["dead"], "refused": ["dead"]}.get(part, ["waiting"])


def _bent(receipt: Receipt, data: st.DataObject) -> Receipt:
    """The post with one byte of its body or one header changed."""
    in_headers: bool = data.draw(st.booleans())
    if receipt.headers and in_headers:
        name = data.draw(st.sampled_from(sorted(receipt.headers)))
        return replace(receipt, headers={**receipt.headers, name: data.draw(TEXT).strip()})
    place = data.draw(st.integers(0, len(receipt.body) - 1))
    return replace(receipt, body=receipt.body[:place] + bytes([data.draw(st.integers(0, 255))]) + receipt.body[place + 1:])
