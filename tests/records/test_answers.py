"""What is kept of dear answers: never older than the last save, in whatever process, and never what somebody else may see."""
import threading
from functools import partial

import pytest
from sqlalchemy.orm import Session

from app import cache, create_app
from app.audit import SYSTEM, Actor
from app.config import load
from app.dashboard.tiles import tiles
from app.extensions import db
from app.records import answers, checking, generations, listing, query, summary
from app.records.changes import Change, apply
from app.transaction import transaction
from tests.records.gate import FORM, act, customer, order
from tests.records.stock import ask, put, statements

EVE = Actor("staff", "eve", 7, ("*.read",))


def shop(count=3):
    act(*(customer(f"c{number}@x.org", country="DE") for number in range(count)))
    act(*(order(f"O-{number}", customer=f"c{number}@x.org", status="placed") for number in range(count)))


def number(actor=SYSTEM, text="status=placed&customer.country=DE"):
    """The count a list page shows beside its rows, of filters that are dear."""
    asked = ask("orders", f"{text}&limit=1", actor)
    db.session.rollback()
    return listing.counted(db.session(), asked, query.page(db.session(), asked), False).number


def total(actor=SYSTEM):
    db.session.rollback()
    return summary.of(db.session(), ask("orders", "", actor), {"sum": "total"})["data"][0]["sum"]["total"]


def test_what_is_counted_while_writing_is_not_kept_for_it_may_be_taken_back(app):
    shop()
    with pytest.raises(RuntimeError), transaction() as session:
        apply(session, [order("O-9", status="placed")], FORM)
        assert answers.kept(session, SYSTEM, ["customers", "orders"], "how many", lambda: 4) == 4
        raise RuntimeError

    act(order("O-10", status="placed"))      # makes the generation that was taken back
    assert answers.kept(db.session(), SYSTEM, ["customers", "orders"], "how many", lambda: 5) == 5


def test_what_is_asked_twice_is_counted_once(app):
    shop()
    number()
    with statements() as seen:
        assert number() == 3
    assert not [text for text, _ in seen if "count(" in text]


def test_what_was_saved_is_in_the_next_answer(app):
    shop()
    assert (number(), total()) == (3, "37.50")

    act(Change("orders", {"status": "cancelled", "total": "20.00"}, key={"number": "O-1"}), source=FORM)
    assert (number(), total()) == (2, "45.00")
    act(Change("customers", {"country": "FR"}, key={"email": "c0@x.org"}), source=FORM)
    assert number() == 1, "what the filter looks into was changed"


def test_what_another_process_saved_is_in_the_next_answer(app, environ):
    shop()
    assert number() == 3
    other = create_app(load(environ))

    def save():
        with other.app_context(), transaction() as session:
            apply(session, [Change("orders", {"status": "cancelled"}, key={"number": "O-1"})], FORM)
            session.info["after_commit"].clear()     # nothing of it is heard of here but through the database
    thread = threading.Thread(target=save)
    thread.start()
    thread.join()

    assert number() == 2
    with other.app_context():
        db.engine.dispose()


def test_a_writer_that_ends_late_makes_a_generation_of_its_own(app):
    """Whoever commits last is seen, whatever was read and kept between its writing and its commit."""
    if db.engine.dialect.name == "sqlite":
        pytest.skip("writers stand in line there")
    shop()
    with Session(db.engine) as slow, Session(db.engine) as fast:
        before = counted()
        generations.advance(slow, ["orders"])
        generations.advance(fast, ["orders"])
        fast.commit()
        assert counted() == before + 1, "it did not wait for the other one, which nobody sees yet"
        slow.commit()
        assert counted() == before + 2


def counted():
    db.session.rollback()
    return generations.now(db.session())["orders"]


def test_what_is_taken_back_was_never_there(app):
    shop()
    with pytest.raises(RuntimeError), transaction() as session:
        apply(session, [Change("orders", {"status": "cancelled"}, key={"number": "O-1"})], FORM)
        asked = ask("orders", "status=placed&customer.country=DE")
        assert answers.asked(session, asked, "count", lambda: query.count(session, asked)).number == 2
        raise RuntimeError
    act(Change("orders", {"city": "Bonn"}, key={"number": "O-2"}), source=FORM)
    assert number() == 3


def test_nobody_gets_what_somebody_else_may_see(app):
    shop()
    put("customers", {"id": 900, "email": "z@x.org"})
    scoped = Actor("staff", "eve", 7, ("*.read",), {"orders": "number=O-1"})
    beyond = Actor("staff", "eve", 7, ("*.read",), {"customers": "email=c1@x.org"})

    assert [number(actor) for actor in (EVE, scoped, EVE, beyond, SYSTEM)] == [3, 1, 3, 1, 3]


def test_a_field_one_may_not_read_makes_another_question(app):
    shop()
    whole = Actor("staff", "mara", 8, ("*.read", "*.sensitive"))
    names = [answers.kept(db.session(), actor, ["orders"], "same", partial(str, actor.name)) for actor in (EVE, whole)]
    assert names == ["eve", "mara"]


def test_tiles_and_checks_are_kept_and_new_after_a_save(app, sign_in):
    put("orders", {"id": 1, "number": "O-1", "status": "delivered", "payment_status": "failed", "total_minor": 100, "currency": "EUR"})
    client = sign_in()
    assert "Delivered orders nobody has paid" in client.get("/").text
    with statements() as seen:
        client.get("/")
    assert not [text for text, _ in seen if "spot" in text]
    with app.test_request_context():
        assert any("nobody has paid" in one.title for one in tiles(db.session(), SYSTEM))

    act(Change("orders", {"payment_status": "paid", "total": "0.00"}, key={"number": "O-1"}), source=FORM)
    assert "Delivered orders nobody has paid" not in client.get("/").text
    assert [one.count.number for one in checking.results(db.session(), SYSTEM)] == [0] * 5


def test_a_payment_counts_for_the_check_of_its_order(app):
    put("orders", {"id": 1, "number": "O-1", "status": "delivered", "payment_status": "paid", "total_minor": 1000, "currency": "EUR"})
    assert sum(one.count.number for one in checking.results(db.session(), SYSTEM)) == 1
    act(Change("payments", {"amount": "10.00", "currency": "EUR", "status": "paid", "order": "O-1"}, key={"external_id": "pi_9"}))
    db.session.rollback()
    assert sum(one.count.number for one in checking.results(db.session(), SYSTEM)) == 0


def test_without_anything_kept_the_answers_are_the_same(app):
    shop()
    assert number() == 3
    cache.clear()
    assert number() == 3


def test_news_of_many_resources_moves_each_of_them_once(app):
    shop()
    before = generations.now(db.session())
    act(customer("new@x.org"), order("O-9", customer="new@x.org"))
    db.session.rollback()
    after = generations.now(db.session())
    assert {name: after[name] - before[name] for name in after} == {"customers": 1, "orders": 1}
