"""Writing through the API: through the gate, never over a change one has not seen, and every refusal at its place."""
import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from app.access import ROLES
from app.audit import COMMAND_LINE, Audit
from app.config import config
from app.extensions import db
from app.records.registry import named
from app.transaction import transaction
from app.webhooks import endpoints
from tests.records.api_client import BASE, Program
from tests.records.stock import NAMES, put


@pytest.fixture
def program(app, token):
    return Program(app, token("admin"))


@pytest.fixture
def shop(app):
    put("customers", {"id": 1, "email": "ada@acme.example", "name": "Ada"}, {"id": 2, "email": "bob@acme.example", "external_id": "cus_2", "account": "stripe"})
    put("products", {"id": 1, "sku": "TEA", "name": "Tea", "price_minor": 100, "currency": "EUR"})
    put("orders", {"id": 1, "number": "ORD-1", "customer_id": 1, "status": "draft", "payment_status": "pending", "total_minor": 1250, "currency": "EUR", "note": "old"})


def pointers(answer):
    return {error["pointer"]: error["detail"] for error in answer.get_json()["errors"]}


NEW = {"number": "ORD-9", "customer": 1, "status": "draft", "total": "99.90", "currency": "EUR", "placed_at": "2026-05-31T12:00:00+02:00", "weight": 250,
       "lines": [{"product": {"sku": "TEA"}, "quantity": 2, "unit_price": "1.00"}]}


def test_a_record_is_made_and_can_be_read_where_the_answer_says(program, shop):
    answer = program.post("/orders", NEW)
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    again = program.get(answer.headers["Location"].removeprefix(f"http://localhost{BASE}"))
    assert again.get_json() == answer.get_json()
    made = answer.get_json()
    assert (made["total"], made["placed_at"], made["customer"]["key"]) == ("99.90", "2026-05-31T10:00:00Z", "ada@acme.example")
    assert made["lines"] == [{"product": {"id": 1, "key": "TEA", "label": "Tea"}, "quantity": 2, "unit_price": "1.00"}]


def test_a_change_names_who_made_it_and_through_which_door(program, shop):
    answer = program.patch("/orders/1", {"note": "new"}, 1)
    row = db.session.execute(select(Audit).where(Audit.resource == "orders", Audit.record_id == 1)).scalar_one()
    assert (row.door, row.actor_kind, row.action, row.version) == ("api", "token", "updated", 2)
    assert row.request_id == answer.headers["X-Request-Id"]
    assert json.loads(row.diff) == {"note": ["old", "new"]}


def test_a_patch_changes_what_it_names_and_nothing_else(program, shop):
    before = program.get("/orders/1").get_json()
    answer = program.patch("/orders/1", {"note": None, "weight": 5}, 1)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    changed = {"note": None, "weight": 5, "version": 2, "updated_at": answer.get_json()["updated_at"]}
    assert answer.get_json() == before | changed


def test_a_put_empties_what_it_does_not_name(program, shop):
    answer = program.put("/orders/1", {"number": "ORD-1", "status": "draft", "payment_status": "pending", "total": "12.50", "currency": "EUR"}, 1)
    assert answer.status_code == 200
    assert (answer.get_json()["note"], answer.get_json()["customer"], answer.get_json()["total"]) == (None, None, "12.50")
    refused = program.put("/orders/1", {"note": "x"}, 2)
    assert refused.status_code == 422
    assert {"/number", "/total"} <= set(pointers(refused))


def test_a_put_takes_the_defaults_a_post_takes(program, shop):
    sent = {"number": "ORD-1", "total": "12.50"}
    program.patch("/orders/1", {"currency": "USD"}, 1)

    answer = program.put("/orders/1", sent, 2)

    assert answer.status_code == 200, answer.get_json()
    made = program.post("/orders", {**sent, "number": "ORD-2"}).get_json()
    differs = ("id", "number", "version", "created_at", "updated_at")
    assert {name: value for name, value in answer.get_json().items() if name not in differs} == {
        name: value for name, value in made.items() if name not in differs}
    assert made["currency"] == config().currency


def test_a_put_leaves_what_a_live_provider_keeps(program, app, live):
    put("payments", {"id": 1, "external_id": "p1", "account": "stripe", "amount_minor": 100, "currency": "EUR", "status": "paid"})
    answer = program.put("/payments/1", {}, 1)
    assert answer.status_code == 200, answer.get_json()
    assert (answer.get_json()["status"], answer.get_json()["amount"], answer.get_json()["version"]) == ("paid", "1.00", 1)


def test_an_emptied_currency_is_one_error_and_of_a_new_record_none(program, shop):
    for answer in (program.patch("/orders/1", {"currency": None, "total": "5.00", "lines": [{"product": 1, "unit_price": "1"}]}, 1),
                   program.put("/orders/1", {"number": "ORD-1", "currency": None, "total": "5.00"}, 1)):
        assert answer.get_json()["errors"] == [{"pointer": "/currency", "detail": "This is missing. Fill it in."}]
    assert program.post("/orders", {"number": "ORD-2", "currency": None, "total": "5.00"}).get_json()["total"] == "5.00"


