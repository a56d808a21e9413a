"""Many records in one request, counts and sums, and requests that are sent again."""
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.access import ROLES
from app.audit import COMMAND_LINE
from app.extensions import db
from app.records import rates, replies
from app.records.openapi import document
from app.records.replies import Reply
from app.transaction import transaction
from tests.records import gate
from tests.records.api_client import BASE, Program
from tests.records.gate import act, customer, order
from tests.records.stock import put, statements


@pytest.fixture
def program(app, token):
    return Program(app, token("operator"))


@pytest.fixture
def shop(app):
    act(customer("ada@example.com", name="Ada"))
    act(*(order(f"ORD-{n}", customer="ada@example.com", status=status, total=total, currency=currency)
          for n, (status, total, currency) in enumerate([
              ("placed", "10.50", "EUR"), ("placed", "4.50", "EUR"), ("placed", "1000", "JPY"), ("draft", "-2.25", "EUR")])))


def counts(data):
    return [one["outcome"] for one in data.json["data"]]


def test_rows_are_created_and_changed_and_what_is_refused_refuses_nothing_else(program, shop):
    answer = program.post("/customers/bulk", {"data": [
        {"email": "bob@example.com", "name": "Bob"}, {"email": "ada@example.com", "name": "Ada"}, {"email": "ada@example.com", "name": "Eve"},
        {"email": "no address"}, {"name": "Nobody"}, {"email": "x@example.com", "shoe": 1, "name": 5}]})
    assert answer.status_code == 200
    assert counts(answer) == ["created", "unchanged", "updated", "invalid", "invalid", "invalid"]
    assert [one["pointer"] for one in answer.json["data"][5]["errors"]] == ["/shoe", "/name"]
    assert [one["pointer"] for one in answer.json["data"][3]["errors"]] == ["/email"]
    assert sorted(row["name"] for row in gate.rows("customers")) == ["Bob", "Eve"]


def test_a_row_that_is_no_object_is_refused_alone(program, shop):
    answer = program.post("/customers/bulk", {"data": [7, {"email": "bob@example.com"}, None, [], "x"]})
    assert (answer.status_code, counts(answer)) == (200, ["invalid", "created", "invalid", "invalid", "invalid"])
    assert [one["pointer"] for one in answer.json["data"][0]["errors"]] == [""]
    assert answer.json["data"][0]["errors"][0]["detail"].startswith("This is not an object.")


def test_a_preview_of_many_writes_nothing(program, shop):
    answer = program.post("/customers/bulk", {"data": [{"email": "bob@example.com"}]}, Prefer="handling=preview")
    assert (counts(answer), answer.headers["Preference-Applied"]) == (["created"], "handling=preview")
    assert len(gate.rows("customers")) == 1


def test_an_older_version_overwrites_nothing(program, shop):
    [ada] = gate.rows("customers")
    program.post("/customers/bulk", {"data": [{"id": ada["id"], "version": ada["version"], "name": "Eve"}]})
    answer = program.post("/customers/bulk", {"data": [{"id": ada["id"], "version": ada["version"], "name": "Late"}]})
    assert counts(answer) == ["conflict"]
    assert gate.rows("customers")[0]["name"] == "Eve"


@pytest.mark.parametrize("body", [[], {"data": {}}, {"rows": []}, {"data": [], "more": 1}])
def test_what_is_no_list_is_refused(program, body):
    assert program.post("/customers/bulk", body).status_code == 422


def test_a_thousand_rows_fit_and_one_more_does_not(program):
    rows = [{"email": f"c{n}@example.com"} for n in range(1001)]
    assert program.post("/customers/bulk", {"data": rows}).status_code == 413
    assert counts(program.post("/customers/bulk", {"data": rows[:1000]})) == ["created"] * 1000


