"""Erasing a person: nothing that names them is left in records, posts, events, attempts or the trail; done twice it is done once."""
import json
from typing import Any

import pytest
from sqlalchemy import select, text, update

from app.audit import COMMAND_LINE, Actor, Audit, Door
from app.care import erase
from app.cli.privacy import Here
from app.commerce.customers import Customer
from app.errors import Forbidden, NotFound
from app.extensions import db
from app.jobs.models import Attempt, Job
from app.records import notes
from app.records.changes import Change, Source, apply
from app.records.registry import named
from app.transaction import transaction
from app.webhooks.models import Body, Event, StoredReceipt
from tests.webhooks.conftest import _afresh, endpoint, events, post, receipts

__all__ = ["_afresh", "endpoint", "post"]     # the fixtures of the tests of webhooks
ADA = ("ada@lovelace.example", "Ada Lovelace", "+49 30 1234567", "Analytical Engines")
CUSTOMER: dict[str, Any] = {"type": "customers.updated", "timestamp": "2026-06-01T00:00:00Z",
            "data": {"id": "C-ada-1", "email": ADA[0], "name": ADA[1], "phone": ADA[2], "company": ADA[3]}}
ORDER = {"type": "orders.updated", "timestamp": "2026-06-01T00:00:00Z",
         "data": {"id": "O-1", "number": "20001", "status": "placed", "total": "24.90", "currency": "EUR", "customer": {"external_id": "C-ada-1"}}}
BAD = {"type": "payments.created", "timestamp": "2026-06-01T00:00:00Z", "data": {"id": "P-1", "amount": ADA[0], "currency": "EUR"}}
OTHER = {"type": "customers.updated", "timestamp": "2026-06-01T00:00:00Z", "data": {"id": "C-bob-1", "email": "bob@example.com", "name": "Bob"}}


@pytest.fixture
def ada(post, drain, user) -> int:
    """A customer with an order, a change of address, a note, a dead event and a refused post; and somebody else."""
    for number, payload in enumerate((CUSTOMER, ORDER, BAD, OTHER)):
        post(payload, "standard", id=f"msg_{number}")
    drain()
    post({**CUSTOMER, "timestamp": "2026-06-02T00:00:00Z", "data": {**CUSTOMER["data"], "email": "ada@byron.example"}}, "standard", id="msg_9")
    post(CUSTOMER, "standard", id="msg_x", secret="whsec_" + "QUFB" * 8)
    drain()
    id = db.session.scalars(select(Customer.id).where(Customer.external_id == "C-ada-1")).one()
    db.session.rollback()
    notes.add(named("customers"), id, "Ada is fond of numbers", by=COMMAND_LINE, request_id=None)
    return id


def everything() -> str:
    """All that is kept, as text."""
    db.session.rollback()
    tables = [table for table in db.metadata.sorted_tables if table.name not in ("sessions", "users")]
    found = [str(tuple(row)) for table in tables if table.name in existing() for row in db.session.execute(select(table))]
    return "\n".join([*found, *(row[0] for row in db.session.execute(text("SELECT text FROM customers_search")))])


def existing() -> set[str]:
    return set(db.inspect(db.engine).get_table_names())


def customer(id: int) -> Customer:
    db.session.rollback()
    db.session.expire_all()
    return db.session.get_one(Customer, id)


def test_everything_that_names_them_is_gone(app, ada):
    assert all(word in everything() for word in ("ada@lovelace", "ada@byron", "1234567", "fond of numbers"))

    erase.erase(Here(), ada, by=COMMAND_LINE)

    left = everything()
    assert [word for word in ("lovelace", "Lovelace", "byron", "1234567", "Analytical", "fond of numbers") if word in left] == []
    assert customer(ada).email == f"erased-{ada}@erased.invalid"
    assert (customer(ada).name, customer(ada).external_id) == (None, "C-ada-1")


def test_nothing_of_anybody_else_is_touched(app, ada):
    bob = db.session.scalars(select(Event.id).where(Event.object_key.endswith("C-bob-1"))).one()
    before = [(each.id, each.body_id) for each in receipts() if each.event_id == bob]

    erase.erase(Here(), ada, by=COMMAND_LINE)

    assert before
    assert [(each.id, each.body_id) for each in receipts() if (each.id, each.body_id) in before] == before
    assert "bob@example.com" in everything()


def test_the_preview_counts_what_it_then_erases_and_twice_is_once(app, ada):
    found = erase.preview(db.session(), ada)
    assert (found.record, found.events, found.bodies, found.notes) == (4, 3, 3, 1)
    assert found.changes == 1

    did = erase.erase(Here(), ada, by=COMMAND_LINE)
    again = erase.erase(Here(), ada, by=COMMAND_LINE)

    none = {"calls": 0, "replies": 0, "left": 0}
    assert did == {"events": 4, "bodies": 5, "changes": 2, "notes": 1, **none}
    assert again == {"events": 0, "bodies": 0, "changes": 0, "notes": 0, **none}
    after = erase.preview(db.session(), ada)
    assert (after.record, after.bodies, after.changes, after.notes) == (0, 0, 0, 0)


