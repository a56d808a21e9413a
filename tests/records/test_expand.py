"""expand=: records answered with those their references lead to, as their own address answers them, at one statement a relation."""
import itertools
from urllib.parse import quote

import pytest
from sqlalchemy import insert

from app.access import ROLES
from app.audit import SYSTEM
from app.extensions import db
from app.records import expanding, shapes
from app.records.openapi import document
from app.records.registry import named
from app.transaction import transaction
from tests.records.api_client import BASE, Program
from tests.records.stock import MIDNIGHT, NAMES, line_table, put, statements

SECRET = "+49 555 1234567"
BESIDE = [(name, path) for name in NAMES for path in shapes.expandable(shapes.Place(named(name)), SYSTEM)]
"""Every relation there is: ("orders", "lines.product")."""


@pytest.fixture
def program(app, token):
    return Program(app, token("admin"))


def stock(count: int, start: int = 1) -> None:
    """So many of each record type; those of one number refer to each other."""
    ids = range(start, start + count)
    put("customers", *({"id": n, "email": f"c{n}@acme.example", "name": f"Customer {n}", "phone": SECRET} for n in ids))
    put("products", *({"id": n, "sku": f"SKU-{n}", "name": f"Product {n}", "currency": "EUR", "price_minor": 100} for n in ids))
    put("orders", *({"id": n, "number": f"ORD-{n}", "customer_id": n, "total_minor": 200, "currency": "EUR", "phone": SECRET} for n in ids))
    with transaction() as session:
        session.execute(insert(line_table()), [{"parent_id": n, "position": place, "product_id": n, "quantity": place + 1, "unit_price_minor": 100}
                                               for n, place in itertools.product(ids, (0, 1))])
    for name, inside in (("payments", {"order_id"}), ("deliveries", {"order_id"}), ("subscriptions", {"customer_id", "product_id"})):
        key = "tracking_number" if name == "deliveries" else "external_id"
        put(name, *({"id": n, key: f"{name}-{n}", **dict.fromkeys(inside, n)} for n in ids))


def inside(found, path):
    """What stands at this path of an answer, in every line and record on the way."""
    for step in path.split("."):
        found = [deeper for one in found for deeper in (one[step]["data"] if isinstance(one[step], dict) and "all" in one[step]
                                                        else one[step] if isinstance(one[step], list) else [one[step]])]
    return found


@pytest.mark.alike("orders")
@pytest.mark.parametrize(("name", "path"), BESIDE)
@pytest.mark.parametrize("role", ["viewer", "admin"])
def test_an_expanded_record_is_what_its_own_address_answers(app, token, name, path, role):
    stock(3)
    program, place = Program(app, token(role)), shapes.Place(named(name))
    for step in path.split("."):
        place = place.ways(SYSTEM)[step]
    own = program.get(f"/{place.resource.name}/2").get_json()
    one = program.get(f"/{name}/2?expand={path}").get_json()
    assert inside([one], path)
    assert all(found == own for found in inside([one], path))
    listed = program.get(f"/{name}?expand={path}&sort=id").get_json()["data"]
    assert listed[1] == one
    assert {found["id"] for found in inside(listed, path)} == {1, 2, 3}


@pytest.mark.alike("orders")
@pytest.mark.parametrize(("name", "path"), BESIDE)
def test_a_relation_costs_one_statement_and_one_for_its_lines_in_ten_rows_and_in_sixty(program, name, path):
    stock(10)
    program.get(f"/{name}")
    ten, plain = asked(program, f"/{name}?limit=200&expand={path}"), asked(program, f"/{name}?limit=200")
    stock(50, start=11)
    assert asked(program, f"/{name}?limit=200&expand={path}") == ten
    assert len(program.get(f"/{name}?limit=200&expand={path}").get_json()["data"]) == 60
    assert ten - plain <= statements_of(name, path)


