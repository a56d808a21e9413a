"""Finding records on pages: the search, pickers, and the form of each filter."""
import pytest

from app import create_app
from app.config import load
from app.records.narrowing import with_offset
from app.records.registry import resources
from tests.records.pages import get, inline
from tests.records.shops import id_of, ids_on, shop_to_read

pytestmark = pytest.mark.alike


@pytest.fixture
def shop(app):
    shop_to_read()


def test_empty_fields_of_a_form_ask_for_nothing(shop, sign_in):
    assert len(ids_on(get(sign_in(), "/orders?q=&status="))) > 2


def test_the_search_jumps_to_what_is_named_exactly(shop, sign_in):
    client = sign_in()

    assert client.get("/search?q=ORD-1").location == f"/orders/{id_of('orders', number='ORD-1')}"
    assert client.get("/search?q=ada@acme.example").location == f"/customers/{id_of('customers', email='ada@acme.example')}"


def test_the_search_shows_what_it_finds_by_resource(shop, sign_in):
    page = get(sign_in(), "/search?q=Whitcombe")

    assert "Customers" in page.text
    assert f"/customers/{id_of('customers', email='ada@acme.example')}" in page.links()
    assert "Nothing matches “zzz”" in get(sign_in(), "/search?q=zzz").text
    assert "What are you looking for?" in get(sign_in(), "/search").text


def test_a_picker_is_offered_keys_and_names(shop, sign_in):
    assert sign_in().get("/customers/lookup?q=ada").get_json() == [{"value": "ada@acme.example", "label": "Ada Whitcombe"}]
    assert sign_in().get("/customers/lookup?q=nobody").get_json() == []


@pytest.mark.parametrize(("given", "leads_to"), [
    ({"by": "status", "op": "eq", "value": ["placed", "draft"]}, "/orders?status=placed,draft"),
    ({"by": "status", "op": "ne", "value": ["placed"]}, "/orders?status.ne=placed"),
    ({"by": "total", "op": "gte", "value": "100"}, "/orders?total.gte=100"),
    ({"by": "city", "op": "contains", "value": "a, b"}, "/orders?city.contains=a,+b"),
    ({"by": "note", "op": "empty"}, "/orders?note.empty=true"),
    ({"by": "note", "op": "filled"}, "/orders?note.empty=false"),
    ({"by": "placed_at", "op": "gte", "value": "2026-03-01"}, "/orders?placed_at.gte=2026-03-01"),
    ({"by": "customer", "op": "eq", "value": "ada@acme.example"}, "/orders?customer=ada@acme.example"),
    ({"by": "customer", "op": "contains", "value": "ada whit"}, "/orders?customer.contains=ada+whit"),
    ({"by": "total", "op": "gte", "value": "12,50"}, "/orders?total.gte=12.5"),           # as people write numbers, where it can mean but one
    ({"by": "total", "op": "eq", "value": "1.234,50"}, "/orders?total=1234.5"),
    ({"by": "total", "op": "eq", "value": "1,234.50"}, "/orders?total=1234.5"),
    ({"by": "total", "op": "eq", "value": "10, 20"}, "/orders?total=10,+20"),
    ({"by": "weight", "op": "gte", "value": "1,250"}, "/orders?weight.gte=1250"),
    ({"by": "created_at", "op": "lt", "value": "2026-03-01"}, "/orders?created_at.lt=2026-03-01"),
    ({"by": "total", "op": "gte", "value": "5", "keep": "status=placed&sort=-total&after=xyz"}, "/orders?status=placed&sort=-total&total.gte=5"),
    ({"by": "total", "op": "lte", "value": "9", "keep": "total.gte=5&status=placed", "instead": "total.gte"}, "/orders?status=placed&total.lte=9"),
])
def test_the_filter_form_leads_to_the_list_in_the_grammar(shop, sign_in, given, leads_to):
    client = sign_in()

    answer = client.get("/orders/filter", query_string=given)

    assert answer.status_code == 303
    assert answer.location == leads_to
    assert client.get(answer.location).status_code == 200


