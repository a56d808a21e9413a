"""The event log and the rejected posts as people see them: filters, counts, pages, and what they cost."""
import json

import pytest
from sqlalchemy import event as listen
from sqlalchemy import insert, select, update

from app.extensions import db
from app.newest import SIZE
from app.transaction import transaction
from app.webhooks.models import Event, StoredReceipt
from tests.webhooks.conftest import event, events, payment, receipts


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

    assert back.split("<tbody")[1].split("</tbody>")[0] == first.split("<tbody")[1].split("</tbody>")[0]


def _link(page: str, rel: str) -> str:
    """The address behind the pager's button, "" if there is none."""
    before, found, _ = page.partition(f'" rel="{rel}"')
    return before.rsplit('href="', 1)[1].replace("&amp;", "&") if found else ""


def test_the_log_goes_on_by_itself_on_its_first_page_alone(sign_in, worked):
    client = sign_in("manager")

    assert 'id="log" data-live="5"' in client.get("/webhooks").text
    assert "data-live" not in client.get("/webhooks?after=999").text
    assert "data-live" not in client.get("/webhooks?text=evt").text


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
