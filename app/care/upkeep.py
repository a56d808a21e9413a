"""Keeping the database quick: what it knows of its tables is counted anew, and search indexes are put together bit by bit."""
from sqlalchemy import Connection, inspect

from app.jobs.work import Work
from app.records import search
from app.records.registry import resources
from app.transaction import is_sqlite

LOOKED_AT = 1_000     # rows of each index SQLite looks at, however many there are
PAGES = 500           # pages of a search index SQLite merges at a time: others write in between


def keep_up(work: Work) -> dict[str, int]:
    """Count anew and merge, in transactions so short that nobody waits. Twice is once more.

    Returns in how many steps statistics were counted and indexes merged. PostgreSQL merges its own (autovacuum).
    """
    with work.transaction() as session:
        connection = session.connection()
        sqlite = is_sqlite(connection)
        statements = _counting_sqlite() if sqlite else _counting_postgresql(connection)
    for done, statement in enumerate(statements, start=1):
        with work.transaction(done=done, total=len(statements)) as session:
            session.connection().exec_driver_sql(statement)
    indexes = [search.table(resource) for resource in resources() if resource.searched] if sqlite else []
    return {"counted": len(statements), "merged": sum(_merge(work, name) for name in indexes)}


def _counting_sqlite() -> list[str]:
    return [f"PRAGMA analysis_limit = {LOOKED_AT}", "ANALYZE"]


def _counting_postgresql(connection: Connection) -> list[str]:
    quote = connection.dialect.identifier_preparer.quote
    return [f"ANALYZE {quote(name)}" for name in sorted(inspect(connection).get_table_names())]


def _merge(work: Work, name: str) -> int:
    """Make one tree of the many an FTS5 index grows into, step by step; returns how many steps it took.

    A step that changes fewer than two rows had nothing to do (SQLite FTS5, section 6.8).
    """
    steps = 0
    while True:
        with work.transaction() as session:
            if _changed_by(session.connection(), name, PAGES if steps else -PAGES) < 2:
                return steps
        steps += 1


def _changed_by(connection: Connection, name: str, pages: int) -> int:
    def changes() -> int:
        return int(connection.exec_driver_sql("SELECT total_changes()").scalar_one())
    before = changes()
    connection.exec_driver_sql(f"INSERT INTO {name} ({name}, rank) VALUES ('merge', {pages})")  # noqa: S608
    return changes() - before
