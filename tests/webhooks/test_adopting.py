"""An unknown outside id with a key that is here: adopted where no provider keeps the record yet, refused where another does."""
import re
from typing import Any

import pytest

from app.audit import COMMAND_LINE
from app.commerce.orders import Order
from app.records import save
from tests.webhooks.conftest import events, only

MINE = {"number": "10005", "status": "placed", "total": "12.50", "currency": "EUR"}


def told(id: str, type: str = "orders.updated", **data: Any) -> dict[str, Any]:
    return {"type": type, "timestamp": "2026-06-01T00:00:00Z", "data": {"id": id, **data}}


@pytest.fixture
def order(app) -> Order:
    """An order people made: no provider keeps it."""
    outcome = save.create("orders", MINE, by=COMMAND_LINE, once="once")
    assert outcome.kind == "created", outcome.errors
    found: Order = only(Order, Order.id == outcome.id)
    return found


def test_an_unknown_id_adopts_the_record_with_its_key_that_no_provider_keeps_and_the_timeline_says_so(
        order, post, drain, sign_in):
    post(told("A-1", number="10005", total="99.00", currency="EUR"), "standard")
    drain()

    found = only(Order)
    assert (found.id, found.external_id, found.account, found.total_minor) == (order.id, "A-1", "standard", 9900)
    page = sign_in("viewer").get(f"/orders/{order.id}").text
    assert f"/webhooks/events/{events()[0].id}" in page
    assert "took it into its keeping and reported 2 fields" in page


def test_a_record_that_another_account_keeps_is_never_taken_over(order, post, drain, endpoint):
    post(told("A-1", number="10005", total="99.00", currency="EUR"), "standard")
    drain()
    other = endpoint("standard", name="Another shop", account="another")
    post(told("B-1", number="10005", total="1.00", currency="EUR"), "standard", to=other, id="msg_2")
    drain()

    found = only(Order)
    assert (found.external_id, found.account, found.total_minor) == ("A-1", "standard", 9900)
    assert (events()[1].status, events()[1].last_error) == (
        "dead", "The order B-1 was refused. Order number: Another order has this order number. Change one of them.")


def test_what_was_deleted_before_it_was_here_is_a_placeholder_without_a_way_back(app, post, drain, sign_in):
    post(told("Z-9", "orders.deleted"), "standard")
    drain()

    browser = sign_in("admin")
    assert "Deleted before it was ever here: a placeholder" in browser.get(f"/webhooks/events/{events()[0].id}").text
    page = browser.get(f"/orders/{only(Order).id}").text
    assert "was deleted before it was ever here" in page
    assert "number stays taken" not in page
    assert "Restore order" not in page
    listed = re.sub(r"\s+", " ", browser.get("/webhooks").text)
    assert "Deleted before it was here: <a" in listed
    assert "Created <a" not in listed


def test_nobody_restores_what_was_deleted_before_it_was_here_until_its_provider_says_what_it_is(app, post, drain):
    post(told("Z-9", "orders.deleted"), "standard")
    drain()
    empty = only(Order)

    outcome = save.restore("orders", empty.id, by=COMMAND_LINE, request_id=None)
    assert (outcome.kind, outcome.errors) == (
        "invalid", {"": "This order was deleted before it was ever here. There is nothing to restore."})

    post(told("Z-9", number="10009", total="99.00", currency="EUR", status="placed"), "standard", id="msg_2")
    drain()
    assert save.restore("orders", empty.id, by=COMMAND_LINE, request_id=None).kind == "updated"


def test_what_people_trashed_they_restore_though_its_provider_left_something_open(app, post, drain, sign_in):
    post(told("A-1", number="10005", currency="EUR"), "standard")      # without a total
    drain()
    found = only(Order)
    save.trash("orders", found.id, by=COMMAND_LINE, request_id=None)

    page = sign_in("admin").get(f"/orders/{found.id}").text
    assert "deleted before it was ever here" not in page
    assert "reported it deleted" not in page
    assert save.restore("orders", found.id, by=COMMAND_LINE, request_id=None).kind == "updated"


def test_the_page_says_which_provider_reported_the_record_deleted(app, post, drain, sign_in):
    post(told("A-1", number="10005", total="9.00", currency="EUR"), "standard")
    drain()
    post(told("A-1", "orders.deleted") | {"timestamp": "2026-06-02T00:00:00Z"}, "standard", id="msg_2")
    drain()

    page = sign_in("admin").get(f"/orders/{only(Order).id}").text
    assert re.search(r"\. \w+ reported it deleted: restored, it is back here alone\.", page)
    assert "Restore order" in page


def test_an_event_that_cannot_be_read_says_so_once_and_offers_a_quiet_retry(app, post, drain, sign_in):
    post(b"not json", "standard")
    drain()

    [unread] = events()
    page = sign_in("admin").get(f"/webhooks/events/{unread.id}").text
    assert "It would fail again" not in page
    assert 'class="btn btn-quiet">Retry' in page
    assert "Retry it once" in page


def test_a_hook_says_itself_how_it_is_used(client, endpoint):
    answer = client.get(endpoint("standard").path)
    assert (answer.status_code, answer.json["detail"]) == (405, "A provider posts here: send the event with POST.")


def test_a_viewer_is_told_who_can_look_at_dead_events(app, post, drain, sign_in):
    post(b"not json", "standard")
    drain()

    assert "A person with the permission webhooks.retry has to look." in sign_in("viewer").get("/").text
    assert "Review events" in sign_in("admin").get("/").text
