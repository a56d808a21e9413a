"""Backups: whole, readable by their owner alone, never over another file, and restored only where nothing is lost by it."""
import io
import json
import sqlite3
import tarfile
from contextlib import closing
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.care.conftest import Installation, files, rows
from tests.nursery import ended, typed


def test_a_backup_restores_to_the_very_same_rows_and_files(filled, archive, installations):
    other = installations()
    other.command("restore", archive)
    assert rows(other) == rows(filled)
    assert files(other.folder) == files(filled.folder)
    assert files(other.folder)


def test_a_restored_installation_is_well_and_goes_on_counting(filled, archive, installations):
    other = installations()
    other.command("restore", archive)
    findings = other.findings()
    assert findings["key"]["verdict"] == "good"
    assert findings["migrations"]["verdict"] == "good"
    sheet = other.folder / "new.csv"
    sheet.write_text("E-mail,Name\nnew.one@example.com,New One\n")
    assert other.json("import", "customers", sheet)["created"] == 1


def test_a_backup_is_readable_by_its_owner_alone(archive):
    assert archive.stat().st_mode & 0o077 == 0


def test_nothing_is_left_beside_a_backup(filled, tmp_path):
    filled.command("backup", tmp_path / "backup.tar.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["backup.tar.gz"]
    assert not [path for path in filled.folder.iterdir() if path.name.startswith("backroom-")]


def test_another_file_is_not_overwritten(filled, archive):
    before = archive.read_bytes()
    said = filled.command("backup", archive, code=1)
    assert "is not overwritten" in said
    assert archive.read_bytes() == before


def test_the_answer_in_json_says_how_much(filled, tmp_path):
    said = filled.json("backup", tmp_path / "other.tar.gz")
    assert said["bytes"] == (tmp_path / "other.tar.gz").stat().st_size
    assert said["files"] == len(files(filled.folder))


def test_a_database_without_tables_has_nothing_to_back_up(installations, tmp_path):
    assert "There is no database here yet" in installations().command("backup", tmp_path / "x", code=1)
    assert not (tmp_path / "x").exists()


def test_data_that_is_there_is_not_replaced_unasked(filled, archive, installations):
    other = installations()
    other.command("db", "upgrade")
    other.command("user", "add", "somebody@example.com", "--role", "viewer")
    before = rows(other)
    assert "--force" in other.command("restore", archive, code=1)
    assert rows(other) == before
    other.command("restore", archive, "--force")
    assert rows(other) == rows(filled)


@pytest.mark.parametrize("damage", ["cut", "flipped", "other", "empty"])
def test_a_damaged_backup_changes_nothing(filled, archive, damage):
    whole = archive.read_bytes()
    middle = len(whole) // 2
    archive.write_bytes({"cut": whole[:middle], "flipped": whole[:middle] + bytes([whole[middle] ^ 255]) + whole[middle + 1:],
                         "other": b"no archive at all", "empty": b""}[damage])
    before = rows(filled)
    said = filled.command("restore", archive, "--force", code=1)
    assert "cannot be restored" in said
    assert "Nothing was changed" in said
    assert rows(filled) == before
    assert not list(filled.folder.glob("restoring-*"))


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside-backroom", "a/../../outside"])
def test_an_archive_cannot_write_outside_of_its_folder(filled, tmp_path, name):
    evil = tmp_path / "evil.tar.gz"
    with tarfile.open(evil, "w:gz") as tar:
        tar.addfile(tarfile.TarInfo(name))
    assert "cannot be restored" in filled.command("restore", evil, "--force", code=1)
    assert not (tmp_path / "outside").exists()


def test_a_backup_taken_under_writes_is_one_moment(filled, tmp_path):
    """Somebody imports in another process while we back up: in each copy an audit row is there exactly if its record is."""
    sheet = tmp_path / "many.csv"
    sheet.write_text("E-mail,Name\n" + "".join(f"many{n}@example.com,Many {n}\n" for n in range(1000)))
    importing = typed(filled.environ, "import", "customers", sheet)
    taken: list[Path] = []
    while importing.is_alive() and len(taken) < 8:
        taken.append(tmp_path / f"{len(taken)}.tar.gz")
        filled.command("backup", taken[-1])
    assert ended(importing) == 0
    assert [path for path in taken if not _agrees(path, tmp_path / path.stem)] == []


def _agrees(archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    manifest = json.loads((folder / "manifest.json").read_text())
    if manifest["database"] == "sqlite":
        with closing(sqlite3.connect(folder / "backroom.db")) as copy:
            versions, = copy.execute("SELECT sum(version) FROM customers").fetchone()
            told, = copy.execute("SELECT count(*) FROM audit WHERE resource = 'customers'").fetchone()
    else:
        audit = _lines(folder, manifest, "audit", "resource")
        versions, told = sum(map(int, _lines(folder, manifest, "customers", "version"))), audit.count("customers")
    return versions == told


def _lines(folder, manifest, table, column):
    place = manifest["tables"][table].index(column)
    return [line.split("\t")[place] for line in (folder / "tables" / table).read_text().splitlines()]


def test_it_is_not_restored_while_somebody_is_connected(filled, archive):
    engine = sa.create_engine(filled.url)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT count(*) FROM customers").scalar_one()
        assert "is running here" in filled.command("restore", archive, "--force", code=1)
    engine.dispose()
    filled.command("restore", archive, "--force")


def test_it_is_not_restored_under_a_supervisor(filled, archive):
    with (filled.folder / "running").open("a") as file:
        flock(file, LOCK_EX)
        assert "its supervisor is there" in filled.command("restore", archive, "--force", code=1)


def test_what_was_replaced_stays_beside_it(filled, archive):
    filled.command("restore", archive, "--force")
    if "DATABASE_URL" not in filled.environ:
        assert list(filled.folder.glob("backroom.db.before-*"))


def test_a_backup_of_the_other_kind_of_database_is_refused(archive, tmp_path, database):
    if database == "postgresql":
        other = Installation(tmp_path / "other", {"INSTANCE_DIR": str(tmp_path / "other")})
        assert "was made on postgresql, this installation is on sqlite" in other.command("restore", archive, code=1)


def test_a_backup_of_a_newer_version_is_refused(filled, archive, tmp_path):
    newer = tmp_path / "newer.tar.gz"
    with tarfile.open(archive) as old, tarfile.open(newer, "w:gz") as new:
        for member in old:
            content = old.extractfile(member)
            assert content
            told = content.read()
            if member.name == "manifest.json":
                told = json.dumps(json.loads(told) | {"revision": "from the future"}).encode()
                member.size = len(told)
            new.addfile(member, io.BytesIO(told))
    before = rows(filled)
    assert "newer version of Backroom" in filled.command("restore", newer, "--force", code=1)
    assert rows(filled) == before
