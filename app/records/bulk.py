"""Many rows in few statements. With search.py the only module of the gate that knows which database it talks to."""
import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from datetime import date
from functools import lru_cache
from typing import Any
from typing import cast as typed

from sqlalchemy import JSON, BindParameter, ColumnElement, Connection, String, Table, any_, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql

from app.audit import to_json
from app.transaction import is_sqlite

Tuples = list[tuple[Any, ...]]
Encode = Callable[[Any], str]
WIRE = {"BIGINT": "int8", "INTEGER": "int4", "VARCHAR": "text", "TEXT": "text", "DATE": "date", "BOOLEAN": "bool",
        "JSON": "text",     # what goes over the wire for either is the same bytes
        "TIMESTAMP WITH TIME ZONE": "timestamptz"}
POSTGRESQL = postgresql.dialect()  # type: ignore[no-untyped-call]
GATE = 7_483_648  # our first key of PostgreSQL's advisory locks

sqlite3.register_adapter(date, date.isoformat)


def enter(connection: Connection, names: Sequence[str], alone: bool, wait: bool = True) -> bool:
    """Until the transaction ends, write these tables beside other batches, or alone. False if we may not wait and would have to.

    On SQLite the transaction already holds the only write lock there is.
    """
    if is_sqlite(connection):
        return True
    lock = f"pg_{'' if wait else 'try_'}advisory_xact_lock{'' if alone else '_shared'}({GATE}, hashtext(name))"
    every = f"count({lock}) >= 0" if wait else f"bool_and({lock})"
    sql = f"SELECT {every} FROM (SELECT name FROM unnest(%s::text[]) WITH ORDINALITY AS t (name, n) ORDER BY n) AS t"  # noqa: S608
    return bool(connection.exec_driver_sql(sql, (list(names),)).scalar())


def any_of(sqlite: bool, column: ColumnElement[Any], name: str | None, values: Any = None) -> ColumnElement[bool]:
    """`column` is one of the values the parameter `name` has, however many: one parameter, one statement text."""
    if sqlite:
        given: BindParameter[Any] = bindparam(name, values, type_=String())
        return column.in_(select(func.json_each(given).table_valued("value").c.value))
    array = postgresql.ARRAY(String() if isinstance(column.type, String) else column.type)
    return column == any_(cast(bindparam(name, values, type_=array), array))


def many(sqlite: bool, values: Collection[Any]) -> Any:
    """What that parameter is given."""
    return json.dumps(sorted(values)) if sqlite else sorted(values)


def among(connection: Connection, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """`column` is one of `values`."""
    sqlite = is_sqlite(connection)
    return any_of(sqlite, column, None, many(sqlite, values))


def new_ids(connection: Connection, table: Table, count: int) -> list[int]:
    """Ids for rows about to be written; knowing them first is what lets one batch refer to its own records."""
    if is_sqlite(connection):
        last = connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)).scalar() or 0
        return list(range(last + 1, last + 1 + count))
    sql = f"SELECT nextval(pg_get_serial_sequence('{table.name}', 'id')) FROM generate_series(1, %s)"  # noqa: S608
    return list(connection.exec_driver_sql(sql, (count,)).scalars())


def insert(connection: Connection, table: Table, columns: Sequence[str], rows: Tuples, encode: Encode = to_json) -> None:
    """Add the rows, tuples in the order of `columns`; `encode` makes JSON of what goes into a column of it."""
    columns = tuple(columns)
    if not rows:   # SQLAlchemy would run the statement once, without values
        return
    rows = _encoded(table, columns, rows, encode)
    if is_sqlite(connection):
        connection.exec_driver_sql(_insert(table.name, columns), rows)
    else:
        copy_in(connection, table.name, columns, _wire(table, columns), rows)


def copy_in(connection: Connection, table: str, columns: tuple[str, ...], wire: Sequence[str], rows: Tuples) -> None:
    """COPY … BINARY on PostgreSQL: the quickest way in at every size, even one row."""
    driver = typed(Any, connection.connection)
    with driver.cursor() as cursor, cursor.copy(_copy(table, columns)) as copy:
        copy.set_types(wire)
        for row in rows:
            copy.write_row(row)


def update(connection: Connection, table: Table, columns: Sequence[str], rows: Tuples) -> int:
    """Rows are (*columns, moment or None, id, revision); one is written if it still is what was read. Returns how many were.

    The moment goes into updated_at, None leaves it. Rows are locked as they are written: give them in id order. Others
    may go on referring to them.
    """
    columns = tuple(columns)
    sql = _update(table.name, columns, "?" if is_sqlite(connection) else "%s")
    return connection.exec_driver_sql(sql, _encoded(table, columns, rows)).rowcount


def put(connection: Connection, table: Table, columns: Sequence[str], keys: Sequence[str], rows: Tuples) -> None:
    """Write `columns` of the rows that `keys` name, whatever stands there; rows are (*columns, *keys).

    JSON is written in ASCII: what comes from files may hold halves of letters.
    """
    columns, keys = tuple(columns), tuple(keys)
    if rows:
        sql = _put(table.name, columns, keys, "?" if is_sqlite(connection) else "%s")
        connection.exec_driver_sql(sql, _encoded(table, (*columns, *keys), rows, json.dumps))


def delete(connection: Connection, table: Table, column: str, values: Collection[int]) -> None:
    """Remove the rows whose `column` is among `values`."""
    connection.execute(table.delete().where(among(connection, table.c[column], values)))


@lru_cache
def _insert(table: str, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({_quoted(columns)}) VALUES ({', '.join('?' * len(columns))})"  # noqa: S608


@lru_cache
def _copy(table: str, columns: tuple[str, ...]) -> str:
    return f"COPY {table} ({_quoted(columns)}) FROM STDIN (FORMAT BINARY)"


def _quoted(columns: Sequence[str]) -> str:
    """Some names are words of SQL."""
    return ", ".join(f'"{column}"' for column in columns)


@lru_cache
def _wire(table: Table, columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(WIRE[table.c[column].type.compile(POSTGRESQL).partition(" COLLATE")[0]] for column in columns)


@lru_cache(maxsize=2000)
def _update(table: str, columns: tuple[str, ...], mark: str) -> str:
    sets = "".join(f"{column} = {mark}, " for column in columns)
    return (f"UPDATE {table} SET {sets}updated_at = COALESCE({mark}, updated_at), revision = revision + 1 "  # noqa: S608
            f"WHERE id = {mark} AND revision = {mark}")


@lru_cache
def _put(table: str, columns: tuple[str, ...], keys: tuple[str, ...], mark: str) -> str:
    sets, where = ([f'"{column}" = {mark}' for column in names] for names in (columns, keys))
    return f"UPDATE {table} SET {', '.join(sets)} WHERE {' AND '.join(where)}"  # noqa: S608


@lru_cache
def _json(table: Table, columns: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(place for place, column in enumerate(columns) if isinstance(table.c[column].type, JSON))


def _encoded(table: Table, columns: tuple[str, ...], rows: Tuples, encode: Encode = to_json) -> Tuples:
    """JSON columns as text; hardly any table has one."""
    places = _json(table, columns)
    if not places:
        return rows
    return [tuple(encode(value) if place in places and value is not None else value for place, value in enumerate(row))
            for row in rows]
