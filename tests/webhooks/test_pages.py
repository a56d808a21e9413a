"""The event log as people see it: filters, counts, pages, one event, its buttons, and what a role may not see."""
import json

import pytest
from sqlalchemy import event as listen
from sqlalchemy import insert, select, update

from app.extensions import db
from app.newest import SIZE
from app.transaction import transaction
from app.webhooks.models import Event, StoredReceipt
from app.webhooks.receive import receive
from tests.webhooks.conftest import STRIPE_SECRET, event, events, payment, raw_receipt, receipts
from tests.webhooks.test_retry import BAD, deeds


@pytest.fixture
def worked(post, drain) -> None:
    """Four events: done, ignored, dead, unreadable."""
    post("payment_succeeded")
    post("unknown_kind")
    post(BAD, "standard")
    post(b"not json")
    drain()


def test_without_an_endpoint_the_page_says_what_to_do(sign_in):
    assert "Add endpoint" in sign_in("admin").get("/webhooks").text
    assert "role admin" in sign_in("viewer").get("/webhooks").text


def test_the_list_says_how_each_stands_and_what_it_changed(sign_in, worked):
    page = sign_in("viewer").get("/webhooks").text

    assert "payment_intent.succeeded" in page
    assert f'href="/payments/{payment().id}"' in page
    assert "The payment P-1 was refused." in page
    assert all(word in page for word in ("Dead", "Done", "Ignored"))


@pytest.mark.parametrize(("query", "shown"), [
    ("status=dead", {3, 4}), ("status=done", {1}), ("status=ignored", {2}), ("status=waiting", set()), ("status=retrying", set()),
    ("provider=standard", {3}), ("provider=nobody", set()), ("kind=invoice.finalized", {2}), ("about=pi_3QkTb2", {1}), ("about=P-1", {3}),
    ("q=evt_pi_succeeded", {1}), ("q=pi_3QkTb2", {1}), ("q=msg_1", {3}), ("q=99999999999999999999", set()), ("q=nothing", set()),
    ("status=dead&provider=standard&kind=payments.created", {3}),
    ("from=2020-01-01", {1, 2, 3, 4}), ("to=2020-01-01T00:00", set()), ("from=2020-01-01T00:00%2B02:00&to=2999-01-01", {1, 2, 3, 4}),
    ("from=2999-01-01", set()),
])
def test_every_filter_finds_what_it_says(sign_in, worked, query, shown):
    ids = [each.id for each in events()]

    page = sign_in("viewer").get(f"/webhooks?{query}").text

    assert {number for number, id in enumerate(ids, 1) if f'href="/webhooks/events/{id}"' in page} == shown


@pytest.mark.parametrize(("text", "shown"), [("evt_pi_succeeded", {1}), ("P-1", {3}), ("not json", {4}), ("%", set()), ("EVT_PI", set()),
                                             ("_i_succeeded", set())])
def test_a_text_is_looked_for_in_payloads(sign_in, worked, text, shown):
    ids = [each.id for each in events()]

    page = sign_in("manager").get("/webhooks", query_string={"text": text}).text

    assert {number for number, id in enumerate(ids, 1) if f'href="/webhooks/events/{id}"' in page} == shown


def test_a_text_is_found_however_json_writes_it(sign_in, post):
    post(event("payment_succeeded", note="Käse \\ Brot"))
    post(json.dumps(event("payment_created", note="Käse \\ Brot"), ensure_ascii=False).encode())

    page = sign_in("manager").get("/webhooks", query_string={"text": "Käse \\ Brot"}).text

    assert all(f'href="/webhooks/events/{each.id}"' in page for each in events())


def test_payloads_are_searched_only_by_those_who_may_see_them(sign_in, worked):
    assert sign_in("operator").get("/webhooks?text=x").status_code == 403
    assert sign_in("operator").get("/webhooks/many/retry?text=x").status_code == 403


def test_a_time_is_of_the_readers_zone_and_is_written_with_it_from_then_on(app, sign_in, worked):
    client = sign_in("viewer", time_zone="Asia/Tokyo")

    page = client.get("/webhooks?from=2020-06-01T09:00").text

    assert "from=2020-06-01T09%3A00%2B09%3A00" in page
    assert "1 Jun 2020, 09:00" in page


def test_the_number_of_an_event_finds_it(sign_in, worked):
    id = events()[0].id

    assert f'href="/webhooks/events/{id}"' in sign_in("viewer").get(f"/webhooks?q={id}").text


@pytest.mark.parametrize("query", ["colour=red", "status=lost", "after=x", "endpoint=x", "before=-1", "after=99999999999999999999", "from=x",
                                   "to=99999-01-01", "kind=" + "k" * 201])
