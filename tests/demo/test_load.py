"""Loading the demo: through the gate and the receive path, with an event in every state there is."""
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import func, select, update

from app.accounts.models import User
from app.audit import Audit
from app.commerce.payments import TAKEN
from app.config import config
from app.demo import load, words
from app.errors import Conflict
from app.exports.models import Export
from app.extensions import db
from app.files.storage import open_storage
from app.imports.models import Import
from app.jobs import queues
from app.jobs.drain import drain
from app.records import registry
from app.records.batches import Batch
from app.transaction import now, transaction
from app.webhooks.models import Event, StoredReceipt
from tests.conftest import empty

pytestmark = pytest.mark.alike
ORDERS = 120


@pytest.fixture(scope="module")
def loaded(made):
    """The shop, loaded once for all these tests: they only look at it, and the last one lets its queues be worked off."""
    with made.app_context():
        yield load(ORDERS, seed=3).counts
        db.session.remove()
        empty()


@pytest.fixture
def app(made, loaded):
    with made.app_context():
        yield made
        db.session.rollback()


def rows(model, **values):
    return db.session.execute(select(func.count()).select_from(model).filter_by(**values)).scalar_one()


def test_it_says_what_it_made(loaded):
    assert loaded["orders"] == ORDERS == rows(registry.named("orders").model)
    assert loaded["payments"] >= ORDERS - 10
    assert loaded["imports"] == 2
    assert loaded["exports"] == 1
    assert loaded["webhook endpoints"] == 2


def test_there_is_an_event_in_every_state_a_person_can_meet(loaded):
    told = Counter((row.status, row.outcome) for row in db.session.execute(select(Event.status, Event.outcome)))
    assert told["done", "updated"] > 20
    assert told["done", "stale"]
    assert told["done", "ignored"]
    assert told["dead", "unreadable"]
    assert told["dead", None]
    assert rows(Event, status="waiting", attempts=0)
    assert rows(Event, status="waiting", attempts=1)
    assert {verdict for verdict, in db.session.execute(select(StoredReceipt.verdict))} == {"ok", "duplicate", "rejected"}


@pytest.mark.parametrize(("embedded", "cure"), [(True, "set INSTANCE_DIR to a new folder"), (False, "set DATABASE_URL to an empty database")])
def test_a_second_demo_is_refused_with_the_cure_for_its_database(loaded, app, monkeypatch, embedded, cure):
    monkeypatch.setitem(app.extensions, "backroom.config", replace(config(), embedded=embedded))

    with pytest.raises(Conflict, match=cure):
        load(1)


def paid_for():
    """(status, payment status, total) of every order, and (status, amount, refunded) of its payments."""
    orders, payments = registry.named("orders").table, registry.named("payments").table
    found: dict[int, tuple[tuple[str, str, int], list[tuple[str, int, int]]]] = {row.id: ((row.status, row.payment_status, row.total_minor), []) for row in db.session.execute(select(orders))}
    for row in db.session.execute(select(payments)):
        found[row.order_id][1].append((row.status, row.amount_minor, row.refunded_minor))
    db.session.rollback()
    return found.values()


def contradictions():
    """Orders that say of their money what their payments do not say."""
    wrong = []
    for order, tries in paid_for():
        status, payment_status, total = order
        taken = [(amount, back) for state, amount, back in tries if state in TAKEN]
        told = {state for state, _, _ in tries if state != "failed"} or {state for state, _, _ in tries} or {"pending"}
        fits = told == {payment_status} and sum(amount for amount, _ in taken) in (0, total)
        sent = status not in ("packing", "shipped", "delivered", "returned") or payment_status in TAKEN
        back = (payment_status == "refunded") == bool(taken and all(amount == back for amount, back in taken))
        if not (fits and sent and back and (status != "returned" or payment_status in ("refunded", "part_refunded"))):
            wrong.append((order, tries))
    return wrong


def test_orders_and_their_payments_tell_one_story(loaded):
    assert contradictions() == []


def test_every_dead_event_says_why(loaded):
    assert all(db.session.scalars(select(Event.last_error).where(Event.status == "dead")))


def test_every_written_record_is_in_the_audit(loaded):
    """Nothing of the demo goes past the gate."""
    for resource in registry.resources():
        versions = db.session.execute(select(func.sum(resource.table.c.version))).scalar_one()
        assert versions == rows(Audit, resource=resource.name), resource.name


def test_young_orders_were_moved_by_staff(loaded):
    moved = db.session.execute(select(Audit.actor, func.count()).where(Audit.resource == "orders", Audit.door == "form")
                               .group_by(Audit.actor)).all()
    assert {name for name, _ in moved} <= {"Omar Haddad", "Tess Keller"}
    assert moved


def test_an_import_was_refused_in_part_and_another_waits_in_its_preview(loaded):
    done, waiting = db.session.scalars(select(Import).order_by(Import.id)).all()
    assert (done.stage, waiting.stage) == ("done", "preview")
    outcomes = db.session.get_one(Batch, done.batch_id).outcomes
    assert outcomes["created"]
    assert outcomes["updated"]
    assert outcomes["invalid"] == 3


def test_the_export_can_be_downloaded(loaded):
    export = db.session.scalars(select(Export)).one()
    assert export.rows
    assert export.file
    assert open_storage().size(export.file) == export.size


def test_the_team_has_roles_and_no_passwords(loaded):
    team = {user.email: user for user in db.session.scalars(select(User))}
    assert {email: user.role for email, user in team.items()} == {email: role for email, _, role in words.TEAM}
    assert all(user.password_hash is None for user in team.values())


def test_it_is_not_loaded_over_records(loaded):
    with pytest.raises(Conflict, match="empty installation"):
        load(5)
    assert rows(registry.named("orders").model) == ORDERS


def test_they_still_do_once_everything_is_worked_off(loaded, app):
    with transaction() as session:
        session.execute(update(Event).where(Event.status == "waiting").values(run_at=now(session)))
    while sum(drain(queue.name) for queue in queues.registered()):
        pass
    db.session.rollback()
    assert rows(Event, status="waiting") == 0
    assert contradictions() == []
    assert db.session.scalars(select(registry.named("payments").table.c.method)).all().count(None) == 0, "what they told arrived"
