"""The search index: a table a resource, written by the gate in the same transaction, many rows a statement.

SQLite: FTS5 with trigrams, rowid = id. PostgreSQL: (id, text) with a trigram index. The text is folded: without case and accents.
"""
from collections.abc import Mapping, Sequence
from functools import cache
from sys import maxsize
from typing import Any
from unicodedata import combining, normalize

from sqlalchemy import BigInteger, Boolean, ColumnElement, Connection, TableClause, Text, column, func, literal_column, select
from sqlalchemy import table as table_of
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from app.records import bulk
from app.records.resource import Resource
from app.transaction import is_sqlite

WIRE = ("int8", "text")
BARRED = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"})
"""Letters that Unicode takes for letters of their own, as those write them who do not have them."""
SHORTEST = 3          # characters a trigram has


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
    """What a record is found by: its searched fields, folded, one a line."""
    return "\n".join([folded(value) for column in columns(resource) if (value := row[column])])


def folded(text: str) -> str:
    """Text as it is compared: "KÖLN" and "koln" are one, on both databases, in what is kept and in what is asked."""
    if text.isascii():
        return text.lower()
    apart = normalize("NFKD", normalize("NFKD", text).casefold())
    return "".join([mark for mark in apart if not combining(mark)]).translate(BARRED)


@cache
def columns(resource: Resource) -> tuple[str, ...]:
    """The columns that are searched."""
    return tuple(field.column for field in resource.found_by)


def holding(resource: Resource, words: Sequence[str]) -> ColumnElement[bool]:
    """The records that have all of these folded words, as a condition on the resource's table."""
    found = (select(id).select_from(rows).where(*matches) for rows, id, matches in
             (entries(resource, words, sqlite) for sqlite in (True, False)))
    return by_database(*(resource.table.c.id.in_(ids) for ids in found))


class by_database(FunctionElement[bool]):
    """One condition for SQLite, another for PostgreSQL."""

    type = Boolean()
    inherit_cache = True


@compiles(by_database)
def _for_postgresql(element: by_database, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process([*element.clauses][1], **kw)


@compiles(by_database, "sqlite")
def _for_sqlite(element: by_database, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process([*element.clauses][0], **kw)


def entries(resource: Resource, words: Sequence[str],
            sqlite: bool) -> tuple[TableClause, ColumnElement[int], list[ColumnElement[bool]]]:
    """The index, its id, and what holds for the entries that have all of the folded words.

    Where all are too short for the trigrams every text is read: 王 is a name.
    """
    name = table(resource)
    if not sqlite:
        rows = table_of(name, column("id", BigInteger), column("text", Text))
        return rows, rows.c.id, [rows.c.text.like(f"%{_escaped(word)}%") for word in words]
    rows = table_of(name, column("rowid", BigInteger), column("text", Text))
    long = " ".join('"' + word.replace('"', '""') + '"' for word in words if len(word) >= SHORTEST)   # FTS5 strings
    matches = [literal_column(name).bool_op("MATCH")(long)] if long else []
    return rows, rows.c.rowid, [*matches, *has(rows, words, SHORTEST)]


def has(rows: TableClause, words: Sequence[str], below: int = maxsize) -> list[ColumnElement[bool]]:
    """The text has these words, as far as they are shorter than `below`, read without the trigrams."""
    return [func.instr(rows.c.text, word) > 0 for word in words if len(word) < below]


def _escaped(word: str) -> str:
    return word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


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
