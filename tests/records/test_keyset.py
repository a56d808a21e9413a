"""Pages joined are the whole list, once, in order: for every record type, order, direction and database."""
from datetime import UTC, date, datetime
from itertools import chain
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update

from app.audit import SYSTEM
from app.errors import BadRequest
from app.extensions import db
from app.records import cursor, query
from app.records.cursor import END, Position
from app.records.registry import named
from app.transaction import transaction
from tests.records.stock import NAMES, ask, backwards, fill, forwards, found, put, sorts, statements, whole


def expected(name: str, sort: str) -> list[int]:
    """The ids in the order promised, worked out in Python: NULLs last, the id in the direction of the sort."""
    resource, descending = named(name), sort.startswith("-")
    field = query.sortable(SYSTEM, resource)[sort.removeprefix("-")]
    column = resource.table.c[field.sort_column]
    rows = [(value.encode() if isinstance(value, str) else value, id)
            for id, value in db.session.execute(select(resource.table.c.id, column)).all()]
    filled = sorted(((value, id) for value, id in rows if value is not None), reverse=descending)
    empty = sorted((id for value, id in rows if value is None), reverse=descending)
    return [id for _, id in filled] + empty


@pytest.mark.parametrize("name", NAMES)
def test_pages_joined_are_the_whole_list_once_in_every_order_forwards_and_backwards(app, name):
    fill(named(name), 29)
    for sort in sorts(named(name)):
        whole_list = expected(name, sort)
        there = list(chain(*forwards(name, f"sort={sort}&limit=6")))
        back = list(chain(*(reversed(page) for page in backwards(name, f"sort={sort}&limit=6"))))
        assert there == whole_list, sort
        assert back == whole_list[::-1], sort


@pytest.mark.parametrize("name", NAMES)
def test_a_list_has_values_missing_and_values_shared_so_that_the_test_above_means_something(app, name):
    fill(named(name), 47)
    for field in (f for f in named(name).fields if f.sortable and not f.unique and f.column != "external_id"):
        values = db.session.execute(select(named(name).table.c[field.sort_column])).scalars().all()
        assert None in values
        assert len(set(values)) < len(values) / 2


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(weights=st.lists(st.none() | st.integers(-2, 2), max_size=14), limit=st.integers(1, 5), sign=st.sampled_from(("", "-")))
def test_pages_joined_are_the_whole_list_whatever_is_in_it(app, weights, limit, sign):
    orders = named("orders")
    with transaction() as session:
        session.execute(delete(orders.table))
        for id, weight in enumerate(weights, 1):
            session.execute(insert(orders.table).values(whole(orders, {"id": id, "number": f"n{id}", "weight": weight})))
    asked = f"sort={sign}weight&limit={limit}"
    whole_list = expected("orders", f"{sign}weight")
    assert list(chain(*forwards("orders", asked))) == whole_list
    assert list(chain(*(reversed(page) for page in backwards("orders", asked)))) == whole_list[::-1]


@pytest.mark.parametrize("reach", [1, 7, 1_000])
@pytest.mark.parametrize("sort", ["weight", "-weight", "city", "-total"])
def test_a_filter_leaves_what_it_leaves_in_the_order_of_the_list_however_far_one_looks_first(app, monkeypatch, sort, reach):
    monkeypatch.setattr(query, "REACH", reach)
    fill(named("orders"), 60, seed=5)
    every = list(chain(*forwards("orders", f"sort={sort}&limit=7")))
    placed = {row["id"] for row in query.page(db.session(), ask("orders", "status=placed,draft,shipped&limit=200")).rows}
    assert 5 < len(placed) < 55
    left = [id for id in every if id in placed]
    assert list(chain(*forwards("orders", f"sort={sort}&limit=3&status=placed,draft,shipped"))) == left
    assert list(chain(*(reversed(page) for page in backwards("orders", f"sort={sort}&limit=3&status=placed,draft,shipped")))) == left[::-1]


def test_where_most_rows_match_a_filter_they_come_in_the_order_of_an_index_and_are_not_sorted(app):
    fill(named("orders"), 60)
    asked = ask("orders", "sort=-total&limit=5&status.ne=draft")
    plan = explained(asked)
    assert "ix_orders_total_minor_id" in plan
    if db.session.connection().dialect.name == "sqlite":
        with statements() as seen:
            query.page(db.session(), asked)
        assert len(seen) == 1


@pytest.mark.parametrize("sort", ["weight", "-weight", "city", "-placed_at", "id", "-updated_at", "total"])
def test_whoever_pages_while_rows_come_and_change_meets_every_calm_row_once(app, sort):
    """Calm rows keep what the list is sorted by; others are inserted between pages, and some move up and down the list."""
    orders, random = named("orders"), Random(sort)
    fill(orders, 60, seed=3)
    restless = set(range(1, 61, 7))
    for pages in (forwards, backwards):
        seen: list[int] = []
        for page in pages("orders", f"sort={sort}&limit=5"):
            seen += page
            disturb(orders, random, restless, 1000 + len(seen))
        calm = [id for id in seen if id <= 60 and id not in restless]
        assert sorted(calm) == sorted(set(range(1, 61)) - restless)
        with transaction() as session:
            session.execute(delete(orders.table).where(orders.table.c.id > 60))