def statements_of(name: str, path: str) -> int:
    """One for each record type on the way, one more for those that have lines."""
    place, count = shapes.Place(named(name)), 0
    for step in path.split("."):
        place = place.ways(SYSTEM)[step]
        count += 0 if place.lines else 1 if place.resource.lines is None else 2
    return count


def asked(program, path):
    with statements() as seen:
        assert program.get(path).status_code == 200
    return len([statement for statement, _ in seen if "FROM settings" not in statement])     # read again every five seconds


def test_what_is_left_out_by_fields_is_not_read(program):
    stock(3)
    program.get("/payments")
    whole = asked(program, "/payments?expand=order")
    assert asked(program, "/payments?fields=order.number") == whole - 1     # the lines of the orders


# -- together with fields=

FIELDS = [
    ("fields=number,customer.email", {"id", "version", "updated_at", "number", "customer"}, {"customer": {"id", "version", "updated_at", "email"}}),
    ("fields=number,customer", {"id", "version", "updated_at", "number", "customer"}, {"customer": {"id", "key", "label"}}),
    ("fields=number&expand=payments", {"id", "version", "updated_at", "number", "payments"}, {}),
    ("fields=customer.email&expand=customer", {"id", "version", "updated_at", "customer"}, {"customer": {"id", "version", "updated_at", "email"}}),
    ("fields=lines.quantity", {"id", "version", "updated_at", "lines"}, {"lines": {"quantity"}}),
    ("fields=lines.quantity,lines.product.sku", {"id", "version", "updated_at", "lines"}, {"lines": {"quantity", "product"}, "lines.product": {"id", "version", "updated_at", "sku"}}),
    ("fields=payments.external_id", {"id", "version", "updated_at", "payments"}, {"payments": {"id", "version", "updated_at", "external_id"}}),
]


@pytest.mark.alike
@pytest.mark.parametrize(("query", "members", "within"), FIELDS)
def test_fields_cuts_what_is_expanded_too_and_names_within_a_record_expand_it(program, query, members, within):
    stock(2)
    for found in (program.get(f"/orders/1?{query}").get_json(), program.get(f"/orders?{query}&sort=id").get_json()["data"][0]):
        assert set(found) == members
        for path, names in within.items():
            assert all(set(one) == names for one in inside([found], path))


@pytest.mark.alike
def test_every_path_the_description_has_is_taken_and_answered_as_it_says(program):
    stock(2)
    for name in NAMES:
        listed = {one["name"]: one for one in document()["paths"][f"/{name}"]["get"]["parameters"] if "name" in one}
        for param in ("fields", "expand"):
            paths = listed[param]["schema"]["items"]["enum"]
            for path in (",".join(paths), *paths):
                assert program.get(f"/{name}/1?{param}={path}").status_code == 200
            assert program.get(f"/{name}?{param}={','.join(paths)}").status_code == 200


@pytest.mark.alike
@pytest.mark.parametrize("path", ["nothing", "", "customer,", "number", "lines", "lines.nothing", "lines.product.nothing", "customer.orders", "payments.order",
                                  "customer.nothing", "customer.email", "*", "customers", "said", "customer_id", "..", "lines..product", "customer.", "é", "%00"])
def test_what_cannot_be_expanded_is_refused_with_what_can_be(program, path):
    stock(1)
    for address in ("/orders", "/orders/1"):
        answer = program.get(f"{address}?expand={path if '%' in path else quote(path)}")
        assert answer.status_code == 400
        [error] = answer.get_json()["errors"]
        assert error["parameter"] == "expand"
        assert "customer, " in error["detail"] or "customer." in error["detail"].split("Choose from ")[1]


@pytest.mark.alike
@pytest.mark.parametrize("path", ["customer.nothing", "lines.nothing", "payments", "payments.nothing", "number.x", "customer.orders.number", "payments.order.number", "lines.product.nothing"])
def test_a_field_of_another_record_there_is_none_of_is_refused(program, path):
    stock(1)
    [error] = program.get(f"/orders/1?fields={path}").get_json()["errors"]
    assert error["parameter"] == "fields"
    assert "Choose from" in error["detail"]


