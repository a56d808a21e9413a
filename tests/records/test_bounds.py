"""Lists no index can answer: stopped in time, on both databases, with the filter that is dear and what would help."""
import pytest
from sqlalchemy import func, insert, select, text

from app.errors import BadRequest
from app.extensions import db
from app.records import bounds, listing, query
from app.records.registry import named
from app.transaction import transaction
from tests.records.stock import ask, put, whole

MANY = 20_000
ENDLESS = {"sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
           "postgresql": "SELECT pg_sleep(600)"}


@pytest.fixture
def shop(app):
    """Orders nobody can search by their note without looking at each."""
    rows = [whole(named("orders"), {"id": id, "number": f"n{id}", "note": "x" * 200}) for id in range(1, MANY)]
    with transaction() as session:
        session.execute(insert(named("orders").table), rows)


@pytest.fixture
def hurried(monkeypatch):
    """A database that is given hardly any time."""
    monkeypatch.setattr(bounds, "STEPS", 100)
    for name in ("PATIENCE", "GLANCE", "CAREFUL"):
        monkeypatch.setattr(bounds, name, 0.0)


def test_what_takes_too_long_is_stopped_and_what_the_transaction_did_before_stays(app, database):
    put("customers", {"id": 1, "email": "ada@example.com"})
    with transaction() as session:
        session.execute(text("UPDATE customers SET name = 'Ada'"))
        with pytest.raises(bounds.TooLong), bounds.within(session.connection(), 0.05):
            session.execute(text(ENDLESS[database]))
    assert db.session.execute(text("SELECT name FROM customers")).scalar_one() == "Ada"


def test_whatever_else_goes_wrong_goes_through(app):
    with pytest.raises(ValueError, match="mine"), bounds.within(db.session.connection(), 5):
        raise ValueError("mine")
    assert db.session.execute(select(func.count()).select_from(named("orders").table)).scalar_one() == 0


def test_the_limit_holds_inside_alone(app, database):
    with bounds.within(db.session.connection(), 0.05):
        pass
    if database == "postgresql":
        assert db.session.execute(text("SHOW statement_timeout")).scalar_one() == "1min"
    counting = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT count(*) FROM n"
    assert db.session.execute(text(counting)).scalar_one() == 200_000


def test_a_list_no_index_answers_is_refused_by_the_name_of_its_filter(shop, hurried):
    with pytest.raises(BadRequest) as refused:
        query.page(db.session(), ask("orders", "note.contains=zebra&placed_at.empty=true"))
    assert refused.value.title == "This list takes too long"
    assert refused.value.errors == {"note.contains": "No index answers this, so the orders have to be looked at one by one. "
                                                     "Add a filter on Customer, Order number or Channel. Or leave this out."}


def test_its_page_and_its_api_say_so(shop, app, sign_in, token, hurried):
    page = sign_in().get("/orders?note.contains=zebra")
    assert page.status_code == 400
    assert "Add a filter on Placed, Customer or Order number" in page.text

    answer = app.test_client().get("/api/v1/orders?note.contains=zebra", headers={"Authorization": f"Bearer {token('viewer')}"})
    assert (answer.status_code, answer.json["title"]) == (400, "This list takes too long")
    assert "note.contains" in answer.text


def test_a_count_that_takes_too_long_says_at_least_what_is_on_the_page(shop, hurried):
    asked = ask("orders", "note.contains=x")
    assert query.count(db.session(), asked) == query.Count(0, True)
    page = query.Page([{"id": 1}, {"id": 2}], "next", None, "last")
    assert listing.counted(db.session(), asked, page, exact=False) == query.Count(2, True)
    assert listing.counted(db.session(), asked, page, exact=True) == query.Count(2, True)


@pytest.mark.parametrize(("asked", "cap"), [
    ("", bounds.MANY), ("status=draft", bounds.MANY), ("placed_at.gte=2026-01-01", bounds.MANY), ("customer=7", bounds.MANY),
    ("note.contains=x", bounds.SOME), ("status.ne=draft", bounds.SOME), ("lines.quantity.gte=3", bounds.SOME),
    ("status=draft&channel=shop", bounds.SOME), ("q=ada", bounds.SOME)])
def test_counting_stops_earlier_where_each_row_has_to_be_looked_at(app, asked, cap):
    assert bounds.cap(ask("orders", asked)) == cap
