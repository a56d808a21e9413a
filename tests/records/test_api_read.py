"""Reading through the API: the envelope, one record, links, conditions, fields, and every refusal as problem+json."""
from urllib.parse import parse_qs, urlsplit

import pytest

from app.records.registry import named
from tests.records.api_client import BASE, Program
from tests.records.stock import MIDNIGHT, NAMES, fill, index, put, statements


@pytest.fixture
def program(app, token):
    return Program(app, token("admin"))


@pytest.fixture
def shop(app):
    put("customers", {"id": 1, "email": "ada@acme.example", "name": "Ada", "phone": "+49 1"})
    put("products", {"id": 1, "sku": "TEA", "name": "Tea", "currency": "EUR"})
    put("orders", {"id": 1, "number": "ORD-1", "customer_id": 1, "status": "draft", "total_minor": 1250, "currency": "EUR", "placed_at": MIDNIGHT, "version": 3},
        {"id": 2, "number": "ORD-2", "total_minor": 700, "currency": "JPY", "phone": "+49 2", "customer_ref": "external_id@stripe=cus_9"})


def test_a_list_is_an_envelope_of_records(program, shop):
    answer = program.get("/orders?sort=id").get_json()
    assert set(answer) == {"data", "next", "previous"}
    assert (answer["next"], answer["previous"]) == (None, None)
    assert [one["number"] for one in answer["data"]] == ["ORD-1", "ORD-2"]


def test_a_record_is_the_bare_object_with_amounts_as_strings_times_in_utc_and_references_named(program, shop):
    one = program.get("/orders/1").get_json()
    assert one["id"] == 1
    assert one["version"] == 3
    assert one["total"] == "12.50"
    assert one["placed_at"] == "2026-03-01T00:00:00Z"
    assert one["customer"] == {"id": 1, "key": "ada@acme.example", "label": "Ada"}
    assert one["lines"] == []
    assert "customer_id" not in one
    two = program.get("/orders/2").get_json()
    assert two["total"] == "700"
    assert two["customer"] == {"id": None, "key": "cus_9", "label": "cus_9"}


@pytest.mark.alike("orders")
@pytest.mark.parametrize("name", NAMES)
def test_every_page_of_every_record_type_is_what_the_description_says(program, name):
    """Each answer is held against the description by the client."""
    fill(named(name), 23)
    index(name)
    for asked in ("", "?limit=200", f"?sort=-{named(name).key}&limit=5", "?q=ada", "?trashed=only", "?fields=id", "?statsu=1", "?limit=x"):
        program.get(f"/{name}{asked}")
    for id in range(1, 25):
        program.get(f"/{name}/{id}")


@pytest.mark.parametrize("name", NAMES)
def test_following_next_meets_every_record_once_and_following_previous_too(program, name):
    fill(named(name), 23)
    for first, word in (("?limit=7&sort=updated_at", "next"), (None, "previous")):
        url = f"{BASE}/{name}{first}" if first else urls(program.get(f"/{name}?limit=7&sort=updated_at"))["last"]
        seen = []
        while url:
            answer = program.get(url.removeprefix("http://localhost").removeprefix(BASE))
            seen += [one["id"] for one in answer.get_json()["data"]]
            url = answer.get_json()[word]
        assert sorted(seen) == list(range(1, 24))


def urls(response):
    """The links in the header, by their relation (RFC 8288)."""
    return {part.split('rel="')[1].rstrip('"'): part.split(">")[0].lstrip(" <") for part in response.headers["Link"].split(", ")}


def test_the_links_in_the_header_are_those_of_the_envelope_and_keep_what_was_asked(program, shop):
    fill(named("orders"), 30, start=10)
    answer = program.get("/orders?limit=10&id.gte=10&fields=number&sort=-total")
    links = urls(answer)
    assert links["next"] == answer.get_json()["next"]
    assert set(links) == {"first", "next", "last"}
    asked = parse_qs(urlsplit(links["next"]).query)
    assert {name: asked[name] for name in ("limit", "id.gte", "fields", "sort")} == {"limit": ["10"], "id.gte": ["10"], "fields": ["number"], "sort": ["-total"]}
    second = program.get(links["next"].removeprefix("http://localhost").removeprefix(BASE))
    assert urls(second)["prev"] == second.get_json()["previous"]


