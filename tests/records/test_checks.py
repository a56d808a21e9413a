"""Checks across records: what each finds, who gets it, how far it looks, and what pages and programs are told."""
from datetime import UTC, datetime

import pytest

from app.audit import SYSTEM, Actor
from app.errors import NotFound
from app.extensions import db
from app.records import checking
from app.records.check_views import _told
from app.records.checking import WINDOW
from app.records.query import Count
from app.records.registry import named, resources
from tests.records.api_client import Program
from tests.records.pages import get, inline
from tests.records.stock import put, statements

GONE = datetime(2026, 5, 1, tzinfo=UTC)


def found(name, actor=SYSTEM):
    resource, check = checking.find(actor, name)
    return [one.row["id"] for one in checking.page(db.session(), resource, check, actor).findings]


def reason(name):
    resource, check = checking.find(SYSTEM, name)
    [one] = checking.page(db.session(), resource, check, SYSTEM).findings
    return one.reason


def order(id, **values):
    return {"id": id, "number": f"O-{id}", "status": "delivered", "payment_status": "paid", "total_minor": 1000, "currency": "EUR", **values}


def payment(id, order_id=None, amount=1000, **values):
    return {"id": id, "external_id": f"pi_{id}", "order_id": order_id, "status": "paid", "amount_minor": amount, "refunded_minor": 0,
            "currency": "EUR", **values}


def test_a_paid_order_has_payments_that_add_up_in_its_currency(app):
    put("orders", order(1), order(2), order(3), order(4), order(5, trashed_at=GONE), order(6, payment_status="pending"), order(7))
    put("payments", payment(1, 1, 400), payment(2, 1, 600, status="part_refunded", refunded_minor=100),
        payment(3, 2, 900), payment(4, 3, 1000, currency="USD"), payment(5, 4, 1000, status="failed"),
        payment(6, 7, 1000), payment(7, 7, 500, trashed_at=GONE))

    assert found("payments_differ") == [4, 3, 2]


def test_the_reason_says_both_amounts(app):
    put("orders", order(1, total_minor=1284_50))
    put("payments", payment(1, 1, 1000_00))

    assert reason("payments_differ") == "The order comes to 1,284.50 EUR, its payments in this currency to 1,000.00 EUR."


@pytest.mark.parametrize(("count", "number", "known"), [(0, 0, None), (0, 5000, 0), (3, 0, 3), (0, None, 0)])
def test_a_check_that_was_stopped_before_it_looked_knows_no_number(app, count, number, known):
    resource, check = checking.find(SYSTEM, "payments_differ")
    told = _told(checking.Result(resource, check, Count(count, False), number))
    assert (told["count"], told["stopped"] is None) == (known, number is None)


def test_amounts_no_sum_can_hold_stop_nothing(app):
    put("orders", order(1))
    put("payments", payment(1, 1, 2**63 - 1), payment(2, 1, 2**63 - 1))

    assert found("payments_differ") == [1]


def test_an_order_is_not_delivered_unpaid(app):
    put("orders", order(1, payment_status="pending"), order(2, payment_status=None), order(3, payment_status="refunded"),
        order(4, payment_status="failed", status="shipped"), order(5, payment_status="failed", trashed_at=GONE))

    assert found("delivered_unpaid") == [2, 1]


def test_nobody_in_the_trash_pays_for_a_subscription(app):
    put("customers", {"id": 1, "email": "a@x.org", "name": "Ada", "trashed_at": GONE}, {"id": 2, "email": "b@x.org"})
    put("subscriptions", *({"id": id, "external_id": f"s{id}", "customer_id": customer, "status": status, "amount_minor": 990, "currency": "EUR"}
                           for id, customer, status in ((1, 1, "active"), (2, 2, "active"), (3, 1, "ended"), (4, None, "active"))))

    assert found("customer_trashed") == [1]
    assert reason("customer_trashed") == "9.90 EUR a time are asked of Ada, who is in the trash."