def test_who_did_it_is_kept_without_a_word_of_it(app, ada):
    erase.erase(Here(), ada, by=COMMAND_LINE)

    db.session.rollback()
    [kept] = db.session.scalars(select(Audit).where(Audit.action == "privacy.erase"))
    assert (kept.actor, kept.resource, kept.record_id) == ("command line", "customers", ada)
    assert json.loads(kept.diff) == {"events": 4, "bodies": 5, "changes": 2, "notes": 1, "calls": 0, "replies": 0}


def test_a_dead_event_that_names_them_is_ignored_and_says_nothing_more(app, ada):
    [dead] = [each.id for each in events() if each.status == "dead"]

    erase.erase(Here(), ada, by=COMMAND_LINE)

    found = next(each for each in events() if each.id == dead)
    assert (found.status, found.outcome, found.last_error) == ("done", "ignored", "Erased.")
    errors = db.session.scalars(select(Attempt.error).where(Attempt.source == "webhook_events", Attempt.row_id == dead)).all()
    assert set(errors) == {"Erased."}


def test_what_waits_keeps_its_body_and_is_counted(app, ada, post, drain):
    post({**CUSTOMER, "timestamp": "2026-06-03T00:00:00Z"}, "standard", id="msg_10")
    waiting = events()[-1].id

    did = erase.erase(Here(), ada, by=COMMAND_LINE)

    assert did["left"] == 1
    assert [each.body_id is not None for each in receipts() if each.event_id == waiting] == [True]
    drain()
    assert erase.erase(Here(), ada, by=COMMAND_LINE)["left"] == 0
    assert "lovelace" not in everything()


def test_a_body_shared_with_somebody_elses_unfinished_event_is_left(app, ada):
    with transaction() as session:
        mine = session.scalars(select(StoredReceipt).where(StoredReceipt.verdict == "ok").order_by(StoredReceipt.id)).all()[0]
        bob = session.scalars(select(Event).where(Event.object_key.endswith("C-bob-1"))).one()
        session.execute(update(StoredReceipt).where(StoredReceipt.event_id == bob.id).values(body_id=mine.body_id))
        bob.status = "dead"

    did = erase.erase(Here(), ada, by=COMMAND_LINE)

    assert did["left"] == 1
    assert next(each for each in events() if each.object_key.endswith("C-bob-1")).status == "dead"


def test_one_in_the_trash_is_erased_too(app, ada):
    with transaction() as session:
        apply(session, [Change("customers", {"trashed_at": customer(ada).created_at}, key={"id": ada}, only="update")],
              Source(Door.FORM, COMMAND_LINE))

    erase.erase(Here(), ada, by=COMMAND_LINE)

    assert "lovelace" not in everything()


def test_it_goes_on_after_a_crash(sign_in, ada, drain, monkeypatch):
    admin, forget = sign_in("admin"), erase._record
    admin.post(f"/privacy/customers/{ada}")

    def killed(*_args, **_kwargs):
        raise MemoryError("gone")
    monkeypatch.setattr(erase, "_record", killed)
    drain()
    monkeypatch.setattr(erase, "_record", forget)
    with transaction() as session:
        session.execute(update(Job).where(Job.kind == "privacy.erase").values(run_at=customer(ada).created_at))
    drain()

    db.session.expire_all()
    [job] = db.session.scalars(select(Job).where(Job.kind == "privacy.erase"))
    assert (job.status, (job.result or {}).get("bodies")) == ("done", 5)
    assert "lovelace" not in everything()


def test_from_the_page_of_the_customer_to_the_end(sign_in, ada, drain):
    admin = sign_in("admin")
    assert f'href="/privacy/customers/{ada}"' in admin.get(f"/customers/{ada}").text

    page = admin.get(f"/privacy/customers/{ada}").text
    assert "3 events about them" in page
    assert admin.post(f"/privacy/customers/{ada}").status_code == 303
    assert admin.post(f"/privacy/customers/{ada}").status_code == 303
    assert 'data-live="1"' in admin.get(f"/privacy/customers/{ada}").text
    drain()

    assert "Erased on" in admin.get(f"/privacy/customers/{ada}").text
    assert db.session.query(Job).where(Job.kind == "privacy.erase").count() == 1


def test_only_admins_may(sign_in, ada, user):
    manager = sign_in("manager")
    assert "Erase personal data" not in manager.get(f"/customers/{ada}").text
    assert manager.get(f"/privacy/customers/{ada}").status_code == 403
    with pytest.raises(Forbidden):
        erase.erase(Here(), ada, by=Actor("staff", "Mara", 1, ("customers.*",)))


def test_somebody_who_is_not_there(app, sign_in):
    with pytest.raises(NotFound):
        erase.erase(Here(), 4711, by=COMMAND_LINE)
    assert sign_in("admin").get("/privacy/customers/4711").status_code == 404


def test_the_command_says_and_does_it(app, ada):
    run = app.test_cli_runner().invoke
    kept = json.loads(run(args=["erase", "ada@byron.example", "--dry-run", "--json"]).output)
    assert (kept["events"], kept["notes"]) == (3, 1)

    done = run(args=["erase", str(ada)])

    assert done.exit_code == 0, done.output
    assert "Erased 5 stored posts" in done.output
    assert "lovelace" not in everything()
    assert run(args=["erase", "nobody@example.com"]).exit_code == 1
    assert db.session.scalars(select(Body.id)).first() is not None, "those of others are there"
