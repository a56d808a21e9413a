"""Bulk changes as steps: ids are frozen, what would change is seen first, and each step goes on where it was."""
from typing import Any

import pytest

from app.access import ROLES
from app.audit import COMMAND_LINE, Actor, Audit
from app.errors import Conflict, Forbidden, Invalid
from app.extensions import db
from app.jobs.models import Job
from app.records import bulk_run, bulk_steps, selecting
from app.records.bulk_changes import BulkChange
from app.records.bulk_standing import latest, standing
from tests.records.bulking import (
    batch_of,
    begun,
    chosen,
    column,
    edit,
    everything,
    fresh,
    rows,
    some_orders,
    statuses,
    written_by,
)
from tests.records.stock import put

MANAGER = Actor("staff", "Mara", 41, ROLES["manager"])


def with_account(user: Any, role: str = "manager") -> Actor:
    return Actor("staff", role, user(role), ROLES[role])


def test_all_that_match_are_written_down_previewed_changed_and_taken_back(app, drain, monkeypatch):
    monkeypatch.setattr(bulk_steps, "WRITTEN_DOWN", 2)
    some_orders("placed", "draft", "placed", "shipped", "placed")

    bulk_id = begun(everything("status=placed,shipped"), "status", status="shipped")
    assert (fresh(bulk_id).stage, batch_of(bulk_id).rows) == ("choose", 0)
    drain()
    assert fresh(bulk_id).stage == "review"
    assert {id: outcome for id, (outcome, _) in rows(bulk_id).items()} == {1: "updated", 3: "updated", 4: "unchanged", 5: "updated"}
    assert statuses() == ["placed", "draft", "placed", "shipped", "placed"], "nothing is written by a preview"

    bulk_run.run(bulk_id, by=COMMAND_LINE)
    drain()
    assert statuses() == ["shipped", "draft", "shipped", "shipped", "shipped"]
    assert (fresh(bulk_id).stage, batch_of(bulk_id).outcomes) == ("done", {"updated": 3, "unchanged": 1})
    assert written_by(bulk_id) == (3, 3)

    bulk_run.undo(bulk_id, by=COMMAND_LINE)
    drain()
    assert statuses() == ["placed", "draft", "placed", "shipped", "placed"]
    assert (fresh(bulk_id).stage, batch_of(bulk_id).undone) == ("undone", {"restored": 3})


def test_what_matches_later_is_not_touched_and_what_no_longer_matches_is(app, drain):
    some_orders("placed", "draft")
    bulk_id = begun(everything("status=placed"), note="held")
    drain()
    edit(2, status="placed")

    bulk_run.run(bulk_id, by=COMMAND_LINE)
    drain()

    assert column("note") == ["held", None]


def test_what_cannot_be_changed_is_named_and_refuses_nothing_else(app, drain):
    some_orders("placed", "delivered")
    bulk_id = begun(chosen(1, 2, 77), "status", status="shipped")
    drain()

    found = rows(bulk_id)
    assert [found[id][0] for id in (1, 2, 77)] == ["updated", "invalid", "missing"]
    assert "cannot go from Delivered to Shipped" in (found[2][1] or {})["status"]
    bulk_run.run(bulk_id, by=COMMAND_LINE)
    drain()
    assert statuses() == ["shipped", "delivered"]
    assert batch_of(bulk_id).outcomes == {"updated": 1, "invalid": 1, "missing": 1}


def test_a_record_changed_between_preview_and_run_is_a_conflict_and_can_be_previewed_again(app, drain):
    some_orders("placed", "placed")
    bulk_id = begun(everything(), note="from the bulk")
    drain()
    edit(1, note="from a person")

    bulk_run.run(bulk_id, by=COMMAND_LINE)
    drain()
    assert column("note") == ["from a person", "from the bulk"]
    assert rows(bulk_id)[1][0] == "conflict"

    again = bulk_run.again(bulk_id, by=COMMAND_LINE)
    assert bulk_run.again(bulk_id, by=COMMAND_LINE) == again, "pressed twice it is one"
    drain()
    assert {id: outcome for id, (outcome, _) in rows(again).items()} == {1: "updated"}
    bulk_run.run(again, by=COMMAND_LINE)
    drain()
    assert column("note") == ["from the bulk", "from the bulk"]


