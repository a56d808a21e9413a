"""Records that an import names and that are not here: created from its preview, once, and taken back with it."""
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit import COMMAND_LINE, Actor, Audit, Door
from app.errors import Conflict, Forbidden
from app.extensions import db
from app.imports import making, run
from app.imports.missing import missing
from app.jobs.work import Work
from app.records.changes import Change, Source, apply
from app.transaction import transaction
from tests.imports.flow import batch_of, change, confirmed, customers, fresh, names, sent
from tests.imports.test_after import words
from tests.imports.test_mending import outcomes

HEADINGS = "Number,Customer,Customer name,Total,Currency\n"
ORDERS = (f"{HEADINGS}O-1,ghost@example.com,,10,EUR\nO-2,old@example.com,Old,20,EUR\nO-3,Ghost@Example.com,Gho St,30,EUR\n"
          "O-4,new@example.com,New,much,EUR\nO-5,nobody,No,50,EUR\n")


@pytest.fixture
def orders(app, drain):
    """The import of five orders, previewed: two customers are not here, one is none."""
    change("old@example.com", name="Old")
    import_id = sent(ORDERS, "orders")
    drain()
    confirmed(import_id, key="number", decimal=".")
    drain()
    return import_id


def offered(import_id, by=COMMAND_LINE):
    return missing(db.session(), fresh(import_id), batch_of(import_id), by)


def made(import_id, drain):
    making.make(import_id, "customer", by=COMMAND_LINE)
    drain()


def in_trash() -> int:
    db.session.rollback()
    return db.session.scalars(select(func.count()).where(customers.c.trashed_at.is_not(None))).one()


def test_who_is_not_here_is_created_with_what_the_rows_say_and_only_their_rows_are_planned_again(orders, drain):
    assert outcomes(orders) == ["invalid", "created", "invalid", "invalid", "invalid"]
    [one] = offered(orders)
    assert (one.rows, one.count, one.ready, one.samples, one.columns) == (
        3, 2, 2, ["ghost@example.com", "new@example.com"], ["Customer name"])
    change("old@example.com", name="Older")

    made(orders, drain)

    assert names() == ["Older", "Gho St", "New"], "a later row says what the first left blank"
    assert outcomes(orders) == ["created", "created", "created", "invalid", "invalid"]
    assert sum(batch_of(orders).plans.values()) == 5
    assert offered(orders) == []
    seen = db.session.execute(select(Audit.door, Audit.door_id, Audit.door_part).where(
        Audit.resource == "customers", Audit.door == "import").order_by(Audit.id))
    assert [tuple(row) for row in seen] == [("import", orders, 2), ("import", orders, 5)]


def test_pressed_twice_each_is_created_once(orders, drain):
    making.make(orders, "customer", by=COMMAND_LINE)
    with pytest.raises(Conflict, match="being worked out"):
        making.make(orders, "customer", by=COMMAND_LINE)
    drain()
    made(orders, drain)

    assert names() == ["Old", "Gho St", "New"]
    assert [(one.resource.name, one.created) for one in making.made(db.session(), fresh(orders))] == [("customers", 2)]


class Dying:
    """A job that dies before the transaction after the `left` it has; what it has committed is in its cursor."""

    actor = COMMAND_LINE

    def __init__(self, cursor: dict[str, Any], left: int) -> None:
        self.cursor, self.left = cursor, left

    @contextmanager
    def transaction(self, **told: Any) -> Iterator[Session]:
        if not self.left:
            raise Died
        self.left -= 1
        with transaction() as session:
            yield session


class Died(Exception):
    pass


def test_a_job_that_dies_between_any_two_steps_creates_each_once(orders):
    cursor, deaths = dict[str, Any](), 0
    while True:
        try:
            making.run(cast(Work, Dying(cursor, deaths)), orders, "customer")
            break
        except Died:
            deaths += 1

    assert deaths > 6
    assert names() == ["Old", "Gho St", "New"]
    assert outcomes(orders) == ["created", "created", "created", "invalid", "invalid"]