def test_it_takes_the_right_to_create_and_to_edit(app, user, token, monkeypatch):
    assert Program(app, token("viewer")).post("/customers/bulk", {"data": []}).status_code == 403
    monkeypatch.setitem(ROLES, "creator", ("*.read", "*.create"))
    assert Program(app, token("creator")).post("/customers/bulk", {"data": []}).status_code == 403


def test_counts_and_sums_by_group(program, shop):
    assert program.get("/orders/summary?group=status&sum=total").json == {"capped": False, "data": [
        {"status": "placed", "currency": "EUR", "count": 2, "sum": {"total": "15.00"}},
        {"status": "draft", "currency": "EUR", "count": 1, "sum": {"total": "-2.25"}},
        {"status": "placed", "currency": "JPY", "count": 1, "sum": {"total": "1000"}}]}
    assert program.get("/orders/summary?status=draft").json == {"capped": False, "data": [{"count": 1, "sum": {}}]}
    assert program.get("/orders/summary?status=lost").status_code == 400
    assert program.get("/orders/summary?q=ORD-1&sum=weight").json["data"] == [{"count": 1, "sum": {"weight": 0}}]
    assert program.get("/orders/summary?city=Nowhere").json["data"] == [{"count": 0, "sum": {}}]


@pytest.mark.parametrize(("query", "part"), [
    ("group=shoe", "There is no 'shoe' to group by"), ("sum=status", "There is no 'status' to sum by"), ("group=total", "to group by"),
    ("shoe=1", "no field shoe"), ("group=status&group=city", "more than once"), ("sum=total&sum=weight", "more than once")])
def test_what_cannot_be_summed_up_is_refused(program, query, part):
    answer = program.get(f"/orders/summary?{query}")
    assert answer.status_code == 400
    assert part in answer.json["errors"][0]["detail"]


def test_a_summary_says_all_that_is_wrong_at_once(program):
    wrong = program.get("/orders/summary?group=nope&sum=city&sort=id&shoe=1").json["errors"]
    assert {one["parameter"] for one in wrong} == {"group", "sum", "sort", "shoe"}


def test_sums_beyond_what_a_database_keeps_are_right(program):
    act(*(order(f"ORD-{n}", total="90000000000000000", currency="EUR") for n in range(3)))
    assert program.get("/orders/summary?sum=total").json["data"][0]["sum"] == {"total": "270000000000000000.00"}


def test_a_summary_counts_only_what_its_reader_may_see(app, token, shop):
    narrow = Program(app, token("operator", email="narrow@example.com", scopes={"orders": "status=draft"}))
    assert narrow.get("/orders/summary?group=status").get_json()["data"] == [{"status": "draft", "count": 1, "sum": {}}]


def test_the_same_key_gets_the_same_answer_and_does_nothing_again(program):
    first = program.post("/customers", {"email": "bob@example.com"}, Idempotency_Key="a-1")
    program.patch(f"/customers/{first.json['id']}", {"name": "Bob"}, tag=1)
    again = program.post("/customers", {"email": "bob@example.com"}, Idempotency_Key='"a-1"')
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json, again.headers["ETag"], again.headers["Location"]) == (first.json, first.headers["ETag"], first.headers["Location"])
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(gate.rows("customers")) == 1


def test_a_restore_sent_again_is_answered_again_though_the_version_is_gone(program):
    made = program.post("/customers", {"email": "bob@example.com"})
    gone = program.delete(f"/customers/{made.json['id']}", tag=1)
    path = f"/customers/{made.json['id']}/restore"
    first = program.send("POST", path, tag=gone.json["version"], headers={"Idempotency-Key": "r"})
    again = program.send("POST", path, tag=gone.json["version"], headers={"Idempotency-Key": "r"})
    assert (first.status_code, again.status_code, again.json) == (200, 200, first.json)


def test_a_key_means_one_request(program):
    program.post("/customers", {"email": "bob@example.com"}, Idempotency_Key="a-1")
    for path, body in (("/customers", {"email": "eve@example.com"}), ("/products", {"sku": "TEA"})):
        answer = program.post(path, body, Idempotency_Key="a-1")
        assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (422, "Idempotency-Key")
    assert len(gate.rows("customers")) == 1