def test_undo_keeps_what_somebody_changed_since_and_names_it(app, drain):
    some_orders("placed", "placed")
    bulk_id = begun(everything(), note="bulk")
    drain()
    bulk_run.run(bulk_id, by=COMMAND_LINE)
    drain()
    edit(2, note="since")

    bulk_run.undo(bulk_id, by=COMMAND_LINE)
    drain()

    assert column("note") == [None, "since"]
    assert (rows(bulk_id)[1][0], rows(bulk_id)[2][0]) == ("restored", "kept")
    assert "has changed this record since" in (rows(bulk_id)[2][1] or {})[""]


def test_to_the_trash_and_back_each_undone_to_where_it_was(app, drain):
    some_orders("placed", "placed")
    gone = begun(everything(), "trash")
    drain()
    bulk_run.run(gone, by=COMMAND_LINE)
    drain()
    assert None not in column("trashed_at")
    moments = column("trashed_at")

    back = begun(everything("trashed=only"), "restore")
    drain()
    bulk_run.run(back, by=COMMAND_LINE)
    drain()
    assert column("trashed_at") == [None, None]

    bulk_run.undo(back, by=COMMAND_LINE)
    drain()
    assert column("trashed_at") == moments
    bulk_run.undo(gone, by=COMMAND_LINE)
    drain()
    assert column("trashed_at") == moments, "taken back since by another bulk change: they are kept"
    assert batch_of(gone).undone == {"kept": 2}


@pytest.mark.parametrize("verb", ["run", "undo"])
def test_pressing_twice_does_it_once(app, drain, verb):
    some_orders("placed")
    bulk_id = begun(everything(), note="x")
    drain()
    bulk_run.run(bulk_id, by=COMMAND_LINE)
    if verb == "undo":
        drain()
        bulk_run.undo(bulk_id, by=COMMAND_LINE)
    getattr(bulk_run, verb)(bulk_id, by=COMMAND_LINE)
    drain()
    getattr(bulk_run, verb)(bulk_id, by=COMMAND_LINE)
    drain()

    kind = {"run": "bulk.apply", "undo": "bulk.undo"}[verb]
    assert db.session.query(Job).filter_by(kind=kind).count() == 1
    assert db.session.query(Audit).filter_by(action=f"bulk.{verb}").count() == 1


def test_a_form_sent_twice_is_one_bulk_change_and_nobody_takes_over_that_of_another(app):
    some_orders("placed")
    first = begun(chosen(1), once="o" * 20, by=MANAGER, note="x")

    assert begun(chosen(1), once="o" * 20, by=MANAGER, note="x") == first
    with pytest.raises(Conflict):
        begun(chosen(1), once="o" * 20, note="x")
    assert db.session.query(BulkChange).count() == 1


def test_cancelled_before_the_run_nothing_is_written_and_twice_is_once(app, drain):
    some_orders("placed")
    bulk_id = begun(everything(), note="x")

    bulk_run.stop(bulk_id, by=COMMAND_LINE)
    bulk_run.stop(bulk_id, by=COMMAND_LINE)
    drain()

    assert (fresh(bulk_id).stage, batch_of(bulk_id).rows, column("note")) == ("cancelled", 0, [None])
    assert db.session.query(Audit).filter_by(action="bulk.stop").count() == 1
    with pytest.raises(Conflict):
        bulk_run.run(bulk_id, by=COMMAND_LINE)


def test_stopped_in_the_middle_what_is_written_stays_and_it_goes_on_or_back(app, drain):
    some_orders(*["placed"] * 300)      # on SQLite a chunk has 200
    bulk_id = begun(everything(), note="x")
    drain()
    bulk_run.run(bulk_id, by=COMMAND_LINE)
    bulk_run.stop(bulk_id, by=COMMAND_LINE)
    drain()
    assert (fresh(bulk_id).stage, set(column("note"))) == ("apply", {None})
    assert standing(db.session(), bulk_id, MANAGER).is_stuck

    bulk_run.go_on(bulk_id, by=COMMAND_LINE)
    bulk_run.go_on(bulk_id, by=COMMAND_LINE)
    drain()

    assert (fresh(bulk_id).stage, set(column("note"))) == ("done", {"x"})
    assert written_by(bulk_id) == (300, 300)


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
