"""The list of a resource: how it reads, where it leads, what it says when it is empty, and what it costs."""
import pytest

from app.extensions import db
from app.records import listing, query
from app.records.registry import named
from tests.records.pages import get
from tests.records.shops import id_of, ids_on, shop_to_read
from tests.records.stock import MIDNIGHT, ask, fill, put


@pytest.fixture
def shop(app):
    shop_to_read()


def test_a_list_says_amounts_choices_names_and_moments_as_people_do(shop, sign_in):
    text = get(sign_in(), "/orders").text

    assert "1,284.50 EUR" in text
    assert "38.95 GBP" in text
    assert "Placed" in text
    assert "Ada Whitcombe" in text
    assert "1 Mar, 08:00" in text or "1 Mar 2026, 08:00" in text
    assert "Not yet" in text


def test_filters_stand_as_chips_that_can_be_changed_and_taken_off(shop, sign_in):
    client = sign_in()

    page = get(client, "/orders?status=placed,draft&total.gte=20&sort=-total")

    assert "Status Placed or Draft" in page.text
    assert "Total at least 20.00 EUR" in page.text
    assert "/orders?total.gte=20&sort=-total" in page.links()
    assert "/orders?status=placed,draft&sort=-total" in page.links()
    assert "/orders?sort=-total" in page.links(), "Clear keeps the order"
    assert get(client, page.link("/orders/filter?by=status")).every("input", name="value", value="placed")[0]["checked"] == ""


def test_sorted_headers_say_so_and_turn_around(shop, sign_in):
    page = get(sign_in(), "/orders?status=placed&sort=-total")

    [header] = [attributes for _, attributes in page.tags if "aria-sort" in attributes]
    assert header["aria-sort"] == "descending"
    assert "/orders?status=placed&sort=total" in page.links()
    assert "/orders?status=placed&sort=number" in page.links()
    assert "/orders?status=placed&sort=-placed_at" in page.links(), "the newest first"


def test_pages_lead_on_and_back_with_the_filters(app, sign_in):
    fill(named("customers"), 7)
    client = sign_in()

    first = get(client, "/customers?limit=3&sort=id")
    second = get(client, first.link("after="))
    last = get(client, next(link for link in first.links() if "before=" in link))

    assert ids_on(first) == [1, 2, 3]
    assert ids_on(second) == [4, 5, 6]
    assert ids_on(last) == [5, 6, 7]
    assert ids_on(get(client, next(link for link in second.links() if "before=" in link))) == [1, 2, 3]
    assert "/customers?sort=id&limit=3" in second.links(), "First"
    assert "3 of 7 customers" in first.text


def test_a_count_is_capped_until_somebody_asks(app, sign_in, monkeypatch):
    fill(named("customers"), 5)
    client, real = sign_in(), query.count
    monkeypatch.setattr(query, "count", lambda session, asked, cap=None: real(session, asked, None if cap is None else 3))

    page = get(client, "/customers?limit=2")

    assert "2 of 3+ customers" in page.text.replace("3 +", "3+")
    assert "2 of 5 customers" in get(client, page.link("count=exact")).text


def test_a_list_that_is_all_there_is_needs_no_count(app, sign_in):
    fill(named("customers"), 3)

    assert listing.whole(query.page(db.session(), ask("customers"))) == query.Count(3, False)
    assert listing.whole(query.page(db.session(), ask("customers", "limit=2"))) is None


def test_an_empty_list_says_how_to_fill_it(app, sign_in):
    page = get(sign_in(), "/orders")

    assert "No orders yet" in page.text
    assert "/orders/new" in page.links()
    assert "/imports/new?resource=orders" in page.links()
    assert not page.every("table")
    assert "/orders/new" not in get(sign_in("viewer"), "/orders").links()


def test_a_list_nothing_matches_offers_the_filter_whose_removal_helps(shop, sign_in):
    page = get(sign_in(), "/orders?status=placed&city=Paris")

    assert "No order matches these filters" in page.text
    assert "1 order matches without “City Paris”." in page.text
    assert "/orders?status=placed" in page.links()
    assert "/orders" in page.links()


def test_a_list_that_cannot_be_read_says_why_and_leads_back(shop, sign_in):
    page = get(sign_in(), "/orders?colour=red&total.gte=cheap", 400)

    assert "colour" in page.text
    assert "This is not a number" in page.text
    assert "/orders" in page.links()


def test_the_trash_is_a_tab_of_its_own(shop, sign_in):
    client, id = sign_in(), id_of("orders", number="ORD-2")
    client.post(f"/orders/{id}/trash")

    assert id not in ids_on(get(client, "/orders"))
    assert id in ids_on(get(client, "/orders?trashed=only"))
    assert "The trash is empty" in get(client, "/customers?trashed=only").text


def test_an_export_keeps_the_filters_of_the_list(shop, sign_in):
    page = get(sign_in("manager"), "/orders?status=placed&sort=-total")

    assert "/exports/new?resource=orders&query=status%3Dplaced%26sort%3D-total" in [link.replace(" ", "+") for link in page.links()]


def test_a_page_of_fifty_rows_stays_light(app, sign_in):
    put("customers", {"id": 1, "email": "friederike@example.com", "name": "Friederike Lindqvist"})
    put("orders", *({"id": n, "number": f"10{n}", "status": "packing", "payment_status": "authorised", "channel": "webshop", "customer_id": 1,
                     "account": "shopify", "total_minor": 128_450, "currency": "EUR", "placed_at": MIDNIGHT} for n in range(401, 461)))

    page = sign_in().get("/orders").data

    assert page.count(b'name="id"') == 50
    assert len(page) <= 40_000
