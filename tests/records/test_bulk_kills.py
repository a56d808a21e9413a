"""A worker that is killed in the middle of a bulk change."""
import pytest

from app.audit import COMMAND_LINE
from app.records import bulk_run
from tests.jobs.killing import killed_when, work_off, worker
from tests.records.bulking import batch_of, begun, column, everything, fresh, some_orders, written_by


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_the_run_or_the_undo_repeats_nothing_and_loses_nothing(app, drain, environ):
    total = 2_500
    some_orders(*["placed"] * total)
    bulk_id = begun(everything(), note="x")
    drain()
    bulk_run.run(bulk_id, by=COMMAND_LINE)

    killed_when(worker(environ), lambda: 0 < column("note").count("x") < total)
    assert 0 < column("note").count("x") < total
    work_off(drain)

    assert column("note") == ["x"] * total
    assert set(column("version")) == {2}
    assert written_by(bulk_id) == (total, total)
    assert (fresh(bulk_id).stage, batch_of(bulk_id).outcomes) == ("done", {"updated": total})

    bulk_run.undo(bulk_id, by=COMMAND_LINE)
    killed_when(worker(environ), lambda: 0 < column("note").count(None) < total)
    work_off(drain)
    assert set(column("version")) == {3}
    assert (set(column("note")), batch_of(bulk_id).undone) == ({None}, {"restored": total})
