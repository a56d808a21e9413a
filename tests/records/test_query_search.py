"""Free text search: what is named exactly first, then all that has the words, in any order the list can have."""
from itertools import chain
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis.strategies import text
from werkzeug.datastructures import MultiDict

from app.audit import SYSTEM, Actor
from app.extensions import db
from app.records import query, searching
from app.records.registry import named
from app.records.search import folded
from tests.records.stock import ask, backwards, forwards, found, index, put, statements


@pytest.fixture
def people(app):
    put("customers",
        {"id": 1, "email": "ada@acme.example", "name": "Ada Lovelace", "company": "Engines & Co"},
        {"id": 2, "email": "bob@acme.example", "name": "Bob", "external_id": "cus_42", "note": "knows Ada"},
        {"id": 3, "email": "eve@other.example", "name": "Ève Straße", "company": 'The "Quoted" 50%_Company'},
        {"id": 42, "email": "jo@jo.example", "name": "Jo Ada", "phone": "+49 30 12345"},
        {"id": 43, "email": "zed@acme.example", "name": "日本語テキスト"})
    index("customers")


FINDS = [
    ("lovelace", [1]), ("LOVE", [1]), ("ada", [42, 1]), ("acme", [43, 2, 1]), ("acme ada", [1]), ("ada love", [1]), ("lace ada", [1]),
    ("straße", [3]), ("STRASSE", [3]), ("ève", [3]), ("ÈVE", [3]), ("eve", [3]), ("Évé", [3]), ("strässe", [3]), ("日本語", [43]), ("nobody", []),
    ('"quoted"', [3]), ("50%_c", [3]), ("50%", [3]), ("_company", [3]), ("%%%", []), ("___", []), ("engines &", [1]),
    ("AND OR", []), ("ada*", []), ("-ada", []), ("name:ada", []), ("(ada", []), ("NEAR(ada", []), ("\\ada", []),
    ("knows", []),                                   # the note is not searched
    ("jo ada", [42]), ("bo acme", [2]),              # a short word beside a long one
    ("jo", [42]), ("AD", [1]), ("a", [1]), ("x", []),    # too short alone: the beginning of the key
    ("ada@acme.example", [1]), ("Ada@Acme.Example", [1]), ("cus_42", [2]),
    ("42", [42]), ("#42", [42]), ("#2", [2]), ("99", []), ("9999999999999999999999", []),
]


@pytest.mark.parametrize(("kept", "asked"), [
    ("Köln", "koln"), ("koln", "KÖLN"), ("Café", "cafe"), ("Cafe\u0301", "CAFÉ"), ("Østergade", "osterg"), ("Łódź", "lodz"), ("Straße", "strasse"),
    ("Æbleskiver", "aeble"), ("İstanbul", "istanbul"), ("ﬁve", "five"), ("서울역앞", "서울역")])
def test_accents_and_case_do_not_count(app, kept, asked):
    put("orders", {"id": 1, "number": "1", "city": kept}, {"id": 2, "number": "2", "city": "Rome"})
    put("customers", {"id": 1, "email": "ada@acme.example", "name": kept})
    put("orders", {"id": 3, "number": "3", "customer_id": 1})
    index("orders")
    index("customers")
    assert found("orders", f"q={asked}") == [1]
    assert found("orders", f"customer.contains={asked}") == [3]


@given(text())
def test_what_is_folded_stays_as_it_is_and_does_not_depend_on_how_accents_are_kept(word):
    assert folded(folded(word)) == folded(word)
    assert folded(normalize("NFC", word)) == folded(normalize("NFD", word))


@pytest.mark.parametrize(("typed", "ids"), FINDS, ids=[typed for typed, _ in FINDS])
def test_a_search_finds_what_was_typed(people, typed, ids):
    asked = query.parse(named("customers"), MultiDict([("q", typed)]), SYSTEM)
    page = query.page(db.session(), asked)
    assert [row["id"] for row in page.rows] == ids
    assert query.count(db.session(), asked).number == len(ids)
    assert query.ids(db.session(), asked, 100) == sorted(ids)
    assert [row["id"] for part in query.stream(db.session(), asked, [], chunk=2) for row in part] == ids