def test_no_parcel_is_on_its_way_for_a_cancelled_order(app):
    put("orders", order(1, status="cancelled"), order(2))
    put("deliveries", *({"id": id, "tracking_number": f"T{id}", "order_id": to, "status": status}
                        for id, to, status in ((1, 1, "in_transit"), (2, 2, "in_transit"), (3, 1, "sent_back"), (4, None, "held_up"))))

    assert found("order_cancelled") == [1]
    assert reason("order_cancelled") == "Order O-1 is cancelled, the parcel is not: In transit."


def test_no_more_goes_back_than_was_taken(app):
    put("payments", payment(1, refunded_minor=1001), payment(2, refunded_minor=1000), payment(3, refunded_minor=None))

    assert found("refunded_too_much") == [1]


def test_a_check_over_records_one_may_not_see_all_of_is_not_there(app):
    put("orders", order(1))
    alone = Actor("staff", "eve", 7, ("orders.read",))
    scoped = Actor("staff", "eve", 7, ("*.read",), {"payments": "status=paid"})
    own = Actor("staff", "eve", 7, ("*.read",), {"orders": "id=2"})

    assert {check.name for _, check in checking.allowed(alone)} == {"delivered_unpaid"}
    with pytest.raises(NotFound):
        checking.find(alone, "payments_differ")
    with pytest.raises(NotFound):
        checking.find(scoped, "payments_differ")
    assert found("payments_differ", own) == [], "of its own resource the scope is part of the question"
    assert found("payments_differ") == [1]


@pytest.mark.parametrize("resource", [one.name for one in resources() if one.checks])
def test_every_check_is_walked_by_an_index_of_its_own(app, resource):
    names = {index.name for index in named(resource).table.indexes}
    for check in named(resource).checks:
        index = f"ix_{resource}_check_{check.name}"
        assert index in names
        with statements() as seen:
            checking.page(db.session(), named(resource), check, SYSTEM)
        statement, parameters = next((text, values) for text, values in seen if "spot" in text)
        if db.engine.dialect.name == "sqlite":
            plan = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            assert any(f"INDEX {index}" in str(row[-1]) for row in plan)


def test_no_two_checks_share_a_word(app):
    names = [check.name for resource in resources() for check in resource.checks]
    assert len(names) == len(set(names))


def test_a_long_walk_goes_window_by_window_and_may_be_stopped(app):
    put_many(WINDOW + 10)
    resource, check = checking.find(SYSTEM, "payments_differ")

    whole = checking._look(db.session(), resource, check, SYSTEM, 60, 5)
    stopped = checking._look(db.session(), resource, check, SYSTEM, 0, 5)

    assert (whole.ids, whole.number, whole.edge) == ([1], WINDOW + 10, None)
    assert (stopped.ids, stopped.number) == ([], 0)
    assert stopped.edge
    assert "before it had looked at any orders" in checking.stopped(resource, 0)
    assert "newest 5,000 orders" in checking.stopped(resource, 5000)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 7, 10])
def test_the_pages_of_a_check_are_all_of_it_once_forward_and_back(app, count):
    put("orders", *(order(id, payment_status="pending" if id % 2 else "paid") for id in range(1, 2 * count + 1)))
    resource, check = checking.find(SYSTEM, "delivered_unpaid")

    def walk(place, word):
        while place is not None:
            one = checking.page(db.session(), resource, check, SYSTEM, place, limit=3)
            yield [finding.row["id"] for finding in one.findings]
            at = getattr(one, word)
            last.append(one)
            place = at and checking.Place(at, word == "before")

    last: list[checking.Page] = []
    forward = list(walk(checking.FIRST, "after"))
    assert sum(forward, []) == list(range(2 * count - 1, 0, -2))
    assert last[0].before is None
    if (edge := last[-1].before) is not None:
        back = list(walk(checking.Place(edge, True), "before"))
        assert back[::-1] == forward[:-1]


