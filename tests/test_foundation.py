"""Transactions: what commits, what runs after, what runs again."""
import pytest
from sqlalchemy import func, select

from app.audit import SYSTEM, Audit, note
from app.extensions import db
from app.transaction import after_commit, transaction
from tests.conftest import DATABASES


def count() -> int:
    return db.session.execute(select(func.count()).select_from(Audit)).scalar_one()


def test_a_transaction_commits_and_then_runs_what_waited_for_it(app):
    done = []
    with transaction() as session:
        note(session, SYSTEM, "tests.try", "tests")
        after_commit(session, lambda: done.append(True))
        assert not done
    assert done
    assert count() == 1


def test_a_rolled_back_transaction_leaves_nothing_and_runs_nothing_later(app):
    done = []
    with pytest.raises(ZeroDivisionError), transaction() as session:
        note(session, SYSTEM, "tests.try", "tests")
        after_commit(session, lambda: done.append(True))
        1 / 0  # noqa: B018
    with transaction():
        pass
    assert not done
    assert count() == 0


def test_transactions_do_not_nest(app):
    with pytest.raises(RuntimeError), transaction(), transaction():
        pass
    with transaction() as session:
        note(session, SYSTEM, "tests.try", "tests")
    assert count() == 1


@pytest.mark.alike("one")
@pytest.mark.parametrize("case", ["one", "another"])
def test_or_but_one_case_of_it(database, request, case):
    assert case == "one" or database == (request.config.getoption("--db") or DATABASES)[0]


@pytest.mark.alike
def test_what_no_database_changes_is_asserted_on_one(database, request):
    assert database == (request.config.getoption("--db") or DATABASES)[0]