def disturb(resource: Any, random: Random, restless: set[int], id: int) -> None:
    """Insert a row, write a note on a calm one, give a restless one other values."""
    fill(resource, 1, seed=random.randrange(1_000), start=id + random.randrange(100_000))
    table = resource.table
    with transaction() as session:
        session.execute(update(table).where(table.c.id == random.choice([2, 3, 4])).values(note="seen", version=table.c.version + 1))
        session.execute(update(table).where(table.c.id == random.choice(sorted(restless))).values(
            weight=random.choice([None, 1, 3]), total_minor=random.choice([None, 5]), city_key=random.choice([None, "b", "zz"]),
            placed_at=None, updated_at=datetime.now(UTC)))


def test_the_page_before_the_page_after_is_the_page_one_came_from(app):
    fill(named("orders"), 30)
    first = query.page(db.session(), ask("orders", "sort=weight&limit=10"))
    second = query.page(db.session(), ask("orders", f"sort=weight&limit=10&after={first.next}"))
    again = query.page(db.session(), ask("orders", f"sort=weight&limit=10&before={second.previous}"))
    assert [row["id"] for row in again.rows] == [row["id"] for row in first.rows]
    assert first.previous is None
    assert again.previous is None


def test_an_empty_list_has_one_empty_page(app):
    page = query.page(db.session(), ask("orders"))
    assert (page.rows, page.next, page.previous) == ([], None, None)
    assert query.page(db.session(), ask("orders", f"before={page.last}")).rows == []


def test_a_page_after_the_last_row_is_empty_and_leads_back(app):
    fill(named("orders"), 3)
    beyond = cursor.seal("orders", "id", Position(3, 3))
    page = query.page(db.session(), ask("orders", f"sort=id&after={beyond}"))
    assert page.rows == []
    assert found("orders", f"sort=id&before={page.previous}") == [1, 2, 3]


def test_a_page_begins_at_the_same_place_when_its_row_is_gone(app):
    fill(named("orders"), 9)
    page = query.page(db.session(), ask("orders", "sort=id&limit=4"))
    with transaction() as session:
        session.execute(delete(named("orders").table).where(named("orders").table.c.id == 4))
    assert found("orders", f"sort=id&limit=4&after={page.next}") == [5, 6, 7, 8]


@pytest.mark.parametrize("word", ["x", "", "WyJvcmRlcnMi", "a" * 5_000, "é", "\x00"])
def test_a_word_that_is_not_ours_is_refused_in_a_sentence(app, word):
    with pytest.raises(BadRequest) as caught:
        cursor.opened("orders", "-id", word)
    assert caught.value.errors["after"].endswith("first page.")


def test_a_word_fits_only_the_list_and_the_order_it_came_from(app):
    word = cursor.seal("orders", "total", Position(100, 7))
    assert cursor.opened("orders", "total", word) == Position(100, 7)
    for resource, sort in (("payments", "total"), ("orders", "-total"), ("orders", "id")):
        with pytest.raises(BadRequest):
            cursor.opened(resource, sort, word)


def test_a_word_changed_in_one_letter_is_refused(app):
    word = cursor.seal("orders", "total", Position(100, 7))
    for at in range(0, len(word), 3):
        other = word[:at] + ("A" if word[at] != "A" else "B") + word[at + 1:]
        with pytest.raises(BadRequest):
            cursor.opened("orders", "total", other)


@pytest.mark.parametrize("position", [
    Position(None, 3), Position("é", 1), Position(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), 2), Position(date(2026, 1, 2), 2),
    Position(True, 4), Position(-5, 2**62), END])
def test_a_place_in_a_list_comes_back_as_it_was(app, position):
    assert cursor.opened("orders", "x", cursor.seal("orders", "x", position)) == position


@pytest.mark.parametrize("sort", ["weight", "-weight", "number", "-total"])
def test_an_index_answers_a_deep_page_without_sorting_or_reading_what_lies_before(app, database, sort):
    """By the plan of the database: a range of the index on (column, id)."""
    fill(named("orders"), 20)
    position = Position(1, 5) if sort != "number" else Position("ada-5", 5)
    asked = ask("orders", f"sort={sort}&limit=5&after={cursor.seal('orders', sort, position)}")
    plan = explained(asked)
    index = f"ix_orders_{query.sortable(SYSTEM, asked.resource)[sort.strip('-')].sort_column}_id"
    assert index in plan
    assert "TEMP B-TREE FOR ORDER BY" not in plan.split("SEARCH orders USING INTEGER")[0]


def explained(asked: query.Query) -> str:
    """The plan of the first statement of this page."""
    connection = db.session.connection()
    with statements() as seen:
        query.page(db.session(), asked)
    statement, parameters = seen[0]
    if connection.dialect.name == "sqlite":
        return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
    connection.execute(text("SET LOCAL enable_seqscan = off"))
    return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters))


def test_rows_in_the_trash_are_on_no_page_unless_asked_for(app):
    put("orders", {"id": 1, "number": "a"}, {"id": 2, "number": "b", "trashed_at": datetime.now(UTC)})
    assert found("orders") == [1]
    assert found("orders", "trashed=with") == [2, 1]
    assert found("orders", "trashed=only") == [2]
