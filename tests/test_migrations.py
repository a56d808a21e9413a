"""One history for both databases: what it makes is what the declarations say, and it can be taken back."""
import pytest
import sqlalchemy as sa
from flask_migrate import check, downgrade, upgrade

from app import create_app
from app.config import load
from app.errors import Misconfigured
from app.extensions import db
from app.records import search
from app.records.registry import resources
from app.run.tables import bring_up_to_date


def fresh(environ, tmp_path, request):
    """An application on a database in which nothing is yet."""
    env = {**environ, "INSTANCE_DIR": str(tmp_path)}
    if "DATABASE_URL" in env:
        url = sa.make_url(env["DATABASE_URL"])
        name = "m_" + request.node.name.partition("[")[0][-40:]
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        env["DATABASE_URL"] = url.set(database=name).render_as_string(hide_password=False)
    return create_app(load(env))


def tables():
    with db.engine.connect() as connection:
        return {name for name in sa.inspect(connection).get_table_names() if "_search_" not in name} - {"alembic_version", "sqlite_sequence"}


def test_the_migrations_make_what_the_declarations_say(environ, tmp_path, request):
    app = fresh(environ, tmp_path, request)
    with app.app_context():
        upgrade()
        check()   # exits when a migration is missing
        assert tables() == set(db.metadata.tables) - {"trials"} | {search.table(resource) for resource in resources() if resource.searched}
        db.engine.dispose()


def test_they_can_be_taken_back_and_made_again(environ, tmp_path, request):
    app = fresh(environ, tmp_path, request)
    with app.app_context():
        upgrade()
        downgrade(revision="base")
        assert tables() == set()
        upgrade()
        assert "orders" in tables()
        db.engine.dispose()


def test_the_index_of_a_migration_is_the_index_the_gate_writes(environ, tmp_path, request):
    app = fresh(environ, tmp_path, request)
    with app.app_context():
        upgrade()
        with db.engine.begin() as connection:
            for resource in resources():
                for statement in search.statements(resource, connection.dialect.name):
                    connection.exec_driver_sql(statement)   # all of them are there already: nothing happens
        assert tables() >= {search.table(resource) for resource in resources() if resource.searched}
        db.engine.dispose()


def test_a_table_that_is_in_the_way_is_a_sentence_and_not_an_unreachable_database(environ, tmp_path, request):
    app = fresh(environ, tmp_path, request)
    with app.app_context():
        with db.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE webhook_events (id INTEGER)")
        with pytest.raises(Misconfigured, match="cannot be brought up to date: .*webhook_events.* already exists"):
            bring_up_to_date()
        assert tables() == {"webhook_events"}
        db.engine.dispose()
