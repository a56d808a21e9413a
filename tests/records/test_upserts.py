"""Many rows at once, each found by what names it, ending as if sent one after the other."""
from typing import Any

import pytest
from sqlalchemy import select

from app.access import ROLES
from app.audit import COMMAND_LINE, Actor
from app.errors import TooLarge
from app.extensions import db
from app.records.changes import Door, Outcome, Source
from app.records.registry import named
from app.records.upserts import plan, upsert
from app.records.values import Reading
from app.transaction import transaction
from tests.records.stock import put


def sent(resource: str, *rows: dict[str, Any], by: Actor = COMMAND_LINE) -> list[Outcome]:
    with transaction() as session:
        return upsert(session, resource, rows, Source(Door.API, by, reading=Reading()))


def kinds(outcomes: list[Outcome]) -> list[str]:
    return [one.kind for one in outcomes]


def values(resource: str, *columns: str) -> list[tuple[Any, ...]]:
    db.session.rollback()
    table = named(resource).table
    return [tuple(row) for row in db.session.execute(select(*(table.c[name] for name in columns)).order_by(table.c.id))]


def test_rows_are_found_by_id_by_key_or_by_the_id_outside(app):
    put("customers", {"id": 1, "email": "a@example.com", "name": "A"}, {"id": 2, "email": "b@example.com", "name": "B"},
        {"id": 3, "email": "c@example.com", "name": "C", "external_id": "x1", "account": "shop"})

    found = sent("customers", {"id": 1, "name": "A2"}, {"email": "b@example.com", "name": "B2"},
                 {"external_id": "x1", "account": "shop", "name": "C2"}, {"email": "d@example.com", "name": "D"})

    assert kinds(found) == ["updated", "updated", "updated", "created"]
    assert values("customers", "email", "name") == [
        ("a@example.com", "A2"), ("b@example.com", "B2"), ("c@example.com", "C2"), ("d@example.com", "D")]


def test_a_resource_whose_key_is_the_id_outside_is_found_by_it_with_and_without_an_account(app):
    put("payments", {"id": 1, "external_id": "p1", "account": "stripe", "amount_minor": 100, "currency": "EUR", "status": "paid"})

    found = sent("payments", {"external_id": "p1", "account": "stripe", "currency": "EUR"},
                 {"external_id": "p2", "amount": "5.00", "currency": "EUR"})

    assert kinds(found) == ["unchanged", "created"]


def test_a_record_that_comes_twice_is_created_then_changed(app):
    found = sent("customers", {"email": "a@example.com", "name": "first"}, {"email": "A@Example.com", "name": "second"},
                 {"email": "a@example.com", "name": "second"})

    assert kinds(found) == ["created", "updated", "unchanged"]
    assert [one.version for one in found] == [1, 2, 2]
    assert len({one.id for one in found}) == 1
    assert values("customers", "name", "version") == [("second", 2)]


def test_a_refused_row_refuses_no_other_and_says_why_at_its_place(app):
    found = sent("customers", {"email": "not an address"}, {"email": "a@example.com", "shoe": 1}, {"name": "nobody"},
                 {"id": 99, "name": "x"}, {"email": "b@example.com", "version": "1"}, {"email": "ok@example.com"})

    assert kinds(found) == ["invalid", "invalid", "invalid", "missing", "invalid", "created"]
    assert [next(iter(one.errors), None) for one in found] == ["email", "shoe", "", "id", "version", None]
    assert values("customers", "email") == [("ok@example.com",)]


def test_a_plan_says_the_same_and_writes_nothing(app):
    rows = [{"email": "a@example.com"}, {"email": "a@example.com", "name": "A"}, {"name": "nobody"}]

    found = plan(db.session(), "customers", rows, Source(Door.API, COMMAND_LINE))

    assert (kinds(found), values("customers", "id")) == (["created", "updated", "invalid"], [])
    assert kinds(sent("customers", *rows)) == kinds(found)


def test_a_version_gone_by_is_a_conflict(app):
    put("customers", {"id": 1, "email": "a@example.com", "name": "A", "version": 3})

    found = sent("customers", {"email": "a@example.com", "name": "B", "version": 2})

    assert (kinds(found), values("customers", "name")) == (["conflict"], [("A",)])


def test_rows_out_of_ones_scope_are_not_reached_by_id_key_or_outside_id(app):
    put("customers", {"id": 1, "email": "a@example.com", "name": "A", "country": "DE", "external_id": "x1", "account": "shop"})
    narrow = Actor("token", "t", 1, ROLES["manager"], {"customers": "country=FR"})

    found = sent("customers", {"id": 1, "name": "X"}, {"email": "a@example.com", "name": "X"},
                 {"external_id": "x1", "account": "shop", "name": "X"}, by=narrow)

    assert kinds(found) == ["missing", "forbidden", "forbidden"]
    assert values("customers", "name", "version") == [("A", 1)]


def test_who_may_not_create_only_changes(app):
    put("customers", {"id": 1, "email": "a@example.com", "name": "A"})
    editor = Actor("token", "t", 1, ("*.read", "*.edit"))

    assert kinds(sent("customers", {"email": "a@example.com", "name": "B"}, {"email": "b@example.com"}, by=editor)) == ["updated", "forbidden"]


def test_more_than_a_thousand_rows_are_too_many(app):
    with pytest.raises(TooLarge):
        sent("customers", *({"email": f"c{number}@example.com"} for number in range(1_001)))
    assert kinds(sent("customers", *({"email": f"c{number}@example.com"} for number in range(1_000)))) == ["created"] * 1_000
