"""Bulk changes as steps: ids are frozen, what would change is seen first, and each step goes on where it was."""
import pytest
from sqlalchemy import event, select

from app.audit import COMMAND_LINE, Audit
from app.errors import Conflict
from app.extensions import db
from app.jobs.drain import drain as drain_queue
from app.jobs.models import Job
from app.records import bulk_run, bulk_sheet, bulk_steps
from app.records.applying import apply_chunk
from app.records.bulk_changes import BulkChange
from app.records.bulk_standing import standing
from app.transaction import transaction
from tests.records.bulking import (
    MANAGER,
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


def begun_to_write(*before: str) -> int:
    """A run of which the first record is written, then stopped by a person."""
    some_orders(*before)
    bulk_id = begun(everything(), note="x")
    drain_queue("heavy")
    bulk_run.run(bulk_id, by=COMMAND_LINE)
    shape, batch_id = bulk_steps.shape_of(fresh(bulk_id), batch_of(bulk_id)), batch_of(bulk_id).id
    with transaction() as session:
        apply_chunk(session, batch_id, COMMAND_LINE, shape, size=1)
    bulk_run.stop(bulk_id, by=COMMAND_LINE)
    return bulk_id


def test_a_stop_that_comes_too_late_says_so(app, drain, sign_in):
    some_orders("placed", "placed")
    bulk_id = begun(everything(), note="x")
    drain()
    bulk_run.run(bulk_id, by=COMMAND_LINE)
    drain()

    browser = sign_in("manager")
    with pytest.raises(Conflict, match="too late"):
        bulk_run.stop(bulk_id, by=COMMAND_LINE)
    assert "Stop came too late" not in browser.get(f"/bulk/{bulk_id}").text
    assert "Stop came too late" in browser.post(f"/bulk/{bulk_id}/stop", follow_redirects=True).text


def test_asked_to_stop_in_its_last_step_the_page_says_that_all_was_written(app, drain, sign_in):
    some_orders("placed", "placed")
    bulk_id = begun(everything(), note="x")
    drain()
    bulk_run.run(bulk_id, by=COMMAND_LINE)
    drain()
    with transaction() as session:
        job = session.get_one(Job, fresh(bulk_id).job_id)
        job.cancel_requested_at = job.finished_at

    assert "The last step was under way" in sign_in("manager").get(f"/bulk/{bulk_id}").text


def test_a_stop_and_the_end_of_its_job_are_one_commit_so_that_no_crash_parts_them(app, drain):
    some_orders("placed", "placed")
    bulk_id = begun(everything(), note="x")
    drain()
    bulk_run.run(bulk_id, by=COMMAND_LINE)
    job, session, seen = fresh(bulk_id).job_id, db.session(), []

    def look(_session):
        with db.engine.connect() as other:
            seen.append(other.scalar(select(Job.status).where(Job.id == job)))

    event.listen(session, "after_commit", look)
    bulk_run.stop(bulk_id, by=COMMAND_LINE)
    event.remove(session, "after_commit", look)

    assert seen == ["cancelled"]
    assert db.session.query(Audit).filter_by(action="bulk.stop").count() == 1


def test_stopped_in_the_middle_what_is_written_stays_and_it_goes_on(app, drain):
    bulk_id = begun_to_write("placed", "placed", "placed")
    drain()
    assert (fresh(bulk_id).stage, column("note")) == ("apply", ["x", None, None])
    assert standing(db.session(), bulk_id, COMMAND_LINE).is_stuck

    bulk_run.go_on(bulk_id, by=COMMAND_LINE)
    bulk_run.go_on(bulk_id, by=COMMAND_LINE)
    drain()

    assert (fresh(bulk_id).stage, column("note")) == ("done", ["x", "x", "x"])
    assert written_by(bulk_id) == (3, 3)


def test_stopped_in_the_middle_what_is_written_is_taken_back_and_the_rest_was_never_run(app, drain):
    bulk_id = begun_to_write("placed", "placed")

    bulk_run.undo(bulk_id, by=COMMAND_LINE)
    drain()

    assert (fresh(bulk_id).stage, column("note"), column("version")) == ("undone", [None, None], [3, 1])
    shown, _ = bulk_sheet.rows(db.session(), standing(db.session(), bulk_id, COMMAND_LINE), "", 0, COMMAND_LINE)
    assert [row.mark.word for row in shown] == ["Undone", "Not run"]
