"""Rows whose ids the database gives: many in one statement of our own words; SQLAlchemy's cost more than the database does."""
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table

from app.records.bulk import POSTGRESQL, WIRE, Tuples
from app.transaction import is_sqlite

TOGETHER = 100           # rows of one statement
KINDS = {**WIRE, "BYTEA": "bytea"}


def insert_new(connection: Connection, table: Table, columns: tuple[str, ...], key: tuple[str, ...], rows: Tuples) -> list[Any]:
    """Add those whose `key` no other row has; (id, *key) of these, in no order."""
    found: list[Any] = []
    for at in range(0, len(rows), TOGETHER):
        part = rows[at:at + TOGETHER]
        sql = _insert_new(table, columns, key, len(part), is_sqlite(connection))
        found += connection.exec_driver_sql(sql, tuple(value for row in part for value in row))
    return found


def insert_in_order(connection: Connection, table: Table, column: str, values: Sequence[Any]) -> list[int]:
    """Add a row for each value; their ids, in order."""
    ids: list[int] = []
    for at in range(0, len(values), TOGETHER):
        part = values[at:at + TOGETHER]
        sql = _insert_in_order(table, column, len(part), is_sqlite(connection))
        ids += sorted(connection.exec_driver_sql(sql, tuple(part)).scalars())
    return ids


@lru_cache(maxsize=500)
def _insert_new(table: Table, columns: tuple[str, ...], key: tuple[str, ...], count: int, sqlite: bool) -> str:
    row = f"({', '.join(_mark(table, column, sqlite) for column in columns)})"
    return (f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES {', '.join([row] * count)} "  # noqa: S608
            f"ON CONFLICT ({', '.join(key)}) DO NOTHING RETURNING id, {', '.join(key)}")


@lru_cache(maxsize=500)
def _insert_in_order(table: Table, column: str, count: int, sqlite: bool) -> str:
    """Ids rise in the order of a sorted SELECT; of plain VALUES nobody promises it."""
    mark = _mark(table, column, sqlite)
    rows = ", ".join(f"({place}, {mark})" for place in range(count))
    return (f"INSERT INTO {table.name} ({column}) SELECT column2 FROM (VALUES {rows}) AS given ORDER BY column1 "  # noqa: S608
            "RETURNING id")


def _mark(table: Table, column: str, sqlite: bool) -> str:
    return "?" if sqlite else f"%s::{KINDS[table.c[column].type.compile(POSTGRESQL).partition(' COLLATE')[0]]}"
