"""How Alembic reaches our database: through the application's engine, one process at a time, all in one transaction."""
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock

from alembic import context
from flask import current_app
from sqlalchemy import Connection, Engine
from sqlalchemy.schema import SchemaItem

from app.extensions import Utc

LOCK = 0x6D696772  # "migr": whoever holds this advisory lock migrates, the others wait
db = current_app.extensions["migrate"].db


def ours(_item: SchemaItem, name: str | None, kind: str, reflected: bool, _compare_to: SchemaItem | None) -> bool:
    """Whether autogenerate should look at it: search indexes are made by records/search.py and have no model."""
    return not (reflected and kind in ("table", "index") and "_search" in (name or ""))


def written(kind: str, item: object, _autogen: object) -> str | bool:
    """A migration names plain types, so that it still runs when ours have moved."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Utc) else False


def migrate(connection: Connection) -> None:
    chosen = {"include_object": ours, "render_item": written, "transactional_ddl": True}
    context.configure(connection=connection, target_metadata=db.metadata,
                      **(current_app.extensions["migrate"].configure_args | chosen))
    with context.begin_transaction():
        context.run_migrations()


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """A connection that nobody migrates beside. On SQLite a table is changed by copying it, so references wait meanwhile."""
    if engine.dialect.name == "sqlite":
        with open(f"{engine.url.database}.migrate", "w") as file, _unchecked(engine) as connection:
            flock(file, LOCK_EX)
            yield connection
        return
    with engine.connect() as connection:
        connection.exec_driver_sql("SET lock_timeout = 0")
        connection.exec_driver_sql("SET statement_timeout = 0")
        connection.exec_driver_sql("SET idle_in_transaction_session_timeout = 0")
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({LOCK})")
        connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            connection.exec_driver_sql(f"SELECT pg_advisory_unlock({LOCK})")
            connection.commit()
            connection.invalidate()  # its timeouts are not those of the pool


@contextmanager
def _unchecked(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(writes=True) as connection:
        raw = connection.connection.driver_connection
        raw.execute("PRAGMA foreign_keys=OFF")
        try:
            yield connection
        finally:
            connection.rollback()
            raw.execute("PRAGMA foreign_keys=ON")


if context.is_offline_mode():
    raise SystemExit("Migrations look at the database they change: run them without --sql.")
with alone(db.engine) as only:
    migrate(only)