def test_a_filter_that_cannot_be_read_is_never_left_out(sign_in, worked, query):
    assert sign_in("viewer").get(f"/webhooks?{query}").status_code == 400


def test_pages_joined_are_the_whole_log_once(sign_in, post, endpoint):
    post("unknown_kind")
    with transaction() as session:
        first = session.execute(select(Event.__table__)).mappings().one()
        values = {name: value for name, value in first.items() if name not in ("id", "dedupe_key")}
        session.execute(insert(Event), [{**values, "dedupe_key": f"evt_{number}"} for number in range(SIZE * 2 + 10)])
    client, seen, address = sign_in("viewer"), [], "/webhooks"

    while address:
        page = client.get(address).text
        seen += [int(part.split('"')[0]) for part in page.split('href="/webhooks/events/')[1:]]
        address = _link(page, "next")

    assert seen == sorted((each.id for each in events()), reverse=True)


def test_pages_go_back_as_they_went(sign_in, post):
    test_pages_joined_are_the_whole_log_once(sign_in, post, None)
    client = sign_in("viewer")
    first = client.get("/webhooks").text
    second = client.get(_link(first, "next")).text

    back = client.get(_link(second, "prev")).text

    assert back.split("<tbody>")[1].split("</tbody>")[0] == first.split("<tbody>")[1].split("</tbody>")[0]


def _link(page: str, rel: str) -> str:
    """The address behind the pager's button, "" if there is none."""
    before, found, _ = page.partition(f'" rel="{rel}"')
    return before.rsplit('href="', 1)[1].replace("&amp;", "&") if found else ""


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


def test_the_log_goes_on_by_itself_on_its_first_page_alone(sign_in, worked):
    client = sign_in("manager")

    assert 'id="log" data-live="5"' in client.get("/webhooks").text
    assert "data-live" not in client.get("/webhooks?after=999").text
    assert "data-live" not in client.get("/webhooks?text=evt").text


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


def test_rejected_posts_have_a_page(sign_in, post):
    assert "Nothing was turned away" in sign_in("viewer").get("/webhooks/rejected").text
    post("payment_succeeded", secret="whsec_somebody_elses")

    page = sign_in("manager").get("/webhooks/rejected").text
    assert "No live secret of this endpoint" in page
    assert "evt_pi_succeeded" in page
    assert "evt_pi_succeeded" not in sign_in("viewer").get("/webhooks/rejected").text


def test_rejected_posts_say_how_many_more_were_like_it(sign_in, post):
    for _ in range(3):
        post("payment_succeeded", secret="whsec_somebody_elses")
    with transaction() as session:
        session.execute(update(StoredReceipt).where(StoredReceipt.id == receipts()[-1].id).values(more=41, hint="Try the other secret."))

    page = sign_in("viewer").get("/webhooks/rejected").text

    assert "and 41 more like it" in page
    assert "Try the other secret." in page


@pytest.mark.parametrize(("query", "count"), [("", 2), ("address=127.0.0.1", 2), ("address=192.0.2.1", 0), ("endpoint=99", 0)])
def test_rejected_posts_are_found_by_endpoint_and_address(sign_in, post, query, count):
    for _ in range(2):
        post("payment_succeeded", secret="whsec_somebody_elses")

    assert sign_in("viewer").get(f"/webhooks/rejected?{query}").text.count("No live secret") == count


@pytest.mark.parametrize("query", ["colour=red", "endpoint=x", "after=x"])
def test_a_filter_of_rejected_posts_that_cannot_be_read_is_an_error(sign_in, query):
    assert sign_in("viewer").get(f"/webhooks/rejected?{query}").status_code == 400


def test_an_event_that_is_not_there_is_not_found(sign_in):
    assert sign_in("viewer").get("/webhooks/events/4711").status_code == 404
    assert sign_in("admin").get("/webhooks/events/4711/body").status_code == 404
    assert sign_in("viewer").get("/webhooks/events/99999999999999999999").status_code == 404


def test_dead_events_are_counted_in_the_navigation(sign_in, worked):
    assert "2 dead" in sign_in("viewer").get("/webhooks").text


def test_reading_the_log_costs_the_same_number_of_statements_however_much_it_shows(sign_in, post, drain, worked):
    client = sign_in("viewer")
    client.get("/webhooks")     # what is kept for a moment is kept now
    few = _statements(lambda: client.get("/webhooks"))
    for number in range(10):
        post(event("payment_succeeded", id=f"evt_{number}"))
    drain()

    assert _statements(lambda: client.get("/webhooks")) <= few


def _statements(act) -> int:
    seen: list[str] = []

    def count(_c, _cu, statement, *_):
        seen.append(statement)

    listen.listen(db.engine, "before_cursor_execute", count)
    try:
        act()
    finally:
        listen.remove(db.engine, "before_cursor_execute", count)
    return len(seen)


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
