"""Make a fixture: a payload leaves the house without anybody's data, and the test beside it fails until the provider is mended."""
import io
import json
import re
import zipfile
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import Conflict, NotFound
from app.webhooks import fixture, redact
from tests.webhooks.conftest import BAD, events
from tests.webhooks.test_retry import SOMEBODY, deeds

pytestmark = pytest.mark.alike
PAYLOAD = {
    "id": "evt_1QkTb2", "type": "charge.refunded", "created": 1_781_257_320, "livemode": True,
    "data": {"object": {
        "id": "ch_3QkTb2", "object": "charge", "amount": 24890, "currency": "eur", "status": "succeeded", "total": "248.90",
        "billing_details": {"name": "Ada Lovelace", "email": "ada@lovelace.example", "phone": "+49 30 1234567",
                            "address": {"line1": "Unter den Linden 1", "postal_code": "10117", "country": "DE"}},
        "customer": "cus_ada", "client_secret": "pi_1_secret_a1b2", "card": {"last4": "4242"}, "birthday": "1815-12-10",
        "happened_at": "2026-06-12T09:42:00Z", "receipt_url": "https://pay.example/receipts/ada?key=1", "order_id": 5_550_123_456_789,
        "by_mail": {"ada@lovelace.example": True}, "description": "Gift for Ada"}}}
SECRETS = ("Ada", "Lovelace", "lovelace", "1234567", "Linden", "10117", "cus_ada", "a1b2", "4242", "1815", "pay.example", "5550123456789",
           "3QkTb2", "Gift")


def opened(made: fixture.Fixture) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(made.content)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def dead(post, drain) -> int:
    data: Any = BAD["data"]
    post({**BAD, "data": {**data, "customer": "ada@lovelace.example"}}, "standard")
    drain()
    return int(events()[0].id)


def test_nothing_personal_is_left():
    text = redact.redacted(json.dumps(PAYLOAD).encode()).decode()

    assert [word for word in SECRETS if word in text] == []


def test_what_a_parser_decides_by_is_left():
    found = json.loads(redact.redacted(json.dumps(PAYLOAD).encode()))
    told = found["data"]["object"]

    assert (found["type"], found["created"], found["livemode"]) == ("charge.refunded", 1_781_257_320, True)
    assert [told[name] for name in ("object", "amount", "currency", "status", "total", "happened_at")] == [
        "charge", 24890, "eur", "succeeded", "248.90", "2026-06-12T09:42:00Z"]
    assert told["id"].startswith("ch_")
    assert re.fullmatch(r"\+\d\d \d\d \d{7}", told["billing_details"]["phone"])
    assert told["billing_details"]["email"].endswith("@example.com")
    assert len(str(told["order_id"])) == 13


def test_equal_values_stay_equal_and_are_others_next_time():
    body = json.dumps({"one": {"customer": "cus_ada"}, "two": {"customer": "cus_ada"}}).encode()
    found, again = (json.loads(redact.redacted(body)) for _ in range(2))

    assert found["one"] == found["two"]
    assert found != again


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=8))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_payload_keeps_its_shape(value):
    def shape(found):
        if isinstance(found, dict):
            return [shape(each) for each in found.values()]
        return [shape(each) for each in found] if isinstance(found, list) else type(found)

    assert shape(json.loads(redact.redacted(json.dumps(value).encode()))) == shape(value)


@given(st.binary(max_size=50))
@settings(deadline=None)
def test_any_bytes_can_be_redacted(body):
    redact.redacted(body)


def test_the_archive_has_the_case_a_failing_test_and_where_to_put_them(app, dead):
    files = opened(fixture.make(dead, by=SOMEBODY))

    case = f"tests/providers/standard/payments_created_{dead}.json"
    assert set(files) == {"READ ME.txt", case, f"tests/providers/test_standard_payments_created_{dead}.py"}
    assert case in files["READ ME.txt"]
    assert not any("lovelace" in text or "msg_1" in text for text in files.values())
    assert [each.record_id for each in deeds("webhooks.fixture")] == [dead]


def test_its_test_fails_as_the_event_did_and_passes_once_that_is_mended(app, dead, tmp_path):
    files = opened(fixture.make(dead, by=SOMEBODY))
    [name] = [name for name in files if name.endswith(".py")]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    space: dict[str, Any] = {"__file__": str(tmp_path / name)}
    exec(compile(files[name], name, "exec"), space)
    [test] = [value for key, value in space.items() if key.startswith("test_")]

    assert "was refused" in files["READ ME.txt"]
    with pytest.raises(AssertionError):
        test(app)

    [case] = (tmp_path / "tests/providers/standard").glob("*.json")
    mended = json.loads(case.read_text())
    mended["data"].update(amount="24.90", order="10482")
    del mended["data"]["customer"]
    case.write_text(json.dumps(mended))
    test(app)


def test_what_is_no_json_is_a_case_too(app, post):
    post(b"ada@lovelace.example is not json")

    files = opened(fixture.make(events()[0].id, by=SOMEBODY))

    assert any(name.endswith(".txt") and "stripe" in name for name in files)
    assert not any("lovelace" in text for text in files.values())


def test_only_what_is_dead_makes_one(app, post, drain):
    post("payment_succeeded")
    drain()

    with pytest.raises(Conflict):
        fixture.make(events()[0].id, by=SOMEBODY)
    with pytest.raises(NotFound):
        fixture.make(4711, by=SOMEBODY)


def test_it_is_a_download_for_admins(sign_in, dead):
    answer = sign_in("admin").post(f"/webhooks/events/{dead}/fixture")

    assert answer.content_type == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "Make a fixture" in sign_in("admin").get(f"/webhooks/events/{dead}").text
    assert "Make a fixture" not in sign_in("manager").get(f"/webhooks/events/{dead}").text
    assert sign_in("manager").post(f"/webhooks/events/{dead}/fixture").status_code == 403
