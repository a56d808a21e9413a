"""Record pages for reading, made from the declarations: every resource, every role, and what a record shows."""
import pytest

from app.audit import Door
from app.records.changes import Change, Source
from app.records.registry import named
from tests.records import gate
from tests.records.gate import EVENT, FORM, act, customer, order, payment
from tests.records.pages import get, inline
from tests.records.shops import id_of, ids_on, shop_to_read
from tests.records.stock import NAMES, fill, statements

ROLES = ("viewer", "operator", "manager", "admin")


@pytest.fixture
def shop(app):
    shop_to_read()


@pytest.mark.alike("orders", "manager")
@pytest.mark.chequered
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", NAMES)
def test_every_list_and_record_opens_for_every_role(app, sign_in, name, role):
    fill(named(name), 5)
    client = sign_in(role)

    page, record = get(client, f"/{name}"), get(client, f"/{name}/3")

    assert len(page.every("th", scope="row")) == 5
    assert named(name).plural in page.text
    assert 'aria-current="page">' in page.html
    assert not inline(page.html), inline(page.html)
    assert not inline(record.html), inline(record.html)


@pytest.mark.parametrize(("role", "creates", "edits", "trashes"), [
    ("viewer", False, False, False), ("operator", True, True, True), ("manager", True, True, True), ("admin", True, True, True)])
def test_buttons_show_only_to_those_who_may_press_them(shop, sign_in, role, creates, edits, trashes):
    client, id = sign_in(role), id_of("orders", number="ORD-1")

    links = get(client, "/orders").links() + get(client, f"/orders/{id}").links()

    assert ("/orders/new" in links) == creates
    assert any(link.startswith(f"/orders/{id}/edit") for link in links) == edits
    assert any(link.startswith(f"/orders/{id}/trash") for link in links) == trashes
    assert any(link.startswith("/exports/new?resource=orders") for link in links) == (role in ("manager", "admin"))


@pytest.mark.parametrize("path", ["/orders/new", "/orders/1/edit", "/orders/1/trash"])
def test_pages_for_writing_are_closed_to_viewers(shop, sign_in, path):
    assert sign_in("viewer").get(path).status_code == 403


@pytest.mark.parametrize("path", ["/orders", "/orders/1", "/orders/new", "/search?q=x", "/orders/lookup?q=x"])
def test_nobody_reads_without_signing_in(shop, client, path):
    answer = client.get(path)

    assert answer.status_code == 303
    assert answer.location.startswith("/login?next=/")


def test_what_people_wrote_is_never_markup(shop, sign_in):
    page = get(sign_in(), f"/customers/{id_of('customers', email='bob@other.example')}")

    assert "Bob &lt;b&gt;&amp;&lt;/b&gt;" in page.html


def test_a_record_shows_its_fields_lines_and_those_that_refer_to_it(shop, sign_in):
    page = get(sign_in(), f"/orders/{id_of('orders', number='ORD-1')}")

    assert "Order ORD-1" in page.text
    assert "Ship to" in page.text
    assert "Berlin" in page.text
    assert "Tea" in page.text
    assert "5.00 EUR" in page.text
    assert "Payments 1" in page.text
    assert f"/payments/{id_of('payments')}" in page.links()
    assert f"/customers/{id_of('customers', email='ada@acme.example')}" in page.links()
    assert "/deliveries/new?order=ORD-1" in page.links()


def test_a_record_with_many_others_shows_five_and_leads_to_all(app, sign_in):
    act(customer("ada@acme.example"))
    act(*(order(f"ORD-{n}", customer="ada@acme.example") for n in range(8)))
    id = id_of("customers")

    page = get(sign_in(), f"/customers/{id}")

    assert "Orders 8" in page.text
    assert f"/orders?customer={id}" in page.links()
    assert len(ids_on(get(sign_in(), f"/orders?customer={id}"))) >= 8


def test_a_sensitive_field_is_on_no_page_of_those_who_may_not_see_it(shop, sign_in):
    id = id_of("orders", number="ORD-1")
    act(Change("orders", {"phone": "+49 40 88"}, key={"number": "ORD-1"}), source=FORM)

    seen, hidden = get(sign_in("manager"), f"/orders/{id}"), get(sign_in("viewer"), f"/orders/{id}")

    assert "+49 40 88" in seen.text
    assert "+49 30 77" in seen.text, "in the timeline"
    assert "+49" not in hidden.html
    assert "Phone" not in hidden.text
    assert "changed something your role does not show" in hidden.text


