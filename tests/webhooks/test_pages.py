"""One event as people see it: what it says and did, what a retry would do, its buttons, and what a role may not see."""

import pytest
from sqlalchemy import update

from app.transaction import transaction
from app.webhooks.models import Event
from app.webhooks.receive import receive
from tests.webhooks.conftest import STRIPE_SECRET, event, events, payment, raw_receipt
from tests.webhooks.test_retry import deeds


def test_an_event_shows_what_it_changed(sign_in, post, drain):
    post("payment_created")
    drain()
    post("payment_succeeded")
    drain()

    page = sign_in("manager").get(f"/webhooks/events/{events()[1].id}").text

    assert "What it changed" in page
    assert "Pending" in page
    assert "Paid" in page
    assert "What a retry would change" not in page
    assert "secret ending a3f1" in page
    assert "Attempt 1" in page


def test_attempts_are_counted_on_when_an_event_is_done_again(sign_in, post, drain):
    post("payment_succeeded")
    drain()
    client = sign_in("operator")
    client.post(f"/webhooks/events/{events()[0].id}/retry")
    drain()

    page = client.get(f"/webhooks/events/{events()[0].id}").text

    assert page.index("<b>Attempt 2</b>, queued again, found nothing new") < page.index("<b>Attempt 1</b> took effect")


def test_the_timeline_says_who_pressed_what(sign_in, worked, drain):
    dead = next(each.id for each in events() if each.said == "payments.created")
    client = sign_in("operator")
    client.post(f"/webhooks/events/{dead}/retry")
    drain()
    client.post(f"/webhooks/events/{dead}/ignore")

    page = client.get(f"/webhooks/events/{dead}").text

    told = ["<b>Operator</b> ignored it", "<b>Attempt 2</b>, queued again, failed", "<b>Operator</b> queued it again", "<b>Attempt 1</b> failed",
            "<b>Received</b> from"]
    assert [page.index(each) for each in told] == sorted(page.index(each) for each in told)


def test_the_headers_of_an_event_are_shown_without_its_signature(sign_in, post):
    post("payment_paid", "standard")

    page = sign_in("viewer").get(f"/webhooks/events/{events()[0].id}").text

    assert "webhook-timestamp" in page
    assert "webhook-signature" not in page


def test_what_is_done_shows_what_doing_it_again_would_change(sign_in, post, drain):
    post("payment_succeeded")
    drain()

    page = sign_in("viewer").get(f"/webhooks/events/{events()[0].id}").text

    assert "What doing it again would change" in page
    assert "what it says is what we hold, or older" in page


def test_only_a_provider_that_can_be_asked_is_asked(sign_in, worked):
    dead = next(each.id for each in events() if each.status == "dead")
    client = sign_in("operator")

    assert "Fetch latest" not in client.get(f"/webhooks/events/{dead}").text
    assert client.post(f"/webhooks/events/{dead}/fetch").status_code == 409


def test_a_dead_event_shows_why_and_what_a_retry_would_do(sign_in, worked):
    dead = next(each for each in events() if each.said == "payments.created")

    page = sign_in("operator").get(f"/webhooks/events/{dead.id}").text

    assert "The payment P-1 was refused." in page
    assert "It would fail again" in page


def test_the_preview_is_what_the_retry_then_does(sign_in, post, drain):
    post("payment_succeeded")
    [waiting] = events()
    with transaction() as session:
        session.execute(update(Event).values(status="dead", attempts=10, last_error="The worker stopped in the middle of it."))
    client = sign_in("operator")
    page = client.get(f"/webhooks/events/{waiting.id}").text
    assert "New payment pi_3QkTb2" in page
    assert "248.90 EUR" in page

    assert client.post(f"/webhooks/events/{waiting.id}/retry").status_code == 303
    drain()

    assert payment().amount_minor == 24890
    assert events()[0].status == "done"


def test_ignore_is_a_button_too(sign_in, worked):
    dead = next(each for each in events() if each.status == "dead")

    assert sign_in("operator").post(f"/webhooks/events/{dead.id}/ignore").status_code == 303
    assert "Ignored" in sign_in("operator").get(f"/webhooks/events/{dead.id}").text


def test_what_is_being_worked_on_cannot_be_retried_and_says_so(sign_in, post):
    post("payment_succeeded")
    with transaction() as session:
        session.execute(update(Event).values(status="running"))

    assert sign_in("operator").post(f"/webhooks/events/{events()[0].id}/retry").status_code == 409


