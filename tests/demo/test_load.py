"""Loading the demo: through the gate and the receive path, with an event in every state there is."""
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.accounts.models import User
from app.audit import Audit
from app.config import config
from app.demo import load, words
from app.errors import Conflict
from app.exports.models import Export
from app.extensions import db
from app.files.storage import open_storage
from app.imports.models import Import
from app.records import registry
from app.records.batches import Batch
from app.webhooks.models import Event, StoredReceipt

ORDERS = 120


@pytest.fixture
def loaded(app):
    return load(ORDERS, seed=3).counts


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
