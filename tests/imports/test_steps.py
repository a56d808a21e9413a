"""The steps of an import as jobs: each goes on where it was, whatever is killed, cancelled or changed in between."""
import io
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from app.audit import COMMAND_LINE, Actor
from app.errors import Conflict, Forbidden, Invalid, TooLarge
from app.extensions import db
from app.files.limits import Options
from app.files.storage import open_storage
from app.imports import match, read, run
from app.imports.choices import Choices
from app.imports.models import Import
from app.imports.standing import standing
from app.imports.upload import start, twin, upload
from app.jobs.models import Job
from app.records import batches
from app.records.batches import BatchRow
from app.transaction import transaction
from tests.imports.flow import batch_of, change, customers, fresh, many, names, sent


def test_an_upload_is_only_kept_until_a_worker_reads_it(app, drain):
    import_id = sent("email,name\na@example.com,A\n")

    assert (fresh(import_id).stage, fresh(import_id).columns) == ("read", [])
    drain()

    assert fresh(import_id).stage == "match"
    assert [(column["header"], column["field"], column["sure"]) for column in fresh(import_id).columns] == [
        ("email", "email", "certain"), ("name", "name", "certain")]


def test_the_way_from_upload_to_records_in_four_steps(previewed, drain):
    import_id = previewed("email,name\na@example.com,A\nbad,B\n")

    assert (fresh(import_id).stage, batch_of(import_id).plans, names()) == ("preview", {"created": 1, "invalid": 1}, [])
    run.run(import_id, False, by=COMMAND_LINE)
    drain()

    assert (fresh(import_id).stage, batch_of(import_id).outcomes, names()) == ("done", {"created": 1, "invalid": 1}, ["A"])
    job = db.session.get_one(Job, fresh(import_id).job_id)
    assert (job.status, job.progress_done, job.progress_total) == ("done", 1, 1), "its job says that it came to the end"


def test_running_twice_runs_once(previewed, drain):
    import_id = previewed(many(3))
    run.run(import_id, False, by=COMMAND_LINE)

    with pytest.raises(Conflict):
        run.run(import_id, False, by=COMMAND_LINE)
    drain()

    assert db.session.scalar(select(func.count()).select_from(Job).where(Job.kind == "imports.apply")) == 1
    assert len(names()) == 3


def test_a_record_changed_between_preview_and_run_is_a_conflict_and_stays(previewed, drain):
    change("c0@example.com", name="old")
    import_id = previewed(many(2))
    change("c0@example.com", name="edited meanwhile")

    run.run(import_id, False, by=COMMAND_LINE)
    drain()

    assert names() == ["edited meanwhile", "n1"]
    row = db.session.get_one(BatchRow, (fresh(import_id).batch_id, 2))
    assert (row.outcome, "after the preview" in (row.errors or {})[""]) == ("conflict", True)


def test_a_record_created_between_preview_and_run_is_a_conflict_and_no_twin(previewed, drain):
    import_id = previewed(many(2))
    change("c0@example.com", name="somebody was faster")

    run.run(import_id, False, by=COMMAND_LINE)
    drain()

    assert names() == ["somebody was faster", "n1"]
    assert batch_of(import_id).outcomes == {"conflict": 1, "created": 1}


def test_all_or_nothing_that_is_spoilt_at_the_last_moment_writes_nothing_and_says_why(previewed, drain):
    import_id = previewed(many(5))
    change("c3@example.com", name="faster")

    run.run(import_id, True, by=COMMAND_LINE)
    drain()

    assert (names(), fresh(import_id).stage) == (["faster"], "preview")
    assert "Nothing was written" in (fresh(import_id).problem or "")
    assert batch_of(import_id).plans == {"created": 4, "conflict": 1}


def test_all_or_nothing_is_not_begun_while_rows_are_refused(previewed):
    import_id = previewed("email\na@example.com\nbad\n")

    with pytest.raises(Conflict, match="1 row is refused"):
        run.run(import_id, True, by=COMMAND_LINE)


def test_rights_lost_on_the_way_refuse_the_rows_left(app, drain, user):
    operator = user("operator")
    by = Actor("staff", "Olaf", operator, ("*.read", "*.create", "*.edit", "*.import"))
    import_id = sent(many(3), by=by)
    drain()
    match.match(import_id, Choices(["email", "name"], key="email"), by=by)
    drain()
    run.run(import_id, False, by=by)
    with db.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE users SET role = 'viewer' WHERE id = {operator}")

    drain()

    assert (names(), batch_of(import_id).outcomes) == ([], {"forbidden": 3})


def test_the_plan_is_made_anew_with_other_columns(previewed, drain):
    import_id = previewed("email,name\na@example.com,A\n")
    change("a@example.com", name="B")

    match.match(import_id, Choices(["email", None], key="email"), by=COMMAND_LINE)
    drain()

    assert batch_of(import_id).plans == {"unchanged": 1}


@pytest.mark.parametrize(("choices", "where"), [
    (Choices(["email", "email"], key="email"), "field-1"), (Choices(["shoe", "name"], key="email"), "field-0"),
    (Choices([None, "name"], key="email"), "key"), (Choices([None, None], key="email", mode="create"), ""),
    (Choices(["email", "name"], key="name"), "key"), (Choices(["email"], key="email"), ""),
    (Choices(["email", "name"], key="email", mode="replace"), "")])
def test_choices_that_make_no_sense_are_named_at_their_place(app, drain, choices, where):
    import_id = sent("email,name\na@example.com,A\n")
    drain()

    with pytest.raises(Invalid) as problem:
        match.match(import_id, choices, by=COMMAND_LINE)

    assert where in problem.value.errors


