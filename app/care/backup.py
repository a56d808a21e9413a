"""Backing up while everything runs: the database as it is at one moment, then the files it speaks of, and the key."""
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app

from app.care import tables
from app.care.archive import DATABASE, FILES, KEY, Manifest, Writer, writing
from app.config import ROOT, config
from app.errors import Conflict, NotFound, Unavailable
from app.extensions import db
from app.files.storage import open_storage


def backup(target: Path) -> Manifest:
    """Write everything this installation knows to one file. Safe while it runs: writers are not held up.

    The database is taken first: every file it names is written before its row, so none can be missing. Raises Conflict
    when `target` exists or there is nothing to back up.
    """
    at = revision()
    if at is None:
        raise Conflict("There is no database here yet. It comes with the first start.", title="Nothing was backed up")
    manifest = Manifest(db.engine.dialect.name, at, datetime.now(UTC).isoformat(timespec="seconds"))
    with writing(target, manifest) as writer, TemporaryDirectory(prefix="backroom-", dir=config().instance_dir) as folder:
        if manifest.database == "sqlite":
            writer.add(DATABASE, _copy(Path(folder) / DATABASE))
        else:
            tables.dump(db.engine, writer, Path(folder))
        _add_key(writer)
        _add_files(writer)
    return manifest


def revision() -> str | None:
    """The migration the database is at; None before the first."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def known() -> ScriptDirectory:
    """The migrations this version has."""
    return ScriptDirectory(str(ROOT / "migrations"))


def _copy(target: Path) -> Path:
    """A copy of the SQLite database as it is at one moment, checked."""
    assert db.engine.url.database is not None
    with closing(sqlite3.connect(db.engine.url.database)) as live, closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        found = copy.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise Unavailable(f"SQLite finds the database damaged: {found}. Keep the last good backup.",
                          title="Nothing was backed up", retry=False)
    return target


def _add_key(writer: Writer) -> None:
    key = Path(current_app.instance_path) / "secret_key"
    if config().embedded and key.exists():
        writer.add(KEY, key)


def _add_files(writer: Writer) -> None:
    storage = open_storage()
    for name in storage.names():
        try:
            with storage.local(name) as path:
                writer.add(f"{FILES}/{name}", path)
        except NotFound:  # its time was up since we listed it; the copy of the database may still name it, as may ours
            continue