def test_another_programs_key_is_another_key(app, token, program):
    other = Program(app, token("operator", email="other@example.com"))
    program.post("/customers", {"email": "bob@example.com"}, Idempotency_Key="a-1")
    assert other.post("/customers", {"email": "eve@example.com"}, Idempotency_Key="a-1").status_code == 201


def test_a_refused_request_may_be_sent_again_with_its_key(program):
    wanted = {"number": "1", "customer": "bob@example.com", "status": "placed", "total": "1.00"}
    assert program.post("/orders", wanted, Idempotency_Key="k").status_code == 422
    program.post("/customers", {"email": "bob@example.com"})
    assert program.post("/orders", wanted, Idempotency_Key="k").status_code == 201


@pytest.mark.parametrize("key", ["", '""', "a b", "x" * 256, "é"])
def test_a_key_that_cannot_be_read_is_refused(program, key):
    answer = program.post("/customers", {"email": "bob@example.com"}, Idempotency_Key=key)
    assert answer.status_code == 400
    assert gate.rows("customers") == []


def test_sent_eight_times_at_once_it_is_done_once(app, token):
    bearer = {"Authorization": f"Bearer {token('operator')}", "Idempotency-Key": "at-once", "Content-Type": "application/json"}

    def send(_):
        response = app.test_client().post(f"{BASE}/customers", data=json.dumps({"email": "bob@example.com"}), headers=bearer)
        return response.status_code, response.text

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(8)))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 201


def test_a_crash_before_the_commit_leaves_neither_record_nor_answer(program, monkeypatch):
    def crash(*_):
        raise SystemExit("killed")

    monkeypatch.setattr(replies, "_keep", crash)
    with pytest.raises(SystemExit):
        program.post("/customers", {"email": "bob@example.com"}, Idempotency_Key="c")
    monkeypatch.undo()
    db.session.rollback()
    assert gate.rows("customers") == []
    assert program.post("/customers", {"email": "bob@example.com"}, Idempotency_Key="c").status_code == 201


def test_answers_are_kept_for_a_day(program):
    program.post("/customers", {"email": "bob@example.com"}, Idempotency_Key="old")
    with transaction() as session:
        assert replies.forget_old(session) == 0
        session.execute(sa.update(Reply).values(created_at=datetime.now(UTC) - timedelta(hours=25)))
        assert replies.forget_old(session) == 1


def test_every_answer_says_how_many_more_there_may_be_and_one_too_many_waits(program):
    with transaction() as session:
        rates.RATE.set(session, 10, by=COMMAND_LINE)
    answers = [program.get(path) for path in ["/customers", "/orders", "/customers/summary"] * 3 + ["/customers"] * 2]
    assert [one.headers["RateLimit-Remaining"] for one in answers] == ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0", "0"]
    assert [one.status_code for one in answers] == [200] * 10 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61
    assert answers[-1].json["request_id"] == answers[-1].headers["X-Request-Id"]


def test_one_programs_requests_are_not_anothers(app, token, program):
    with transaction() as session:
        rates.RATE.set(session, 10, by=COMMAND_LINE)
    for _ in range(11):
        program.get("/customers")
    assert Program(app, token("operator", email="other@example.com")).get("/customers").status_code == 200


def test_the_reference_shows_every_address_to_whoever_signed_in(sign_in, client):
    assert client.get("/api/docs").headers["Location"] == "/reference"
    page = sign_in("viewer").get("/reference").text
    for path, item in document()["paths"].items():
        for verb in item.keys() & {"get", "post", "patch", "put", "delete"} - ({"get"} if path == "/openapi.json" else set()):
            assert f"{verb.upper()} /api/v1{path}" in page
    assert "If-Match" in page
    assert ".gte" in page