def test_a_page_of_which_all_was_mended_leads_on_both_ways(app):
    put("orders", *(order(id, payment_status="pending") for id in (1, 9)))
    resource, check = checking.find(SYSTEM, "delivered_unpaid")
    for place, after, before in ((checking.Place(1), None, 0), (checking.Place(9, True), 10, None)):
        page = checking.page(db.session(), resource, check, SYSTEM, place)
        assert (page.findings, page.after, page.before) == ([], after, before)


def put_many(count):
    """Orders that are right, but the oldest."""
    put("orders", *(order(id) for id in range(1, count + 1)))
    put("payments", *(payment(id, id) for id in range(2, count + 1)))


def test_the_pages_say_how_many_why_and_what_to_do(app, sign_in):
    put("orders", *(order(id) for id in range(1, 53)))
    client = sign_in("operator")

    page = get(client, "/checks")
    assert "Paid orders whose payments do not add up" in page.text
    assert ">52<" in page.html
    assert not inline(page.html)

    page = get(client, "/checks/payments_differ")
    assert "its payments in this currency to 0.00 EUR" in page.text
    assert "/orders/52" in page.links()
    assert "/payments?order=52" in page.links()
    assert "/orders/52/edit" in page.links()
    assert not inline(page.html)
    page = get(client, page.link("after="))
    assert [link for link in page.links() if link in ("/orders/1", "/orders/2", "/orders/3")] == ["/orders/2", "/orders/1"]
    assert not [link for link in page.links() if "after=" in link]
    assert "/checks/payments_differ" in page.links(), "and back to the first"
    page = get(client, page.link("before="))
    assert "/orders/52" in page.links()
    assert "/orders/3" in page.links()
    assert not [link for link in page.links() if "before=" in link]


def test_ways_out_one_may_not_go_are_not_shown(app, sign_in):
    put("orders", order(1))
    page = get(sign_in("viewer"), "/checks/payments_differ")
    assert "/payments?order=1" in page.links()
    assert "/orders/1/edit" not in page.links()


def test_there_is_no_page_for_what_is_no_check_or_not_open_to_one(app, sign_in):
    client = sign_in("nobody", grants=["orders.read"])
    assert client.get("/checks/nothing").status_code == 404
    assert client.get("/checks/payments_differ").status_code == 404
    assert "Delivered orders" in get(client, "/checks").text
    assert "Paid orders" not in get(client, "/checks").text
    assert sign_in("admin").get("/checks/payments_differ?after=x").status_code == 400


def test_programs_read_the_checks_in_the_envelope_of_lists(app, token):
    put("orders", *(order(id) for id in range(1, 53)))
    program = Program(app, token("viewer"))

    answer = program.get("/checks").get_json()
    told = next(one for one in answer["data"] if one["name"] == "payments_differ")
    assert (told["count"], told["capped"], told["stopped"], told["severity"]) == (52, False, None, "wait")

    first = program.get("/checks/payments_differ").get_json()
    assert [one["id"] for one in first["data"]] == list(range(52, 2, -1))
    assert first["data"][0]["label"] == "O-52"
    rest = program.get(first["next"].partition("/api/v1")[2]).get_json()
    assert ([one["id"] for one in rest["data"]], rest["next"]) == ([2, 1], None)
    back = program.get(rest["previous"].partition("/api/v1")[2]).get_json()
    assert (back["data"], back["next"], back["previous"]) == (first["data"], first["next"], None)
    assert program.get("/checks/payments_differ?after=9&before=3").status_code == 400
    assert program.get("/checks/nothing").status_code == 404
    assert program.get("/checks?limit=1").status_code == 400
    assert program.get("/checks/payments_differ?after=0").status_code == 400
    assert Program(app, None).get("/checks").status_code == 401


def test_the_reference_has_their_addresses(app, sign_in):
    assert "GET /api/v1/checks/{name}" in get(sign_in(), "/reference").text