def test_an_event_under_way_refreshes_its_page_and_an_ended_one_does_not(sign_in, post, drain):
    post("payment_succeeded")
    client, address = sign_in("operator"), f"/webhooks/events/{events()[0].id}"
    marks = ('id="event" data-live="2"', "js/live.js", '<noscript><meta http-equiv="refresh"')

    waiting = client.get(address).text
    with transaction() as session:
        session.execute(update(Event).values(status="running"))
    running = client.get(address).text
    with transaction() as session:
        session.execute(update(Event).values(status="waiting"))
    drain()
    done = client.get(address).text

    assert all(mark in page for mark in marks for page in (waiting, running))
    assert not any(mark in done for mark in ("data-live", "live.js", 'http-equiv="refresh"'))


def test_a_repeat_is_counted_on_the_page(sign_in, post, drain):
    for _ in range(3):
        post("payment_succeeded")
    drain()

    assert "3, 2 of them repeats" in sign_in("viewer").get(f"/webhooks/events/{events()[0].id}").text


def test_viewers_see_no_payload_and_press_no_buttons(sign_in, worked):
    viewer, id = sign_in("viewer"), events()[0].id
    page = viewer.get(f"/webhooks/events/{id}").text

    assert "client_secret" not in page
    assert "pi_3QkTb2_secret" not in page
    assert "/retry" not in page
    assert viewer.get(f"/webhooks/events/{id}/body").status_code == 403
    assert viewer.post(f"/webhooks/events/{id}/retry").status_code == 403
    assert viewer.get("/webhooks/many/retry?status=dead").status_code == 403
    assert "/many/" not in viewer.get("/webhooks?status=dead").text


def test_a_payload_shows_no_secret_even_to_those_who_may_see_it(sign_in, worked):
    page = sign_in("manager").get(f"/webhooks/events/{events()[0].id}").text

    assert "client_secret" in page
    assert "pi_3QkTb2_secret" not in page


def test_the_raw_body_is_a_download_never_a_page(sign_in, post):
    post(event("payment_succeeded", note="<script>alert(1)</script>"))
    id = events()[0].id

    answer = sign_in("admin").get(f"/webhooks/events/{id}/body")

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.content_type == "application/octet-stream"
    assert b"<script>" in answer.data
    assert [each.record_id for each in deeds("webhooks.download")] == [id]
    assert sign_in("manager").get(f"/webhooks/events/{id}/body").status_code == 403
    assert "<script>alert" not in sign_in("manager").get(f"/webhooks/events/{id}").text


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"[" * 5_000, b'{"a":' * 900 + b"1" + b"}" * 900, b'{"id": "\\ud800", "type": "x"}', b"7"])
def test_no_body_a_provider_signs_can_break_the_page(app, sign_in, endpoint, body):
    receive("stripe", endpoint().token, raw_receipt(body, STRIPE_SECRET))

    client = sign_in("manager")
    assert client.get(f"/webhooks/events/{events()[0].id}").status_code == 200
    assert client.get("/webhooks").status_code == 200


def test_an_event_that_is_not_there_is_not_found(sign_in):
    assert sign_in("viewer").get("/webhooks/events/4711").status_code == 404
    assert sign_in("admin").get("/webhooks/events/4711/body").status_code == 404
    assert sign_in("viewer").get("/webhooks/events/99999999999999999999").status_code == 404


def test_the_page_of_a_record_shows_the_events_about_it(sign_in, post, drain):
    post("payment_created")
    post("payment_paid", "standard")
    drain()

    page = sign_in("viewer").get(f"/payments/{payment().id}").text

    assert "Events about it" in page
    assert f"/webhooks/events/{events()[0].id}" in page
    assert f"/webhooks/events/{events()[1].id}" not in page
    assert "Events about it" in sign_in("viewer").get(f"/payments/{payment('P-1').id}").text


def test_fields_a_role_may_not_read_are_in_no_preview_and_no_history(sign_in, post, drain):
    post("customer_created")
    assert "+43 316 555 010" in sign_in("manager").get(f"/webhooks/events/{events()[0].id}").text
    assert "+43 316 555 010" not in sign_in("operator").get(f"/webhooks/events/{events()[0].id}").text
    drain()
    post("customer_updated")
    drain()

    assert "Clara Neumann-Huber" in sign_in("operator").get(f"/webhooks/events/{events()[1].id}").text
    assert "+43 316 555 099" not in sign_in("operator").get(f"/webhooks/events/{events()[1].id}").text