def test_the_match_is_remembered_for_the_next_file_with_these_headings(previewed, drain):
    import_id = sent("Adresse,Wer\na@example.com,A\n")
    drain()
    match.match(import_id, Choices(["email", "name"], key="email"), by=COMMAND_LINE)
    drain()
    run.run(import_id, False, by=COMMAND_LINE)
    drain()

    again = sent("Adresse,Wer\nb@example.com,B\n")
    drain()

    assert [(column["field"], column["sure"]) for column in fresh(again).columns] == [("email", "certain"), ("name", "certain")]


def test_the_very_same_file_is_noticed(previewed, drain):
    first = previewed(many(2))
    assert twin(db.session(), fresh(first)) is None
    run.run(first, False, by=COMMAND_LINE)
    drain()

    second = previewed(many(2))

    found = twin(db.session(), fresh(second))
    assert found is not None
    assert found.id == first
    assert batch_of(second).plans == {"unchanged": 2}


def test_a_file_can_be_read_again_from_another_row(app, drain):
    import_id = sent("x,y\nemail,name\na@example.com,A\n")
    drain()

    read.again(import_id, Options(header_row=2), by=COMMAND_LINE)
    drain()

    assert [column["header"] for column in fresh(import_id).columns] == ["email", "name"]
    assert batch_of(import_id).rows == 1


def test_a_file_that_kills_its_reader_costs_one_failed_import_with_a_sentence(app, drain):
    import_id = upload(io.BytesIO(b"PK\x03\x04" + bytes(100)), "bomb.xlsx", "customers", by=COMMAND_LINE)
    other = sent(many(1))

    drain()

    assert (fresh(import_id).stage, (fresh(import_id).problem or "")[-1:]) == ("unreadable", ".")
    assert db.session.get_one(Job, fresh(import_id).job_id).status == "done"
    assert fresh(other).stage == "match"


def test_nothing_is_kept_of_an_upload_that_is_too_large_or_empty(app, monkeypatch):
    before = list_of_files()

    with pytest.raises(TooLarge):
        start(Endless(), "big.csv", "customers", by=COMMAND_LINE)
    with pytest.raises(Exception, match="empty"):
        start(io.BytesIO(b""), "empty.csv", "customers", by=COMMAND_LINE)

    assert list_of_files() == before
    assert db.session.scalars(select(Import)).all() == []


def test_undo_takes_back_what_was_created_and_changed_and_keeps_what_was_edited_since(previewed, drain):
    for number in range(3):
        change(f"c{number}@example.com", name=f"old{number}")
    import_id = previewed(many(6))
    run.run(import_id, False, by=COMMAND_LINE)
    drain()
    change("c1@example.com", name="edited since")
    change("c4@example.com", name="edited since")

    run.undo(import_id, by=COMMAND_LINE)
    drain()

    assert names() == ["old0", "edited since", "old2", "n3", "edited since", "n5"]
    trashed = list(db.session.scalars(select(customers.c.email).where(customers.c.trashed_at.is_not(None)).order_by(customers.c.id)))
    assert trashed == ["c3@example.com", "c5@example.com"]
    assert (fresh(import_id).stage, batch_of(import_id).undone) == ("undone", {"restored": 2, "kept": 2, "trashed": 2})
    assert batches.counts(db.session(), batch_of(import_id)) == {"restored": 2, "kept": 2, "trashed": 2}


def test_an_import_that_runs_can_be_stopped_and_gone_on_with(previewed, drain):
    import_id = previewed(many(3))
    run.run(import_id, False, by=COMMAND_LINE)
    run.stop(import_id, by=COMMAND_LINE)
    drain()
    assert (names(), standing(db.session(), import_id, COMMAND_LINE).mark.word) == ([], "Stopped")

    run.go_on(import_id, by=COMMAND_LINE)
    drain()

    assert (len(names()), fresh(import_id).stage) == (3, "done")


def test_an_upload_is_deleted_a_month_after_its_import_has_ended(previewed, drain):
    import_id = previewed(many(1))
    run.run(import_id, False, by=COMMAND_LINE)
    drain()
    assert run.forget_old() == 0
    name = fresh(import_id).file or ""
    with transaction() as session:
        session.get_one(Import, import_id).finished_at = datetime.now(UTC) - timedelta(days=31)

    assert run.forget_old() == 1

    assert not open_storage().exists(name)
    assert fresh(import_id).file is None


def test_a_reading_that_was_cancelled_stays_cancelled(app, drain):
    import_id = sent(many(2))
    run.stop(import_id, by=COMMAND_LINE)

    drain()

    assert fresh(import_id).stage == "cancelled"
    assert db.session.get_one(Job, fresh(import_id).job_id).status == "cancelled"


def test_an_import_given_up_before_its_run_is_cancelled(previewed):
    import_id = previewed(many(1))

    run.stop(import_id, by=COMMAND_LINE)

    assert fresh(import_id).stage == "cancelled"
    with pytest.raises(Conflict):
        run.run(import_id, False, by=COMMAND_LINE)


def test_only_who_may_import_can_run_stop_or_undo(previewed):
    import_id = previewed(many(1))
    viewer = Actor("staff", "Vera", 7, ("*.read",))

    for verb in (lambda: run.run(import_id, False, by=viewer), lambda: run.stop(import_id, by=viewer),
                 lambda: run.undo(import_id, by=viewer), lambda: run.go_on(import_id, by=viewer)):
        with pytest.raises(Forbidden):
            verb()


def list_of_files() -> set[str]:
    storage = open_storage()
    return set(storage._files.find(storage._root))


class Endless(io.RawIOBase):
    """More bytes than anybody may upload."""

    def read(self, size: int = -1) -> bytes:
        return b"x" * 2**20
