"""Restoring a backup: into an installation that does not run, and that is empty unless one insists."""
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from tempfile import mkdtemp
from typing import TextIO

from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, exists, inspect, select, text

from app.accounts.models import User
from app.care import tables
from app.care.archive import DATABASE, FILES, KEY, Manifest, unpack
from app.care.backup import known, revision
from app.config import config
from app.errors import Conflict, Invalid
from app.extensions import db
from app.files.storage import open_storage
from app.records import registry
from app.webhooks.models import Event

NOT_RESTORED = "Nothing was restored"


def restore(source: Path, *, force: bool = False) -> Manifest:
    """Make this installation what the backup holds; older tables are brought up to date. Nothing changes when it is refused.

    Raises Conflict while the installation runs, or when it holds data and `force` is not said; Invalid when the backup is
    damaged, of another kind of database, or newer than this version. What SQLite replaces is kept beside it.
    """
    folder = Path(mkdtemp(prefix="restoring-", dir=config().instance_dir))
    try:
        manifest = unpack(source, folder)
        _fits(manifest, source)
        with _standing_still(db.engine):
            if not force and not _empty():
                raise Conflict("There is data here already. Say --force to replace all of it.", title=NOT_RESTORED)
            if manifest.database == "sqlite":
                _replace_database(folder / DATABASE)
            else:
                _replace_rows(folder, manifest)
            _replace_key(folder / KEY)
            _replace_files(folder / FILES)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    upgrade()
    return manifest


def _fits(manifest: Manifest, source: Path) -> None:
    if manifest.database != db.engine.dialect.name:
        raise Invalid(f"{source} was made on {manifest.database}, this installation is on {db.engine.dialect.name}. "
                      "Set DATABASE_URL accordingly.", title=NOT_RESTORED)
    if manifest.revision not in {script.revision for script in known().walk_revisions()}:
        raise Invalid(f"{source} was made by a newer version of Backroom. Install that version first.", title=NOT_RESTORED)


@contextmanager
def _standing_still(engine: Engine) -> Iterator[None]:
    """While the block runs nobody starts: a start begins with migrations, and they wait for this lock. Raises Conflict."""
    engine.dispose()
    with ExitStack() as stack:
        if engine.dialect.name == "sqlite":
            file = stack.enter_context(open(f"{engine.url.database}.migrate", "w"))
            if not _alone(file):
                raise _running("it is being migrated")
        running = stack.enter_context(open(config().instance_dir / "running", "a"))   # what a supervisor holds
        if not _alone(running):
            raise _running("its supervisor is there")
        if users := _others(engine):
            raise _running(users)
        yield
    engine.dispose()


def _alone(file: TextIO) -> bool:
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _running(why: str) -> Conflict:
    return Conflict(f"Backroom is running here ({why}). Stop it first.", title=NOT_RESTORED)


def _others(engine: Engine) -> str:
    """Who else is connected, in words; empty when nobody is."""
    if engine.dialect.name == "sqlite":
        return _sqlite_users(Path(str(engine.url.database)))
    with engine.connect() as connection:
        count = connection.execute(text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
            "AND backend_type = 'client backend'")).scalar_one()
    engine.dispose()
    return f"{count} connections to its database" if count else ""


def _sqlite_users(path: Path) -> str:
    """A database in WAL mode leaves that mode only when nobody else has it open."""
    if not path.exists():
        return ""
    with closing(sqlite3.connect(path, timeout=0)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError:
            return "its database is open"
    return ""


def _empty() -> bool:
    there = set(inspect(db.engine).get_table_names())
    telling = [User.__table__, Event.__table__, *(resource.table for resource in registry.resources())]
    found = any(db.session.execute(select(exists(select(table)))).scalar_one() for table in telling if str(table) in there)
    db.session.remove()
    db.engine.dispose()
    return not found


def _replace_database(copy: Path) -> None:
    target = Path(str(db.engine.url.database))
    for leftover in (f"{target}-wal", f"{target}-shm"):
        Path(leftover).unlink(missing_ok=True)
    _keep(target)
    os.replace(copy, target)


def _replace_rows(folder: Path, manifest: Manifest) -> None:
    upgrade()
    if manifest.revision != revision():
        downgrade(revision=manifest.revision)
    tables.fill(db.engine, folder, manifest.tables)


def _replace_key(key: Path) -> None:
    if key.exists() and config().embedded:
        target = config().instance_dir / "secret_key"
        if not target.exists() or target.read_bytes() != key.read_bytes():
            _keep(target)
            os.replace(key, target)


def _replace_files(folder: Path) -> None:
    storage = open_storage()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                storage.save(file, str(path.relative_to(folder)))


def _keep(path: Path) -> None:
    """Move what is replaced aside, so that a mistaken restore can be undone by hand."""
    if path.exists():
        os.replace(path, path.with_name(f"{path.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"))
