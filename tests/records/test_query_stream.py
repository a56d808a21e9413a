"""Reading a whole list for an export: one moment, any length, the memory of one chunk."""
import tracemalloc
from datetime import UTC, datetime
from typing import cast

import pytest
from sqlalchemy import QueuePool, delete, insert, update

from app.audit import SYSTEM, Actor
from app.extensions import db
from app.records import query
from app.records.registry import named
from app.transaction import transaction
from tests.records.stock import MIDNIGHT, NAMES, ask, fill, line_table, put, sorts, statements


@pytest.mark.alike("orders")
@pytest.mark.parametrize("name", NAMES)
def test_a_stream_is_the_whole_list_in_its_order_whatever_the_chunk(app, name):
    fill(named(name), 25)
    for number, sort in enumerate(sorts(named(name))):
        whole = [row["id"] for row in query.page(db.session(), ask(name, f"sort={sort}&limit=200")).rows]
        for chunk in (7,) if number else (1, 7, 25, 1000):
            parts = list(query.stream(db.session(), ask(name, f"sort={sort}"), named(name).fields, chunk))
            assert [row["id"] for part in parts for row in part] == whole
            assert all(len(part) == chunk for part in parts[:-1])


def test_a_stream_begins_at_the_start_wherever_the_page_was(app):
    fill(named("orders"), 9)
    first = query.page(db.session(), ask("orders", "limit=4"))
    (part,) = query.stream(db.session(), ask("orders", f"limit=4&after={first.next}"), [])
    assert len(part) == 9


@pytest.mark.parametrize("sort", ["-id", "weight", "updated_at"])
def test_what_happens_meanwhile_is_not_in_it(app, sort):
    """Rows changed, put in and taken out between two chunks are seen as they stood when the stream began."""
    fill(named("orders"), 30)
    table = named("orders").table
    before = {row["id"]: row["note"] for row in query.page(db.session(), ask("orders", "limit=200")).rows}
    db.session.rollback()
    seen: dict[int, str | None] = {}
    for number, part in enumerate(query.stream(db.session(), ask("orders", f"sort={sort}"), named("orders").fields, 6)):
        seen |= {row["id"]: row["note"] for row in part}
        with transaction() as session:
            session.execute(update(table).values(note="later", weight=number, updated_at=datetime.now(UTC)))
            session.execute(delete(table).where(table.c.id == 2 + number))
            session.execute(insert(table).values(id=100 + number, version=1, revision=1, account="", created_at=MIDNIGHT, updated_at=MIDNIGHT))
    assert seen == before


def test_the_caller_may_commit_while_it_reads(app):
    fill(named("orders"), 4)
    parts = query.stream(db.session(), ask("orders"), [], 2)
    next(parts)
    with transaction() as session:
        session.execute(update(named("orders").table).values(note="committed"))
    assert len(next(parts)) == 2
    assert {row["note"] for row in query.page(db.session(), ask("orders")).rows} == {"committed"}


def test_a_stream_given_up_leaves_its_connection_behind_free(app):
    fill(named("orders"), 9)
    for _ in range(30):
        parts = query.stream(db.session(), ask("orders"), [], 2)
        next(parts)
        parts.close()
    assert cast(QueuePool, db.engine.pool).checkedout() <= 1


def test_lines_and_references_come_along(app):
    put("customers", {"id": 1, "email": "ada@acme.example", "name": "Ada"})
    put("products", {"id": 1, "sku": "TEA", "name": "Tea", "currency": "EUR"})
    put("orders", *({"id": id, "number": f"n{id}", "customer_id": 1, "currency": "EUR"} for id in range(1, 8)))
    with transaction() as session:
        session.execute(insert(line_table()), [{"parent_id": id, "position": at, "product_id": 1, "quantity": id} for id in range(1, 8) for at in range(2)])
    rows = [row for part in query.stream(db.session(), ask("orders", "sort=id"), named("orders").fields, 3) for row in part]
    assert [row["customer"].key for row in rows] == ["ada@acme.example"] * 7
    assert [[(line["product"].key, line["quantity"]) for line in row["lines"]] for row in rows] == [[("TEA", id)] * 2 for id in range(1, 8)]
    assert "lines" not in next(query.stream(db.session(), ask("orders"), [named("orders").require("number")], 3))[0]


def test_a_chunk_costs_a_statement_and_one_for_its_lines(app):
    fill(named("orders"), 100)
    with statements() as seen:
        parts = list(query.stream(db.session(), ask("orders"), named("orders").fields, 10))
    assert len(parts) == 10
    assert len(seen) == 21        # the last asks whether there is more


def test_only_what_the_actor_may_read_is_read(app):
    fill(named("orders"), 3)
    blind = Actor("staff", "blind", 1, ("*.read",))
    columns = {column for part in query.stream(db.session(), ask("orders", "", blind), named("orders").fields) for row in part for column in row}
    assert "phone" not in columns
    assert "city" in columns


@pytest.mark.alike
def test_memory_is_that_of_a_chunk_not_of_the_list(app):
    fill(named("customers"), 3_000)

    def most(count: int) -> int:
        tracemalloc.start()
        for _ in query.stream(db.session(), ask("customers", f"id.lte={count}"), named("customers").fields, 50):
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak
    most(3_000)     # what is read once and kept
    assert most(3_000) < 2 * most(300)


def test_a_stream_reads_with_the_grants_of_its_query(app):
    fill(named("orders"), 3)
    assert SYSTEM.may("orders.read")
    scoped = Actor("staff", "scoped", 1, ("*.read",), {"orders": "id=2"})
    assert [row["id"] for part in query.stream(db.session(), ask("orders", "", scoped), []) for row in part] == [2]