def test_it_goes_two_records_far_and_many_stand_only_beside_the_first(app):
    deep = [path for name, path in BESIDE if len(path.replace("lines.", "").split(".")) > shapes.DEEPEST]
    assert deep == []
    assert {"customer", "lines.product", "payments", "deliveries"} <= {path for name, path in BESIDE if name == "orders"}
    assert "order.customer" in {path for name, path in BESIDE if name == "payments"}
    assert not any(path.endswith(".orders") or ".payments" in path for _, path in BESIDE)


def test_given_twice_it_is_refused_and_where_nothing_is_expanded_it_is_no_parameter(program):
    stock(1)
    assert program.get("/orders?expand=customer&expand=payments").status_code == 400
    assert program.get("/orders/summary?expand=customer").status_code == 400
    assert program.patch("/orders/1?expand=customer", {"note": "x"}, 1).status_code == 400


# -- what it leads to

def test_a_reference_to_nothing_yet_or_to_nothing_at_all_stays_what_it_is(program):
    put("orders", {"id": 1, "number": "A", "customer_ref": "external_id@stripe=cus_9"}, {"id": 2, "number": "B"})
    found = program.get("/orders?expand=customer&sort=id").get_json()["data"]
    assert [one["customer"] for one in found] == [{"id": None, "key": "cus_9", "label": "cus_9"}, None]


def test_a_record_in_the_trash_is_there_where_it_is_referred_to_and_not_among_many(program):
    stock(1)
    program.delete("/customers/1", 1)
    program.delete("/payments/1", 1)
    found = program.get("/orders/1?expand=customer,payments").get_json()
    assert found["customer"]["trashed_at"] is not None
    assert found["payments"] == {"data": [], "all": None}


def test_of_many_the_newest_twenty_are_there_and_where_all_are(program):
    put("orders", {"id": 1, "number": "A"}, {"id": 2, "number": "B"})
    put("payments", *({"id": n, "external_id": f"pay_{n}", "order_id": 1} for n in range(1, expanding.MOST + 3)), {"id": 90, "external_id": "other", "order_id": 2})
    first, second = program.get("/orders?expand=payments&sort=id").get_json()["data"]
    assert [one["id"] for one in first["payments"]["data"]] == list(range(expanding.MOST + 2, 2, -1))
    everything = program.get(first["payments"]["all"].removeprefix("http://localhost").removeprefix(BASE)).get_json()["data"]
    assert len(everything) == expanding.MOST + 2
    assert ([one["id"] for one in second["payments"]["data"]], second["payments"]["all"]) == ([90], None)


# -- rights

@pytest.mark.parametrize("path", ["customer", "fields=customer.email,phone", "fields=customer.phone", "fields=phone"])
def test_a_field_one_may_not_read_is_not_in_the_expanded_record_either_and_named_it_is_as_unknown_as_any_other(app, token, path):
    stock(1)
    blind, seeing = Program(app, token("operator")), Program(app, token("manager"))
    query = path if "=" in path else f"expand={path}"
    if "phone" not in path:
        assert "phone" not in blind.get(f"/orders/1?{query}").get_json()["customer"]
        assert seeing.get(f"/orders/1?{query}").get_json()["customer"]["phone"] == SECRET
        return
    hidden, unknown = blind.get(f"/orders?{query}"), blind.get(f"/orders?{query.replace('phone', 'phony')}")
    assert (hidden.status_code, seeing.get(f"/orders?{query}").status_code) == (400, 200)
    assert hidden.get_json()["errors"] == [{**one, "detail": one["detail"].replace("phony", "phone")} for one in unknown.get_json()["errors"]]


