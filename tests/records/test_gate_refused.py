"""What only the database refuses: it costs the change at fault, and those that belong together with it, nothing else."""
import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.extensions import db
from app.records.changes import Change, apply
from app.transaction import transaction
from tests.records.gate import EVENT, act, audits, customer, indexed, kinds, order, payment, plans, row, rows, should_be_indexed


@pytest.fixture
def hidden_rule(app):
    with db.engine.begin() as connection:
        make_rule(connection)
    yield
    db.session.remove()
    with db.engine.begin() as connection:
        drop_rule(connection)


def make_rule(connection):
    """A rule no field knows of. The read comes first: SQLite looks for a name that is taken in what the connection remembers of
    the schema, so one that was kept from an earlier test would still find the rule that another has dropped since."""
    look(connection)
    connection.exec_driver_sql("CREATE UNIQUE INDEX only_here ON customers (company)")


def drop_rule(connection):
    connection.exec_driver_sql("DROP INDEX only_here")


def test_a_connection_that_remembers_a_dropped_rule_makes_it_again(app, database):
    with db.engine.connect() as one, db.engine.connect() as other:
        for connection, do in ((one, make_rule), (other, look), (one, drop_rule), (other, make_rule), (other, drop_rule)):
            do(connection)
            connection.commit()


def look(connection):
    connection.exec_driver_sql("SELECT id FROM customers LIMIT 1")


def test_one_of_many_is_refused_and_the_rest_is_written(app, database, hidden_rule):
    outcomes = act(*(customer(f"p{n}@x.org", company="same" if n in (3, 8) else str(n)) for n in range(11)))
    assert kinds(outcomes) == ["created"] * 8 + ["invalid"] + ["created"] * 2
    assert outcomes[8].errors[""].startswith("The database refused this (")
    assert outcomes[8].errors[""].endswith("Correct it and try again.")
    assert len(rows("customers")) == len(audits()) == 10
    assert indexed("customers") == should_be_indexed("customers")


def test_what_belongs_together_falls_together(app, database, hidden_rule):
    act(customer("a@x.org", company="same"))
    outcomes = act(customer("b@x.org", company="b")._replace(cause=1), order("1", customer="b@x.org"), customer("c@x.org", company="same")._replace(cause=1),
                   customer("d@x.org", company="d"))
    assert kinds(outcomes) == ["invalid", "invalid", "invalid", "created"]
    assert outcomes[1].errors == {"customer": "No customer has the e-mail b@x.org. Correct it or create the customer first."}
    assert [found["email"] for found in rows("customers")] == ["a@x.org", "d@x.org"]


def test_ids_and_references_are_right_after_going_by_halves(app, database, hidden_rule):
    act(customer("x@x.org", company="same"))
    changes = [change for n in range(6) for change in (customer(f"p{n}@x.org", company="same" if n == 4 else str(n)), order(str(n), customer=f"p{n}@x.org"))]
    outcomes = act(*changes)
    assert kinds(outcomes) == ["created"] * 8 + ["invalid"] * 2 + ["created"] * 2
    people = {found["email"]: found["id"] for found in rows("customers")}
    assert {found["number"]: found["customer_id"] for found in rows("orders")} == {str(n): people[f"p{n}@x.org"] for n in range(6) if n != 4}
    assert [outcome.id for outcome in outcomes[1::2] if outcome.id] == [found["id"] for found in rows("orders")]


def test_a_refused_batch_leaves_the_transaction_of_the_caller_whole(app, database, hidden_rule):
    act(customer("a@x.org", company="same"))
    with transaction() as session:
        session.connection().exec_driver_sql("UPDATE customers SET note = 'before'")
        [outcome] = apply(session, [customer("b@x.org", company="same")], EVENT)
        assert outcome.kind == "invalid"
    assert row("customers")["note"] == "before"


def test_an_error_that_is_no_change_of_ours_is_raised(app, database):
    """A table that is gone is nobody's value: hiding it among the outcomes would let a worker call it done."""
    with db.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE payments RENAME TO elsewhere")
    try:
        with pytest.raises((OperationalError, ProgrammingError)):
            act(payment("paid", 1), source=EVENT)
    finally:
        db.session.remove()
        with db.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO payments")


def test_a_plan_is_not_troubled_by_it(app, database, hidden_rule):
    """It cannot know what no field knows; it writes nothing to find out."""
    act(customer("a@x.org", company="same"))
    assert kinds(plans(customer("b@x.org", company="same"))) == ["created"]
    assert len(rows("customers")) == 1


def test_no_changes_are_no_work(app, database):
    assert act() == []
    assert plans() == []
    assert act(Change("customers", {}, key={"account": "stripe"}))[0].errors == {
        "": "Customers are not found by their account alone. Use their email or id."}
