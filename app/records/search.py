"""The search index: a table a resource, written by the gate in the same transaction, many rows a statement.

SQLite: FTS5 with trigrams, rowid = id. PostgreSQL: (id, text) with a trigram index. The text is casefolded.
"""
from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Connection

from app.records import bulk
from app.records.resource import Resource
from app.transaction import is_sqlite

WIRE = ("int8", "text")


def statements(resource: Resource, dialect: str) -> tuple[str, ...]:
    """What makes the index of a resource; run twice it does nothing the second time."""
    name = table(resource)
    if not resource.searched:
        return ()
    if dialect == "sqlite":
        return (f"CREATE VIRTUAL TABLE IF NOT EXISTS {name} USING fts5(text, tokenize='trigram case_sensitive 1')",)
    return ("CREATE EXTENSION IF NOT EXISTS pg_trgm",
            f"CREATE TABLE IF NOT EXISTS {name} (id bigint PRIMARY KEY, text text NOT NULL)",
            f"CREATE INDEX IF NOT EXISTS ix_{name}_text ON {name} USING gin (text gin_trgm_ops)")


def table(resource: Resource) -> str:
    """The name of its index."""
    return f"{resource.name}_search"


def text(resource: Resource, row: Mapping[str, Any]) -> str:
    """What a record is found by: its searched fields, casefolded, one a line."""
    return "\n".join([value.casefold() for column in columns(resource) if (value := row[column])])


@cache
def columns(resource: Resource) -> tuple[str, ...]:
    """The columns that are searched; sensitive ones never, whatever was declared."""
    fields = (resource.require(name) for name in resource.searched)
    return tuple(field.column for field in fields if not field.sensitive)


def add(connection: Connection, resource: Resource, rows: bulk.Tuples) -> None:
    """Index new records; rows are (id, text)."""
    if not rows or not resource.searched:
        return
    if is_sqlite(connection):
        connection.exec_driver_sql(f"INSERT INTO {table(resource)} (rowid, text) VALUES (?, ?)", rows)  # noqa: S608
    else:
        bulk.copy_in(connection, table(resource), ("id", "text"), WIRE, rows)


def replace(connection: Connection, resource: Resource, rows: bulk.Tuples) -> None:
    """Index changed records anew; rows are (id, text) in id order."""
    if not rows or not resource.searched:
        return
    if is_sqlite(connection):
        connection.exec_driver_sql(f"INSERT OR REPLACE INTO {table(resource)} (rowid, text) VALUES (?, ?)", rows)  # noqa: S608
    else:
        connection.exec_driver_sql(f"INSERT INTO {table(resource)} (id, text) VALUES (%s, %s) "  # noqa: S608
                                   "ON CONFLICT (id) DO UPDATE SET text = EXCLUDED.text", rows)