def test_what_is_named_exactly_stands_before_all_that_only_has_it(app):
    put("orders", *({"id": id, "number": f"ORD-1{id}"} for id in range(1, 30)), {"id": 100, "number": "ORD-1"})
    index("orders")
    assert found("orders", "q=ord-1&limit=3") == [100, 29, 28, 27]
    assert list(chain(*forwards("orders", "q=ord-1&limit=4"))) == [100, *range(29, 0, -1)]
    assert sorted(chain(*backwards("orders", "q=ord-1&limit=4"))) == [*range(1, 30), 100]
    assert query.count(db.session(), ask("orders", "q=ord-1")).number == 30


@pytest.mark.parametrize("few", [5, 10_000])
@pytest.mark.parametrize("sort", ["weight", "-weight", "number", "-id", "id"])
def test_a_search_is_sorted_like_any_list_whether_its_hits_are_few_or_many(app, monkeypatch, few, sort):
    monkeypatch.setattr(searching, "FEW", few)
    put("orders", *({"id": id, "number": f"ORD-{id}", "city": "Rome" if id % 3 else "Paris", "weight": id % 4 or None} for id in range(1, 41)))
    index("orders")
    everything = list(chain(*forwards("orders", f"sort={sort}&limit=7")))
    romans = [id for id in everything if id % 3]
    assert list(chain(*forwards("orders", f"q=rome&sort={sort}&limit=7"))) == romans
    assert list(chain(*(reversed(page) for page in backwards("orders", f"q=rome&sort={sort}&limit=7")))) == romans[::-1]


def test_a_search_obeys_filters_the_trash_and_the_scope(people):
    assert found("customers", "q=acme&name=Bob") == [2]
    assert found("customers", "q=%2342&name=Bob") == []
    assert found("customers", "q=acme&trashed=only") == []
    narrow = Actor("staff", "narrow", 1, ("*.read",), {"customers": "email.contains=@acme."})
    assert found("customers", "q=ada", narrow) == [1]
    assert found("customers", "q=42", narrow) == []


def test_what_one_may_not_read_is_not_found_by_it(people):
    blind = Actor("staff", "blind", 1, ("*.read",))
    assert found("customers", "q=12345") == found("customers", "q=12345", blind) == []


@pytest.mark.parametrize("typed", ["q=acme", "q=acme&sort=name", "q=%2342", "q=a"])
def test_a_search_costs_few_statements(people, typed):
    with statements() as seen:
        query.page(db.session(), ask("customers", typed))
    assert len(seen) <= 4


def test_a_search_in_the_order_of_ids_reads_the_index_in_that_order(people, database):
    """Hits come one by one, newest first: no list of all of them is made (SQLite; PostgreSQL chooses by its statistics)."""
    if database != "sqlite":
        return
    with statements() as seen:
        query.page(db.session(), ask("customers", "q=acme"))
    plan = [str(row[-1]) for row in db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {seen[1][0]}", seen[1][1])]
    assert any("SCAN customers_search VIRTUAL TABLE" in step for step in plan)
    assert not any("LIST SUBQUERY" in step or "ORDER BY" in step and "spot" not in step and "TEMP" in step for step in plan[:4]), plan


@pytest.mark.parametrize("also", ["status=placed", "placed_at.gte=2026-01-01", "trashed=only"])
def test_a_search_beside_filters_never_asks_the_index_about_one_row_after_the_other(app, database, monkeypatch, also):
    """FTS5 answers a MATCH about one row forty times more slowly than its text is read: a million times that is minutes."""
    if database != "sqlite":
        return
    monkeypatch.setattr(searching, "FEW", 5)
    put("orders", *({"id": id, "number": f"ORD-{id}", "city": "Rome", "status": "placed"} for id in range(1, 20)))
    index("orders")
    with statements() as seen:
        query.page(db.session(), ask("orders", f"q=rome&{also}"))
        query.count(db.session(), ask("orders", f"q=rome&{also}"))
    plans = [[str(row[-1]) for row in db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
             for statement, parameters in seen if "orders_search" in statement]
    assert plans
    for plan in plans:
        assert not any(":=M" in step for step in plan), plan     # = is the rowid, M is MATCH


def test_a_picker_offers_what_was_typed_and_the_newest_without(people):
    offered = query.lookup(db.session(), named("customers"), "ada", SYSTEM)
    assert [(one.id, one.key, one.label) for one in offered] == [(42, "jo@jo.example", "Jo Ada"), (1, "ada@acme.example", "Ada Lovelace")]
    assert [one.id for one in query.lookup(db.session(), named("customers"), " ", SYSTEM, limit=2)] == [43, 42]
    assert query.lookup(db.session(), named("customers"), "x" * 500, SYSTEM) == []   # nobody types so much; it is cut