@pytest.mark.parametrize("given", [{"by": "total", "op": "gte", "value": "cheap"}, {"by": "total", "op": "gte", "value": ""},
                                   {"by": "status", "op": "eq"}, {"by": "placed_at", "op": "gte", "value": "soon"}])
def test_a_filter_that_cannot_be_read_is_shown_again_with_a_sentence(shop, sign_in, given):
    page = get(sign_in(), "/orders/filter?" + "&".join(f"{k}={v}" for k, v in given.items()), 400)

    assert page.every("p", role="alert")
    if given.get("value") and given["by"] != "status":
        assert page.every("input", id="value")[0]["value"] == given["value"]


@pytest.mark.parametrize(("value", "advice"), [("1,250", "Write 1250 or 1.25."), ("1.250", "Write 1250 or 1.25."), ("1,255", "Write 1255 or 1.2550.")])
def test_an_amount_that_can_be_read_in_two_ways_is_asked_about(shop, sign_in, value, advice):
    assert advice in get(sign_in(), f"/orders/filter?by=total&op=gte&value={value}", 400).text


def test_the_form_of_an_amount_says_of_which_currency_it_speaks(shop, sign_in):
    client = sign_in()
    assert "In EUR. Amounts in other currencies are left out" in get(client, "/orders/filter?by=total").text
    assert "In JPY." in get(client, "/orders/filter?by=total&keep=currency%3DJPY").text
    assert "different decimals" in get(client, "/orders/filter?by=total&keep=currency%3DJPY%26currency%3DEUR").text
    assert "at least 5.00 EUR" in get(client, "/orders?total.gte=5").text


def test_the_form_of_a_customer_says_what_it_looks_at_and_asks_for_a_part_first(shop, sign_in):
    page = get(sign_in(), "/orders/filter?by=customer")
    assert page.form("/orders/filter")["op"] == "contains"
    assert "any words of e-mail, name, company or customer ID; “is” the whole e-mail." in page.text
    assert page.every("input", id="value")[0]["data-lookup"] == "customers"


def test_a_filter_of_several_numbers_is_changed_as_several(shop, sign_in):
    page = get(sign_in(), "/orders/filter?by=total&instead=total&keep=total%3D100,200")
    assert page.every("input", id="value")[0]["value"] == "100, 200"


def test_the_search_of_a_list_says_what_it_looks_at(shop, sign_in):
    [box] = [one for one in get(sign_in(), "/orders").every("input", name="q") if "Search orders" in one["aria-label"]]
    assert box["aria-label"] == "Search orders by order number, city, postcode, street, order ID at the shop"
    assert box["placeholder"] == "Order number, city, postcode…"


def test_every_field_a_list_is_filtered_by_has_a_form(app, sign_in):
    client = sign_in()
    for resource in resources():
        for link in (link for link in get(client, f"/{resource.name}?id=1").links() if "/filter?by=" in link):
            page = get(client, link)
            assert page.every("select", name="op"), link
            assert not inline(page.html)


def test_there_is_no_form_for_a_field_one_may_not_see(app, sign_in):
    assert sign_in("viewer").get("/orders/filter?by=phone").status_code == 404
    assert sign_in("admin").get("/orders/filter?by=phone").status_code == 200
    assert sign_in("admin").get("/orders/filter?by=nothing").status_code == 404


def test_a_day_in_a_filter_is_a_day_where_people_are(environ, app, sign_in):
    app = create_app(load({**environ, "TIME_ZONE": "Europe/Berlin"}))
    with app.app_context():
        assert with_offset("2026-07-01") == "2026-07-01+02:00"
        assert with_offset("2026-01-01") == "2026-01-01+01:00"
        assert with_offset("soon") == "soon"
