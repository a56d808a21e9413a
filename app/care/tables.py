"""The tables of a PostgreSQL database, to a folder and back: one snapshot, one transaction, no other program needed."""
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, func, literal_column, select, text

from app.care.archive import TABLES, Writer
from app.extensions import db

COLUMNS = """
SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) FROM information_schema.columns
JOIN pg_tables ON tablename = table_name AND schemaname = table_schema
WHERE table_schema = current_schema() AND is_generated = 'NEVER' AND table_name <> 'alembic_version' GROUP BY table_name
"""
SEQUENCES = """
SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = current_schema()
AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL
"""
PATIENT = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '60s'"


def dump(engine: Engine, writer: Writer, folder: Path) -> None:
    """Add the rows of every table, all as they are at one moment."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as connection:
        connection.exec_driver_sql(PATIENT)
        for table, columns in connection.exec_driver_sql(COLUMNS):
            path = folder / "rows"
            with _cursor(connection).copy(f"COPY {_spelled(table, columns)} TO STDOUT") as rows, path.open("wb") as file:
                for piece in rows:
                    file.write(piece)
            writer.manifest.tables[table] = list(columns)
            writer.add(f"{TABLES}/{table}", path)


def fill(engine: Engine, folder: Path, columns: dict[str, list[str]]) -> None:
    """Replace the rows of every table by those in `folder`, all or none."""
    with engine.begin() as connection:
        connection.exec_driver_sql(PATIENT)
        there = [table for table, _ in connection.exec_driver_sql(COLUMNS)]
        connection.exec_driver_sql(f"TRUNCATE {', '.join(map(_quoted, there))} CASCADE")
        for table in _in_order(columns):
            with (_cursor(connection).copy(f"COPY {_spelled(table, columns[table])} FROM STDIN") as rows,
                  (folder / TABLES / table).open("rb") as file):
                while piece := file.read(1 << 20):
                    rows.write(piece)
        for table, column in connection.exec_driver_sql(SEQUENCES).all():
            connection.execute(_set_sequence(table, column))


def _set_sequence(table: str, column: str) -> Select[tuple[int]]:
    """Go on counting after the highest id there is."""
    highest: ColumnElement[int | None] = func.max(literal_column(_quoted(column)))
    sequence = func.pg_get_serial_sequence(_quoted(table), column)
    return select(func.setval(sequence, func.coalesce(highest, 1), highest.is_not(None))).select_from(text(_quoted(table)))


def _in_order(columns: dict[str, list[str]]) -> list[str]:
    """The tables so that what is referred to comes first; those this version has no model of come last."""
    known = [table.name for table in db.metadata.sorted_tables if table.name in columns]
    return known + [table for table in columns if table not in set(known)]


def _cursor(connection: Connection) -> Any:
    return connection.connection.cursor()


def _spelled(table: str, columns: list[str]) -> str:
    return f"{_quoted(table)} ({', '.join(map(_quoted, columns))})"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
