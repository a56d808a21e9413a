"""Two writers at once, one of them held in the middle: what each sees of the other."""
import threading
import time
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from app.errors import Unavailable
from app.extensions import db
from app.records.changes import apply
from app.transaction import is_sqlite, transaction
from tests.records.gate import EVENT, IMPORT, act, audits, customer, kinds, order, payment, row

WAITS = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@contextmanager
def meanwhile(app, *changes, source=IMPORT):
    """Another writer begins now; by the time the block is entered it waits for us or is done. Yields its outcomes to be."""
    found = []

    def work():
        with app.app_context():
            found.extend(act(*changes, source=source))
            db.session.remove()
    thread = threading.Thread(target=work)
    thread.start()
    until = time.monotonic() + 30
    while thread.is_alive() and not waits() and time.monotonic() < until:
        thread.join(0.01)
    yield found, thread


def waits():
    """Whether a writer is held up by another; on SQLite whoever has begun is."""
    with db.engine.connect() as connection:
        return is_sqlite(connection) or connection.execute(WAITS).scalar_one() > 0


def beside(app, first, second, source=IMPORT):
    """Apply `first`, let the other try `second` before we commit; return both outcomes."""
    with transaction() as session:
        mine = apply(session, first, source)
        with meanwhile(app, *second, source=source) as (theirs, thread):
            pass
    thread.join(60)
    return kinds(mine), kinds(theirs)


def test_a_record_changed_meanwhile_is_decided_again(app, database):
    act(customer("a@x.org", name="A"))
    assert beside(app, [customer("a@x.org", name="B")], [customer("a@x.org", name="C"), customer("a@x.org", name="C")]) == (
        ["updated"], ["updated", "unchanged"])
    assert [diff for *_, diff in audits()] == [{}, {"name": ["A", "B"]}, {"name": ["B", "C"]}]
    assert (row("customers")["name"], row("customers")["version"]) == ("C", 3)


def test_a_version_read_before_and_gone_since_is_a_conflict(app, database):
    act(customer("a@x.org", name="A"))
    seen = customer("a@x.org", name="C")._replace(version=1)
    assert beside(app, [customer("a@x.org", name="B")], [seen]) == (["updated"], ["conflict"])
    assert row("customers")["name"] == "B"


def test_a_key_taken_meanwhile_makes_no_twin(app, database):
    assert beside(app, [customer("a@x.org", name="A")], [customer("a@x.org", name="B")]) == (["created"], ["updated"])
    assert row("customers")["version"] == 2


def test_older_news_loses_to_newer_news_that_is_not_committed_yet(app, database):
    act(payment("pending", 1), source=EVENT)
    assert beside(app, [payment("pending", 30)], [payment("paid", 20)], EVENT) == (["unchanged"], ["stale"])


def test_who_begins_to_wait_while_the_other_is_created_is_linked(app, database):
    assert beside(app, [payment("paid", 1, order="ORD-1")], [order("ORD-1")], EVENT) == (["created"], ["created"])
    assert row("payments")["order_id"] == row("orders")["id"]


def test_who_is_created_while_the_other_begins_to_wait_is_found(app, database):
    assert beside(app, [order("ORD-1")], [payment("paid", 1, order="ORD-1")], EVENT) == (["created"], ["created"])
    assert row("payments")["order_id"] == row("orders")["id"]


def test_writers_of_different_tables_do_not_wait_for_each_other(app, database):
    with transaction() as session:
        apply(session, [customer("a@x.org")], IMPORT)
        if is_sqlite(session.connection()):
            pytest.skip("SQLite has one writer")
        with meanwhile(app, payment("paid", 1), source=EVENT) as (theirs, thread):
            thread.join(30)
            assert kinds(theirs) == ["created"]


def test_a_second_call_in_one_transaction_does_not_wait_alone(app, database):
    act(customer("a@x.org", name="A"), customer("b@x.org", name="B"))
    with transaction() as session:
        apply(session, [customer("a@x.org", name="A2")], IMPORT)
        if is_sqlite(session.connection()):
            pytest.skip("SQLite has one writer")
        with meanwhile(app, customer("b@x.org", name="B2"), customer("a@x.org", name="A3")) as (theirs, thread):
            assert thread.is_alive()
            with pytest.raises(Unavailable) as raised:
                apply(session, [payment("paid", 1, order="not here")], EVENT)
            assert raised.value.retry is True
    thread.join(60)
    assert kinds(theirs) == ["updated", "updated"]