def test_a_record_read_and_sent_back_as_it_came_is_unchanged(program, shop):
    made = program.post("/orders", NEW).get_json()
    body = {name: value for name, value in made.items() if name not in ("id", "version", "created_at", "updated_at", "trashed_at", "account")}
    answer = program.put(f"/orders/{made['id']}", body, 1)
    assert (answer.status_code, answer.get_json()) == (200, made)


@pytest.mark.parametrize("sent", [1, {"id": 1}, "ada@acme.example", {"email": "ADA@acme.example"}, {"id": 1, "key": "whatever", "label": "x"}])
def test_a_reference_is_written_by_id_or_by_what_names_it(program, shop, sent):
    program.patch("/orders/1", {"customer": None}, 1)
    answer = program.patch("/orders/1", {"customer": sent}, 2)
    assert answer.get_json()["customer"]["id"] == 1


def test_a_reference_is_written_by_the_id_of_a_provider_within_its_account(program, shop):
    answer = program.patch("/orders/1", {"customer": {"external_id": "cus_2", "account": "stripe"}}, 1)
    assert answer.get_json()["customer"]["key"] == "bob@acme.example"


def test_a_reference_can_be_emptied(program, shop):
    assert program.patch("/orders/1", {"customer": None}, 1).get_json()["customer"] is None


@pytest.mark.parametrize(("total", "kept"), [("12.5", "12.50"), (12.5, "12.50"), (7, "7.00"), ("0.1", "0.10"), (0.07, "0.07"), ("90071992547409.93", "90071992547409.93")])
def test_amounts_keep_every_digit_as_text_or_as_a_number(program, shop, total, kept):
    assert program.patch("/orders/1", {"total": total}, 1).get_json()["total"] == kept


def test_a_number_keeps_the_digits_a_float_would_lose(program, shop):
    answer = program.patch("/orders/1", b'{"total": 90071992547409.93, "weight": 9007199254740993}', 1)
    assert (answer.get_json()["total"], answer.get_json()["weight"]) == ("90071992547409.93", 9007199254740993)


# -- versions

@pytest.mark.parametrize("header", [None, "", "*"])
def test_who_does_not_say_what_they_have_seen_changes_nothing(program, shop, header):
    for send in (lambda: program.patch("/orders/1", {"note": "x"}, header), lambda: program.put("/orders/1", NEW, header),
                 lambda: program.delete("/orders/1", header), lambda: program.send("POST", "/orders/1/restore", tag=header)):
        assert send().status_code == 428
    assert program.get("/orders/1").get_json()["version"] == 1


def test_a_star_is_refused_with_what_to_send_instead(program, shop):
    detail = program.patch("/orders/1", {"note": "x"}, "*").get_json()["detail"]
    assert "would write over whatever somebody else has saved" in detail
    assert 'send the ETag it has then, like If-Match: "7"' in detail


@pytest.mark.parametrize("header", ["1", '"1', "\"1'", '"1" "2"', '"1",', ",", 'w/"1"', "{}"])
def test_what_is_no_etag_is_not_taken_for_one(program, shop, header):
    answer = program.patch("/orders/1", {"note": "x"}, header)
    assert answer.status_code == 400
    assert answer.get_json()["errors"][0]["parameter"] == "If-Match"


@pytest.mark.parametrize("header", ['"2"', '"0"', 'W/"1"', '"x"', '""', '"2", "3"', '"01"'])
def test_who_has_seen_another_version_changes_nothing(program, shop, header):
    assert program.patch("/orders/1", {"note": "x"}, header).status_code == 412
    assert program.get("/orders/1").get_json()["note"] == "old"


def test_a_weak_etag_is_called_weak(program, shop):
    answer = program.patch("/orders/1", {"note": "x"}, 'W/"1"')
    assert (answer.status_code, answer.get_json()["title"]) == (412, "This ETag is weak")
    assert "as it was given" in answer.get_json()["detail"]


def test_the_right_version_may_stand_among_others(program, shop):
    assert program.patch("/orders/1", {"note": "x"}, '"0", "1" , W/"2"').status_code == 200


def test_of_two_who_saw_the_same_version_one_wins_and_the_other_is_told(program, shop):
    assert program.patch("/orders/1", {"note": "first"}, 1).status_code == 200
    assert program.patch("/orders/1", {"note": "second"}, 1).status_code == 412
    assert program.get("/orders/1").get_json()["note"] == "first"


# -- trash

def test_a_record_goes_to_the_trash_and_comes_back(program, shop):
    gone = program.delete("/orders/1", 1)
    assert gone.status_code == 200
    assert gone.get_json()["trashed_at"] is not None
    assert program.get("/orders").get_json()["data"] == []
    assert [one["id"] for one in program.get("/orders?trashed=only").get_json()["data"]] == [1]
    back = program.send("POST", "/orders/1/restore", tag=2)
    assert (back.status_code, back.get_json()["trashed_at"], back.get_json()["version"]) == (200, None, 3)
    assert [row.action for row in db.session.scalars(select(Audit).where(Audit.resource == "orders").order_by(Audit.id))] == ["trashed", "restored"]


# -- previews

