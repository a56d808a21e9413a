"""The nightly upkeep: the database knows its tables again, and a search index that grew in pieces is one."""
import pytest
from sqlalchemy import select, text

from app import create_app
from app.commerce.orders import orders
from app.config import load
from app.extensions import db
from app.jobs.enqueue import enqueue
from app.jobs.models import Job
from app.records import search
from app.transaction import transaction


@pytest.fixture
def grown(installation):
    """An installation whose search index grew in pieces, one a transaction. Of its own: statistics would outlive the test."""
    app = create_app(load(installation.environ))
    with app.app_context():
        for id in range(1, 5):
            with transaction() as session:
                search.add(session.connection(), orders, [(id, f"order {id} of ada")])
        yield installation
        db.session.remove()
        db.engine.dispose()


def night(installation):
    """One run of it; returns its result."""
    with transaction() as session:
        id = enqueue(session, "care.upkeep").id
    installation.command("drain")
    done = db.session.get_one(Job, id)
    assert done.status == "done", done.last_error
    return done.result


def known(database):
    """How many tables the planner has statistics of."""
    count = "count(DISTINCT tbl) FROM sqlite_stat1" if database == "sqlite" else "count(*) FROM pg_stat_user_tables WHERE last_analyze IS NOT NULL"
    return db.session.execute(text(f"SELECT {count}")).scalar_one()


def found(word, database):
    rows, id, matches = search.entries(orders, [word], database == "sqlite")
    return db.session.execute(select(id).select_from(rows).where(*matches).order_by(id)).scalars().all()


def test_a_night_puts_indexes_together_and_counts_the_tables(grown, database):
    first, second = night(grown), night(grown)

    assert known(database) > 0
    assert first["counted"] > 0
    assert (first["merged"] > 0, second["merged"]) == (database == "sqlite", 0)
    assert found("ada", database) == [1, 2, 3, 4]
