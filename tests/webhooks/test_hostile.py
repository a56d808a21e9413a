"""Whatever a provider signs: it is kept, the worker ends with it, and the pages show it. Nothing of it is a fault of ours."""
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.webhooks.receive import receive
from tests.providers.contract import ANYTHING, _spoil, case, cases
from tests.webhooks.conftest import STRIPE_SECRET, events, raw_receipt

CALM = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@CALM
@given(st.data())
def test_a_spoilt_event_ends_done_or_dead_and_never_fails_for_a_reason_of_ours(endpoint, drain, sign_in, data):
    event = case("stripe", data.draw(st.sampled_from(cases("stripe"))))
    for _ in range(data.draw(st.integers(1, 3))):
        _spoil(event, data)

    receive("stripe", endpoint().token, raw_receipt(json.dumps(event).encode(), STRIPE_SECRET))
    drain()

    last = events()[-1]
    assert last.status in ("done", "dead"), last.last_error
    assert "Error" not in (last.last_error or ""), last.last_error
    assert sign_in("manager").get(f"/webhooks/events/{last.id}").status_code == 200


@CALM
@given(st.binary(max_size=200) | ANYTHING.map(lambda payload: json.dumps(payload).encode()))
def test_any_bytes_are_kept_once(endpoint, body):
    before = len(events())
    known = {each.dedupe_key for each in events()}
    for _ in range(2):
        receive("stripe", endpoint().token, raw_receipt(body, STRIPE_SECRET))

    assert len(events()) - before == len({each.dedupe_key for each in events()} - known) <= 1


def test_the_log_shows_whatever_came(endpoint, sign_in, drain):
    for name in cases("stripe"):
        receive("stripe", endpoint().token, raw_receipt(json.dumps(case("stripe", name)).encode(), STRIPE_SECRET))
    receive("stripe", endpoint().token, raw_receipt(b"\xff" * 100, STRIPE_SECRET))
    drain()

    client = sign_in("viewer")
    assert client.get("/webhooks").status_code == 200
    assert {client.get(f"/webhooks/events/{each.id}").status_code for each in events()} == {200}
    assert {each.status for each in events()} == {"done", "dead"}