@pytest.mark.parametrize("header", ["handling=preview", 'respond-async, handling="preview"', "Handling = Preview"])
def test_a_preview_says_what_would_happen_and_does_nothing(program, shop, header):
    answer = program.patch("/orders/1", {"note": "new", "total": "20"}, 1, Prefer=header)
    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == "handling=preview"
    assert answer.get_json() == {"outcome": "updated", "id": 1, "version": 2, "errors": [],
                                 "changes": [{"field": "note", "old": "old", "new": "new"}, {"field": "total", "old": "12.50", "new": "20.00"}]}
    assert program.get("/orders/1").get_json()["note"] == "old"


def test_a_preview_says_what_would_be_wrong(program, shop):
    answer = program.post("/orders", {**NEW, "number": "ORD-1", "customer": 99}, Prefer="handling=preview")
    assert answer.status_code == 200
    assert answer.get_json()["outcome"] == "invalid"
    assert {error["pointer"] for error in answer.get_json()["errors"]} >= {"/customer"}
    assert db.session.execute(select(func.count()).select_from(named("orders").table)).scalar() == 1


def test_a_preview_of_every_kind_of_write_is_described(program, shop):
    preview = {"Prefer": "handling=preview"}
    assert program.post("/orders", NEW, **preview).get_json()["outcome"] == "created"
    assert program.put("/orders/1", NEW, 1, **preview).get_json()["outcome"] == "updated"
    assert program.delete("/orders/1", 1, **preview).get_json()["outcome"] == "updated"
    assert program.patch("/orders/1", {"note": "old"}, 1, **preview).get_json()["outcome"] == "unchanged"
    assert program.get("/orders/1").get_json()["version"] == 1


# -- rights

VERBS = {"create": lambda program: program.post("/orders", NEW), "edit": lambda program: program.patch("/orders/1", {"note": "x"}, 1),
         "trash": lambda program: program.delete("/orders/1", 1), "restore": lambda program: program.send("POST", "/orders/1/restore", tag=1)}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("verb", VERBS)
def test_a_role_does_what_it_may_and_nothing_else(app, token, shop, role, verb):
    answer = VERBS[verb](Program(app, token(role)))
    assert (answer.status_code < 300) == (role != "viewer"), answer.get_json()
    if role == "viewer":
        assert answer.status_code == 403


def test_nobody_writes_without_a_token(app, shop, sign_in):
    for send in VERBS.values():
        assert send(Program(app, None)).status_code == 401
    assert sign_in("admin").post(f"{BASE}/orders", json=NEW).status_code == 401


def test_a_field_one_may_not_read_cannot_be_written(app, token, shop):
    answer = Program(app, token("operator")).patch("/orders/1", {"phone": "+49"}, 1)
    assert answer.status_code == 422
    assert pointers(answer)["/phone"].startswith("There is no such field")
    assert Program(app, token("manager")).patch("/orders/1", {"phone": "+49"}, 1).status_code == 200


def test_a_status_moves_only_along_its_life(program, shop):
    answer = program.patch("/orders/1", {"status": "delivered"}, 1)
    assert answer.status_code == 422
    assert "/status" in pointers(answer)


def test_what_a_provider_keeps_is_left_to_it(app, program, shop):
    endpoints.add("stripe", "Shop", ["whsec_tests_only_0123456789"], by=COMMAND_LINE)
    with transaction() as session:
        session.execute(named("orders").table.update().values(account="stripe", external_id="o_1"))
    answer = program.patch("/orders/1", {"total": "1.00"}, 1)
    assert answer.status_code in (403, 422)
    assert "/total" in pointers(answer)
    assert program.patch("/orders/1", {"note": "still ours"}, 1).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_every_record_type_can_be_made_changed_trashed_and_restored(program, shop, name):
    answer = program.post(f"/{name}", FIRST[name])
    assert answer.status_code == 201, answer.get_json()
    path = f"/{name}/{answer.get_json()['id']}"
    field, value = CHANGED[name]
    assert program.patch(path, {field: value}, 1).get_json()[field] == value
    assert program.delete(path, 2).status_code == 200
    assert program.send("POST", f"{path}/restore", tag=3).get_json()["version"] == 4


FIRST = {
    "customers": {"email": "new@acme.example"}, "products": {"sku": "NEW", "name": "New", "price": "5"}, "orders": {"number": "NEW", "total": "1"},
    "payments": {"external_id": "pay_1", "amount": "5.00"}, "subscriptions": {"external_id": "sub_1", "amount": "5.00", "renews_at": "2026-12-31"},
    "deliveries": {"tracking_number": "T1", "order": {"number": "ORD-1"}}}
CHANGED = {"customers": ("company", "Acme"), "products": ("is_active", False), "orders": ("city", "Rome"), "payments": ("method", "card"),
           "subscriptions": ("renews_at", "2027-01-31"), "deliveries": ("carrier", "DHL")}


def test_the_time_of_a_change_is_now(program, shop):
    before = datetime.now(UTC)
    changed = datetime.fromisoformat(program.patch("/orders/1", {"note": "x"}, 1).get_json()["updated_at"])
    assert before <= changed <= datetime.now(UTC)
