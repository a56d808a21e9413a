"""Who may change many records at once, which of them they reach, and what cannot be set."""
from typing import Any

import pytest

from app.access import ROLES
from app.audit import Actor
from app.errors import Conflict, Forbidden, Invalid
from app.extensions import db
from app.jobs.models import Job
from app.records import bulk_run, bulk_steps, selecting
from app.records.bulk_changes import BulkChange
from app.records.bulk_standing import latest
from tests.records.bulking import (
    MANAGER,
    begun,
    chosen,
    column,
    edit,
    everything,
    fresh,
    rows,
    some_orders,
)
from tests.records.stock import put


def with_account(user: Any, role: str = "manager") -> Actor:
    return Actor("staff", role, user(role), ROLES[role])


def test_rights_lost_before_the_run_stop_it_with_a_sentence(app, drain, user):
    by = with_account(user)
    some_orders("placed")
    bulk_id = begun(everything(), by=by, note="x")
    drain()
    bulk_run.run(bulk_id, by=by)
    with db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.exec_driver_sql(f"UPDATE users SET role = 'operator' WHERE id = {by.id}")

    drain()

    job = db.session.get_one(Job, fresh(bulk_id).job_id)
    assert (column("note"), job.status, "orders.bulk" in (job.last_error or "")) == ([None], "dead", True)


def test_ids_of_rows_out_of_ones_scope_are_never_reached(app, drain, user):
    some_orders("placed", "placed")
    edit(2, channel="shop")
    narrow = Actor("staff", "Nora", user("manager", scopes={"orders": "channel=shop"}), ROLES["manager"], {"orders": "channel=shop"})
    for selection in (chosen(1, 2), everything()):
        bulk_id = begun(selection, by=narrow, channel="shop", note="mine")
        drain()
        assert rows(bulk_id)[2][0] == "updated"
        assert rows(bulk_id).get(1, ("missing", None))[0] == "missing", "as if there were none"
        bulk_run.run(bulk_id, by=narrow)
        drain()
        bulk_run.undo(bulk_id, by=narrow)
        drain()
    for deed in ("trash", "restore"):
        bulk_id = begun(chosen(1), deed, by=narrow)
        drain()
        assert rows(bulk_id)[1][0] == "missing"
    assert (column("note"), column("version")[0]) == ([None, None], 1)


@pytest.mark.parametrize(("deed", "values", "where"), [
    ("edit", {}, ""), ("edit", {"number": "X"}, "number"), ("edit", {"external_id": "X"}, "external_id"),
    ("edit", {"lines": []}, "lines"), ("edit", {"shoe": 1}, "shoe"), ("edit", {"currency": "€"}, "currency"),
    ("edit", {"currency": ""}, "currency"), ("status", {"note": "x"}, "note"), ("trash", {"note": "x"}, "")])
def test_values_that_cannot_be_set_are_named_before_anything_is_kept(app, deed, values, where):
    some_orders("placed")

    with pytest.raises(Invalid) as problem:
        begun(chosen(1), deed, **values)

    assert where in problem.value.errors
    assert db.session.query(BulkChange).count() == 0


def test_a_field_one_may_not_read_cannot_be_set(app):
    some_orders("placed")
    blind = Actor("staff", "Bo", 3, ("*.read", "*.edit", "*.bulk"))

    with pytest.raises(Invalid) as problem:
        begun(chosen(1), by=blind, phone="1")

    assert "phone" in problem.value.errors


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_managers_begin_and_run_bulk_changes(app, drain, role):
    some_orders("placed")
    by = Actor("staff", role, 5, ROLES[role])
    bulk_id = begun(chosen(1), note="x")
    drain()
    with pytest.raises(Forbidden):
        begun(chosen(1), by=by, note="x")
    for verb in (bulk_run.run, bulk_run.stop, bulk_run.undo, bulk_run.again, bulk_run.go_on):
        with pytest.raises(Forbidden):
            verb(bulk_id, by=by)


def test_too_many_at_once_are_refused_with_a_sentence_also_if_they_became_too_many_since(app, drain, monkeypatch):
    for place in (selecting, bulk_steps):
        monkeypatch.setattr(place, "LARGEST", 2)
    some_orders("placed", "placed")
    bulk_id = begun(everything(), note="x")
    some = {"number": "N3", "status": "placed", "total_minor": 1, "currency": "EUR"}
    put("orders", {"id": 3, **some})

    with pytest.raises(Conflict, match="Narrow the list"):
        begun(everything(), note="y")
    drain()

    job = db.session.get_one(Job, fresh(bulk_id).job_id)
    assert (fresh(bulk_id).stage, job.status, "Narrow the list" in (job.last_error or "")) == ("choose", "dead", True)


def test_nothing_chosen_is_said(app):
    with pytest.raises(Conflict, match="No record is chosen"):
        begun(chosen(), note="x")


def test_people_see_their_own_bulk_changes_and_managers_all(app):
    some_orders("placed")
    bulk_id = begun(chosen(1), by=MANAGER, note="x")
    was = Actor("staff", "Mara", 41, ROLES["viewer"])
    other = Actor("staff", "Olaf", 42, ROLES["operator"])
    boss = Actor("staff", "Bea", 43, ROLES["manager"])

    assert [[one.bulk.id for one in latest(db.session(), who)] for who in (was, other, boss)] == [[bulk_id], [], [bulk_id]]