ADA, BOB = ({"id": n, "key": f"{name}@example.com", "label": name.title()} for n, name in ((1, "ada"), (2, "bob")))


@pytest.fixture
def two(app):
    put("customers", {"id": 1, "email": "ada@example.com", "name": "Ada"}, {"id": 2, "email": "bob@example.com", "name": "Bob"})
    put("products", {"id": 1, "sku": "TEA", "name": "Tea", "price_minor": 100, "currency": "EUR"})
    put("orders", {"id": 1, "number": "ORD-1", "status": "placed", "currency": "EUR", "customer_id": 1},
        {"id": 2, "number": "ORD-2", "status": "placed", "currency": "EUR", "customer_ref": "external_id@stripe=cus_9"})


def told(result, field):
    return next((one["old"], one["new"]) for one in result["changes"] if one["field"] == field)


def test_references_read_the_same_in_previews_and_results_as_anywhere(program, two):
    rows = [{"number": "ORD-1", "customer": 2, "lines": [{"product": "TEA", "quantity": 2}]}, {"number": "ORD-2", "customer": "ada@example.com"},
            {"number": "ORD-3", "customer": "ada@example.com", "total": "5.00"}]
    line = {"product": {"id": 1, "key": "TEA", "label": "Tea"}, "quantity": 2, "unit_price": None}

    preview = program.post("/orders/bulk", {"data": rows}, Prefer="handling=preview").json["data"]
    done = program.post("/orders/bulk", {"data": rows}).json["data"]

    for one in (preview, done):
        assert told(one[0], "customer") == (ADA, BOB)
        assert told(one[0], "lines") == ([], [line])
        assert told(one[1], "customer") == ({"id": None, "key": "cus_9", "label": "cus_9"}, ADA)
        assert [change["field"] for change in one[1]["changes"]] == ["customer"], "a reference is one field, whatever it is kept in"
        assert told(one[2], "customer") == (None, ADA)
        assert told(one[2], "total") == (None, "5.00")


def test_references_of_many_rows_are_read_at_once(program, two):
    def cost(count):
        rows = [{"number": f"NEW-{count}-{n}", "customer": 1 + n % 2, "lines": [{"product": "TEA"}]} for n in range(count)]
        with statements() as seen:
            program.post("/orders/bulk", {"data": rows}, Prefer="handling=preview")
        return len(seen)
    cost(1)     # the first use of a token is written down
    assert cost(2) == cost(200)


def test_all_that_is_wrong_with_a_row_is_said_at_once(program, two):
    rows = [{"number": "ORD-1", "customer": 99, "weight": "heavy", "total": "much", "shoe": 1},
            {"number": 5, "customer": "nobody@example.com", "weight": 5},
            {"number": "ORD-9", "weight": [], "version": "old"},
            {"id": "x", "total": "much"}, {"id": 77, "weight": "heavy"}, {"note": 5}]

    for headers in ({}, {"Prefer": "handling=preview"}):
        said = [{error["pointer"] for error in one["errors"]} for one in program.post("/orders/bulk", {"data": rows}, **headers).json["data"]]
        assert said == [{"/customer", "/weight", "/total", "/shoe"}, {"/number", "/customer"}, {"/weight", "/version", "/total"},
                        {"/id", "/total"}, {"/id", "/weight"}, {"/note", ""}]


def test_a_row_that_is_amiss_is_judged_after_those_before_it_and_writes_nothing(program, two):
    answer = program.post("/customers/bulk", {"data": [
        {"email": "new@example.com", "name": "New"}, {"email": "new@example.com", "name": 5, "country": "Germany"}, {"email": "ada@example.com", "name": "Eve"}]})

    assert counts(answer) == ["created", "invalid", "updated"]
    assert {error["pointer"] for error in answer.json["data"][1]["errors"]} == {"/name", "/country"}
    assert sorted(row["name"] for row in gate.rows("customers")) == ["Bob", "Eve", "New"]