def test_a_record_type_one_may_not_read_is_forbidden_to_expand(app, token, monkeypatch):
    stock(1)
    monkeypatch.setitem(ROLES, "packer", ("orders.read", "payments.read"))
    packer = Program(app, token("packer"))
    for query in ("expand=customer", "expand=lines.product", "expand=deliveries", "fields=customer.email", "expand=payments,customer"):
        assert packer.get(f"/orders?{query}").status_code == 403
        assert packer.get(f"/orders/1?{query}").status_code == 403
    assert "customer" not in packer.get("/orders?expand=x").get_json()["errors"][0]["detail"].split("Choose from")[1]
    assert packer.get("/orders/1?expand=payments").get_json()["payments"]["data"][0]["order"] == {"id": 1, "key": "ORD-1", "label": "ORD-1"}


def test_a_record_out_of_sight_is_not_there(app, token):
    stock(2)
    put("payments", {"id": 9, "external_id": "cash", "order_id": 1, "method": "cash"})
    narrow = Program(app, token("operator", email="n@example.com", scopes={"customers": "email=c2@acme.example", "payments": "method=cash"}))
    one, two = narrow.get("/orders?expand=customer,payments&sort=id").get_json()["data"]
    assert one["customer"] == {"id": 1, "key": "", "label": ""}
    assert two["customer"]["email"] == "c2@acme.example"
    assert [[there["id"] for there in order["payments"]["data"]] for order in (one, two)] == [[9], []]


# -- conditions and links

def test_the_tag_of_an_expanded_record_changes_with_what_is_in_it_and_still_says_which_version_was_seen(program):
    stock(1)
    path = "/orders/1?expand=customer"
    tag = program.get(path).headers["ETag"]
    assert tag.startswith('"1-')
    assert program.get(path, If_None_Match=tag).status_code == 304
    assert program.patch("/customers/1", {"name": "Ada"}, 1).status_code == 200
    again = program.get(path, If_None_Match=tag)
    assert (again.status_code, again.get_json()["customer"]["name"]) == (200, "Ada")
    assert program.patch("/orders/1", {"note": "x"}, tag).status_code == 200
    assert program.patch("/orders/1", {"note": "y"}, tag).status_code == 412
    assert program.get("/orders/1?fields=lines.quantity").headers["ETag"] == '"2"'


def test_the_next_page_is_expanded_too(program):
    stock(3)
    following = program.get("/orders?limit=2&expand=customer&sort=id").get_json()["next"]
    assert program.get(following.removeprefix("http://localhost").removeprefix(BASE)).get_json()["data"][0]["customer"]["email"] == "c3@acme.example"


def test_one_order_among_many_costs_what_it_costs_alone(program):
    """The first ranks: nobody reads all payments of all orders to answer one."""
    stock(1)
    with statements() as seen:
        program.get("/orders/1?expand=payments")
    [(statement, _)] = [one for one in seen if "row_number" in one[0]]
    assert "payments.order_id" in statement.split("WHERE", 1)[1]
    db.session.rollback()


def test_a_moment_is_written_the_same_inside(program):
    put("customers", {"id": 1, "email": "a@acme.example", "trashed_at": MIDNIGHT})
    put("orders", {"id": 1, "number": "A", "customer_id": 1})
    assert program.get("/orders/1?expand=customer").get_json()["customer"]["trashed_at"] == "2026-03-01T00:00:00Z"


def test_the_reference_names_what_can_be_expanded_and_says_once_what_any_request_may_be_answered(sign_in):
    page = sign_in("viewer").get("/reference").text
    for name in NAMES:
        chapter = page.split(f'id="{name}"')[1].split("</section>")[0]
        assert all(f"<code>{path}</code>" in chapter for other, path in BESIDE if other == name)
        assert all(f">{status}</abbr>" not in chapter for status in (401, 403, 429, 503))
        assert ">428</abbr>" in chapter
    assert page.count("<dt>401</dt>") == 1
    assert "phone" not in page.split('id="customers"')[1]