def test_a_record_out_of_scope_is_not_there(shop, sign_in):
    client = sign_in("operator", scopes={"orders": "status=placed"})

    assert client.get(f"/orders/{id_of('orders', number='ORD-2')}").status_code == 404
    assert client.get(f"/orders/{id_of('orders', number='ORD-2')}/edit").status_code == 404
    assert client.post(f"/orders/{id_of('orders', number='ORD-2')}/trash").status_code == 404
    assert ids_on(get(client, "/orders")).count(id_of("orders", number="ORD-1")) == 1
    assert "ORD-2" not in get(client, "/search?q=ORD").html


def test_an_unknown_resource_or_record_is_404(app, sign_in):
    assert sign_in().get("/unicorns").status_code == 404
    assert sign_in().get("/orders/99").status_code == 404
    assert sign_in().get("/orders/99999999999999999999").status_code == 404


def test_the_timeline_tells_who_through_which_door_and_old_to_new(shop, sign_in):
    id = id_of("orders", number="ORD-1")
    act(Change("orders", {"status": "packing", "city": "Leipzig", "lines": []}, key={"number": "ORD-1"}), source=FORM)
    act(Change("orders", {"total": "1300"}, key={"number": "ORD-1"}, cause=881),
        source=Source(Door.IMPORT, gate.ADA, door_id=12))

    text = get(sign_in(), f"/orders/{id}").text

    assert "ada changed 1 field Total 1,284.50 EUR → is now 1,300.00 EUR Import 12, row 881" in text
    assert "ada changed 3 fields" in text
    assert "Status Placed → is now Packing" in text
    assert "City Berlin → is now Leipzig" in text
    assert "Line removed Tea, 2, 5.00 EUR" in text
    assert "ada created it" in text
    assert text.index("1,300.00 EUR") < text.index("Leipzig"), "newest first"


def test_the_timeline_names_the_event_that_did_it(shop, sign_in):
    act(payment("refunded", 20, cause=90518), source=EVENT)

    page = get(sign_in(), f"/payments/{id_of('payments')}")

    assert "stripe reported 1 field Status Paid → is now Refunded Event 90518" in page.text


def test_an_old_reference_in_the_timeline_has_its_name(shop, sign_in):
    act(Change("orders", {"customer": "bob@other.example"}, key={"number": "ORD-1"}), source=FORM)

    assert "Customer Ada Whitcombe → is now Bob <b>&</b>" in get(sign_in(), f"/orders/{id_of('orders', number='ORD-1')}").text


def test_a_long_timeline_is_read_in_parts(shop, sign_in):
    for number in range(25):
        act(Change("orders", {"city": f"City {number}"}, key={"number": "ORD-1"}), source=FORM)
    client, id = sign_in(), id_of("orders", number="ORD-1")

    first = get(client, f"/orders/{id}")
    second = get(client, first.link("before="))

    assert "City 24" in first.text
    assert "created it" not in first.text
    assert "created it" in second.text
    assert f"/orders/{id}#h-tl" in second.links()


def test_what_is_not_here_yet_is_said(app, sign_in):
    act(payment("paid", 1, order={"external_id": "shop-77"}), source=EVENT)

    assert "shop-77 not here yet" in get(sign_in(), f"/payments/{id_of('payments')}").text


def test_the_pages_of_a_record_cost_no_more_with_more_history(shop, sign_in):
    client, id = sign_in(), id_of("orders", number="ORD-1")
    costs = []
    get(client, f"/orders/{id}")
    for _ in range(2):
        with statements() as seen:
            get(client, f"/orders/{id}")
        costs.append(len(seen))
        act(*(Change("orders", {"city": f"City {n}"}, key={"number": "ORD-1"}) for n in range(10)), source=FORM)

    assert costs[0] == costs[1]


def test_others_one_may_not_read_are_not_on_the_page_of_a_record(shop, sign_in):
    client = sign_in("nobody", grants=["orders.read", "search.read"])

    page = get(client, f"/orders/{id_of('orders', number='ORD-1')}")

    assert "Payments" not in page.text
    assert "Deliveries" not in page.text
    assert "pi_1" not in page.html
    assert "Ada" not in page.html, "nor whom it refers to"
    assert "Customers" not in get(client, "/search?q=Whitcombe").text
