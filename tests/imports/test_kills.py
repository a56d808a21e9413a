"""Workers that are killed in the middle of an import, and imports that are large."""
import psutil
import pytest
from sqlalchemy import func, select

from app.audit import COMMAND_LINE, Audit
from app.extensions import db
from app.imports import run
from app.records.batches import BatchRow
from tests.imports.flow import batch_of, confirmed, customers, fresh, many, names, sent
from tests.jobs.killing import killed_when, work_off, worker


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_the_run_repeats_nothing_and_loses_nothing(previewed, drain, environ):
    total = 3_000
    import_id = previewed(many(total))
    run.run(import_id, False, by=COMMAND_LINE)

    killed_when(worker(environ), lambda: 0 < len(names()) < total)
    written = len(names())
    assert 0 < written < total
    work_off(drain)

    assert len(names()) == len(set(names())) == total
    assert set(db.session.scalars(select(customers.c.version))) == {1}
    changes = select(func.count(), func.count(func.distinct(Audit.door_part))).where(Audit.door_id == import_id, Audit.door == "import")
    assert tuple(db.session.execute(changes).one()) == (total, total)
    assert (fresh(import_id).stage, batch_of(import_id).outcomes) == ("done", {"created": total})


@pytest.mark.slow
def test_a_worker_killed_while_it_reads_or_plans_starts_over_without_doubles(app, drain, environ):
    total = 4_000
    import_id = sent(many(total))
    def rows() -> int:
        db.session.rollback()
        return db.session.scalar(select(func.count()).select_from(BatchRow)) or 0

    killed_when(worker(environ), lambda: 0 < rows() < total)
    work_off(drain)

    assert (rows(), batch_of(import_id).rows, fresh(import_id).stage) == (total, total, "match")
    confirmed(import_id)
    killed_when(worker(environ), lambda: 0 < sum(batch_of(import_id).plans.values()) < total)
    work_off(drain)
    assert batch_of(import_id).plans == {"created": total}


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(app, drain, database):
    if database == "postgresql":
        pytest.skip("it is the same Python that reads and plans")
    process = psutil.Process()
    import_id = sent(many(1_000))
    drain()
    confirmed(import_id)
    drain()
    before = process.memory_info().rss

    import_id = sent(many(15_000, "a rather longer name than before "))
    drain()
    confirmed(import_id)
    drain()

    assert batch_of(import_id).plans == {"created": 15_000}
    assert process.memory_info().rss - before < 25 * 2**20