def test_a_program_can_ask_for_some_fields_only(program, shop):
    assert set(program.get("/orders/1?fields=number,customer").get_json()) == {"id", "version", "updated_at", "number", "customer"}
    assert set(program.get("/orders?fields=total").get_json()["data"][0]) == {"id", "version", "updated_at", "total"}
    assert program.get("/orders/1?fields=lines").get_json()["lines"] == []


@pytest.mark.parametrize("fields", ["nothing", "", "number,", "customer_id", "said", "*"])
def test_a_field_there_is_none_of_is_refused(program, shop, fields):
    for path in ("/orders", "/orders/1"):
        answer = program.get(f"{path}?fields={fields}")
        assert answer.status_code == 400
        assert answer.get_json()["errors"][0]["parameter"] == "fields"


def test_a_record_has_its_version_as_etag_and_is_not_sent_again(program, shop):
    answer = program.get("/orders/1")
    assert answer.headers["ETag"] == '"3"'
    again = program.get("/orders/1", If_None_Match='"3"')
    assert (again.status_code, again.data) == (304, b"")
    assert program.get("/orders/1", If_None_Match='"2"').status_code == 200


def test_what_a_role_may_not_read_is_not_there(app, token, shop):
    blind, seeing = Program(app, token("operator")), Program(app, token("manager"))
    assert "phone" not in blind.get("/orders/2").get_json()
    assert seeing.get("/orders/2").get_json()["phone"] == "+49 2"
    assert blind.get("/orders?fields=phone").status_code == 400
    assert blind.get("/orders?phone=x").status_code == 400
    assert blind.get("/orders?sort=phone").status_code == 400


PROBLEMS = [
    ("/orders?fields=number&fields=total", 400),
    ("/orders/99", 404), ("/orders/0", 404), ("/orders/9223372036854775807", 404), ("/orders/9223372036854775808", 404),
    ("/orders/x", 404), ("/orders/-1", 404), ("/nothing", 404), ("/orders/1/nothing", 404), ("/", 404), ("/orders/", 404), ("", 404),
    ("/orders?total.gte=x", 400), ("/orders?after=x", 400), ("/orders?limit=0", 400), ("/orders?limit=10&limit=20", 400), ("/orders?%00=1", 400),
    ("/orders?number.contains=%00", 400), ("/orders?number.contains=%ff%fe", 400), ("/orders?q=%ff", 400), ("/orders/1?field=number", 400),
]


@pytest.mark.alike
@pytest.mark.parametrize(("path", "status"), PROBLEMS)
def test_what_goes_wrong_is_a_problem_of_rfc_9457(program, shop, path, status):
    answer = program.get(path)
    assert answer.status_code == status
    if status >= 400:
        assert answer.mimetype == "application/problem+json"
        assert answer.get_json()["status"] == status
        assert answer.get_json()["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.alike("/orders")
@pytest.mark.parametrize("path", ["/orders", "/orders/1", "/orders?q=x", "/nothing", "/orders/1/restore"])
@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic YTpi", "Bearer br_00000000_" + "x" * 43])
def test_nobody_reads_without_a_token_that_is_valid(app, shop, path, header):
    answer = Program(app, None, {"Authorization": header} if header else {}).get(path)
    assert answer.status_code in ((401,) if header or path in ("/orders", "/orders/1", "/orders?q=x") else (401, 404, 405))
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_cookie_opens_nothing_here(sign_in, shop):
    assert sign_in("admin").get(f"{BASE}/orders").status_code == 401


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
def test_a_method_an_address_does_not_know_is_a_problem_that_names_those_it_does(program, method):
    answer = program.app.test_client().open(f"{BASE}/orders", method=method, headers={"Authorization": f"Bearer {program.token}"})
    assert answer.status_code == 405
    assert answer.mimetype == "application/problem+json"
    assert "GET" in answer.headers["Allow"]


def test_a_page_of_the_api_costs_at_most_six_statements_with_the_token_looked_up(program, shop):
    fill(named("orders"), 60, start=10)
    index("orders")
    program.get("/orders")
    for asked in ("", "?limit=200", "?sort=-total", "?q=ada", "?q=ada&sort=total", "?customer.name.contains=a"):
        with statements() as seen:
            program.get(f"/orders{asked}")
        assert len(seen) <= 6, [statement for statement, _ in seen]


def test_answers_say_that_they_differ_by_token_and_are_kept_by_no_cache(program, shop):
    for path in ("/orders", "/orders/1"):
        answer = program.get(path)
        assert "Authorization" in answer.headers["Vary"]
        assert answer.headers["Cache-Control"] == "no-store"
