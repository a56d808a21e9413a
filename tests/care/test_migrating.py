"""Bringing tables up to date while others try the same."""
import sqlalchemy as sa

from tests.care.conftest import rows
from tests.nursery import ended, typed


def test_two_who_migrate_at_once_do_it_once(installations):
    installation = installations()
    running = [typed(installation.environ, "db", "upgrade") for _ in range(2)]
    assert [ended(process) for process in running] == [0] * 2
    assert installation.findings()["migrations"]["verdict"] == "good"


def test_a_migration_that_fails_leaves_nothing_behind(installations):
    """The whole history is one transaction: here a table that is in the way stops it."""
    installation = installations()
    installation.folder.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(installation.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE webhook_events (id INTEGER)")
    engine.dispose()
    installation.command("db", "upgrade", code=1)
    assert set(rows(installation)) == {"webhook_events"}
