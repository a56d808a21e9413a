"""What was said of a person elsewhere is erased too: calls to providers and kept answers of the API, and nobody else's."""
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert, select

from app.audit import COMMAND_LINE
from app.care import erase, spoken
from app.care.mention import Mention
from app.cli.privacy import Here
from app.extensions import db
from app.fakes import stripe
from app.integrations import connections
from app.integrations.connections import Wanted
from app.integrations.models import Call
from app.records.replies import Reply
from app.transaction import transaction
from tests.records.api_client import Program
from tests.records.stock import put

ADA = "ada@lovelace.example"
KEY = {"Idempotency-Key": "k" * 16}


@pytest.fixture
def ada(app) -> int:
    """A customer with an order."""
    put("customers", {"id": 1, "email": ADA, "name": "Ada Lovelace"}, {"id": 2, "email": "nada@lovelace.example"})
    put("orders", {"id": 7, "number": "O-7", "customer_id": 1, "total_minor": 100, "currency": "EUR"})
    return 1


@pytest.fixture
def called(app):
    """Write a call down; returns its id."""
    connection = connections.add("stripe", Wanted("Stripe EU", "", {"api_key": stripe.KEY}, is_sandbox=True), by=COMMAND_LINE)

    def make(**values: Any) -> int:
        with transaction() as session:
            return session.execute(insert(Call).returning(Call.id), {
                "connection_id": connection, "provider": "stripe", "operation": "o", "op": "customers.show", "method": "GET",
                "url": "https://api.stripe.com/v1/customers", "attempt": 1, "ms": 5, "request": "", "reply": "{}", "is_sent": True,
                "at": datetime.now(UTC), **values}).scalar_one()
    return make


def kept(id: int) -> tuple[str, str, str, str | None]:
    db.session.rollback()
    return tuple(db.session.execute(select(Call.url, Call.request, Call.reply, Call.said).where(Call.id == id)).one())  # type: ignore[return-value]


def test_calls_about_them_and_calls_that_mention_them_say_nothing_more(ada, called):
    by_record = called(resource="orders", record_id=7, reply='{"name": "Ada Lovelace"}', said="No such Ada")
    by_words = called(url=f"https://api.example/v1/customers?email={ADA.replace('@', '%40')}", request=f"email={ADA}")
    others = called(resource="customers", record_id=2, reply='{"email": "nada@lovelace.example"}', said="n")

    did = erase.erase(Here(), ada, by=COMMAND_LINE)

    assert (did["calls"], erase.erase(Here(), ada, by=COMMAND_LINE)["calls"]) == (2, 0)
    assert kept(by_record) == ("https://api.stripe.com/v1/customers", "Erased.", "Erased.", "Erased.")
    assert kept(by_words) == ("Erased.", "Erased.", "Erased.", None)
    assert kept(others) == ("https://api.stripe.com/v1/customers", "", '{"email": "nada@lovelace.example"}', "n")


def test_a_kept_answer_loses_its_words_and_its_key_still_repeats_nothing(app, ada, token):
    program = Program(app, token())
    body = {"number": "O-8", "customer": ADA, "total": "1.00", "currency": "EUR", "status": "placed"}
    assert program.post("/orders", body, **KEY).status_code == 201

    assert erase.erase(Here(), ada, by=COMMAND_LINE)["replies"] == 1

    again = program.post("/orders", body, **KEY)
    assert (again.status_code, again.get_json()["title"]) == (409, "This was done already")
    assert program.post("/orders", {**body, "number": "O-9"}, **KEY).status_code == 422, "another request with its key"
    assert db.session.scalars(select(Reply.body)).one() == ""
    assert sorted(order["number"] for order in program.get("/orders").get_json()["data"]) == ["O-7", "O-8"]


def test_many_calls_are_read_some_at_a_time(ada, called, monkeypatch):
    monkeypatch.setattr(spoken, "A_TIME", 2)
    ids = [called(request=f"email={ADA}") for _ in range(5)]

    assert erase.erase(Here(), ada, by=COMMAND_LINE)["calls"] == 5
    assert {kept(id)[1] for id in ids} == {"Erased."}


@pytest.mark.parametrize(("text", "found"), [
    ("ada@x.org", True), ('{"email":"ADA@X.ORG"}', True), ("nada@x.org", False), ("ada@x.organic", False), ("hello\\nada@x.org", True),
    ("\\u00e4ada@x.org", True), ("email=ada%40x.org", True), ("a=%20ada@x.org", True), ("<ada@x.org>", True), ("1718123456", False),
    ("id:171812,", True), ("x171812", False), ("", False), (None, False), (b"\xffada@x.org\xff", True)])
def test_a_word_is_found_where_it_stands_by_itself(text, found):
    assert Mention(["Ada@x.org", "171812"]).stands_in(text) is found