def test_undoing_the_import_takes_back_what_was_created_for_it_but_nothing_changed_since(orders, drain):
    made(orders, drain)
    run.run(orders, False, by=COMMAND_LINE)
    drain()
    change("new@example.com", name="Changed")

    run.undo(orders, by=COMMAND_LINE)
    drain()

    assert in_trash() == 1
    [one] = making.made(db.session(), fresh(orders))
    assert (one.created, one.trashed, one.kept) == (0, 1, 1)
    assert batch_of(orders).undone == {"trashed": 3}


def test_who_is_named_by_others_meanwhile_stays(orders, drain):
    made(orders, drain)
    run.run(orders, False, by=COMMAND_LINE)
    drain()
    with transaction() as session:
        apply(session, [Change("orders", {"number": "Later", "customer": "new@example.com", "total": "1", "currency": "EUR"})],
              Source(Door.FORM, COMMAND_LINE))
        session.expire_all()

    run.undo(orders, by=COMMAND_LINE)
    drain()

    assert fresh(orders).stage == "undone"
    [one] = making.made(db.session(), fresh(orders))
    assert (one.trashed, one.kept) == (1, 1)
    db.session.rollback()
    assert list(db.session.scalars(select(customers.c.email).where(customers.c.trashed_at.is_not(None)))) == ["ghost@example.com"]


def test_what_was_created_is_taken_back_without_the_import(orders, drain):
    made(orders, drain)
    making.unmake(orders, by=COMMAND_LINE)
    drain()

    assert in_trash() == 2
    assert outcomes(orders) == ["invalid", "created", "invalid", "invalid", "invalid"]
    assert offered(orders) == [], "who is in the trash is not missing"


def test_what_the_file_does_not_say_is_named(app, drain):
    import_id = sent("External ID,Customer,Product,Status\nsub_1,a@example.com,SKU-1,active\n", "subscriptions")
    drain()
    confirmed(import_id, key="external_id")
    drain()

    found = {one.field.name: one for one in offered(import_id)}

    assert found["customer"].ready == 1
    assert found["product"].ready == 0
    assert found["product"].why == [
        "Name and Price are missing: give the file columns “Product name” and “Product price”, or create them first."]


def test_who_may_not_create_them_is_told_so_and_can_not(orders):
    clerk = Actor("staff", "Clerk", 1, ("orders.*", "customers.read"))

    [one] = offered(orders, clerk)

    assert one.ready == 0
    assert one.why[0].startswith("This needs the permission customers.create")
    with pytest.raises(Forbidden):
        making.make(orders, "customer", by=clerk)


@pytest.mark.alike
def test_the_pages_offer_it_and_say_what_became_of_it(orders, drain, sign_in):
    client, url = sign_in("operator"), f"/imports/{orders}"
    page = words(client.get(url))
    assert "2 customers do not exist" in page
    assert "The column Customer name says more of them." in page
    assert "Create 2 customers" in page
    assert "No customer has the e-mail" not in page.partition("Row ")[0]

    client.post(f"{url}/create", data={"field": "customer"})
    client.post(f"{url}/create", data={"field": "customer"})
    drain()
    assert "2 customers were created for this import" in words(client.get(url))
    client.post(f"{url}/run")
    drain()
    told = words(client.get(f"{url}/undo"))
    assert "2 customers that were created for it go to the trash too, but for what others refer to by then. Take back 5 records" in told
    client.post(f"{url}/undo")
    drain()
    assert "2 customers created for this import are in the trash" in words(client.get(url))
    assert in_trash() == 2


@pytest.mark.alike
def test_what_was_created_for_an_import_that_is_given_up_can_be_taken_back_there(orders, drain, sign_in):
    client, url = sign_in("operator"), f"/imports/{orders}"
    made(orders, drain)
    client.post(f"{url}/stop")
    assert "2 customers were created for this import" in words(client.get(url))

    client.post(f"{url}/created/take-back")
    drain()

    assert "2 customers created for this import are in the trash" in words(client.get(url))