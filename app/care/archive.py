"""What a backup is: one compressed tar of the database, the key and the files, closed by a manifest with their digests."""
import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from app.errors import Conflict, Invalid

FORMAT = 1
MANIFEST, KEY, DATABASE, TABLES, FILES = "manifest.json", "secret_key", "backroom.db", "tables", "files"
PIECE = 1024 * 1024


@dataclass
class Manifest:
    """What is in a backup. `members` holds the SHA-256 of each part by its name in the archive."""

    database: str                      # sqlite | postgresql
    revision: str                      # of the migrations its tables are at
    made_at: str                       # RFC 3339
    tables: dict[str, list[str]] = field(default_factory=dict)   # the columns of each, in order (PostgreSQL)
    members: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def files(self) -> int:
        """How many stored files it holds."""
        return sum(name.startswith(f"{FILES}/") for name in self.members)


class Writer:
    """Adds parts to a backup that is being written, and keeps their digests."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar, self.manifest = tar, manifest

    def add(self, name: str, path: Path) -> None:
        """Add a file under `name`."""
        with path.open("rb") as file:
            self.add_stream(name, file, path.stat().st_size)

    def add_stream(self, name: str, stream: IO[bytes], size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = size, 0o600
        reader = _Digesting(stream)
        self._tar.addfile(info, reader)
        self.manifest.members[name] = reader.digest.hexdigest()

    def close(self) -> None:
        """Write the manifest: only a backup that ends with one is whole."""
        text = json.dumps(asdict(self.manifest), indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(text), 0o600
        self._tar.addfile(info, io.BytesIO(text))


class _Digesting:
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self.digest.update(piece)
        return piece


@contextmanager
def writing(target: Path, manifest: Manifest) -> Iterator[Writer]:
    """A backup that appears as `target` when the block ends well, readable by this user alone; never over another file.

    Raises Conflict when `target` exists, before anything is written or if it appears meanwhile.
    """
    if target.exists():
        raise Conflict(f"{target} is there already and is not overwritten. Name another file.", title="Nothing was backed up")
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as tar:
                writer = Writer(tar, manifest)
                yield writer
                writer.close()
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, target)
        except FileExistsError:
            raise Conflict(f"{target} appeared meanwhile and is not overwritten.", title="Nothing was backed up") from None
    finally:
        draft.unlink(missing_ok=True)


def unpack(source: Path, folder: Path) -> Manifest:
    """Unpack a backup into an empty `folder` and check every part against the manifest. Raises Invalid when it is not whole."""
    try:
        with tarfile.open(source, "r:gz") as tar:
            for member in tar:
                _unpack(tar, member, folder)
        manifest = _manifest(folder)
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid(f"{source} is no whole backup of Backroom ({error}). Nothing was changed.",
                      title="This file cannot be restored") from None
    for name, digest in manifest.members.items():
        if not _same(folder / name, digest):
            raise Invalid(f"The part {name} of {source} is missing or damaged. Nothing was changed.",
                          title="This file cannot be restored")
    return manifest


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one part. Only plain files with plain names: an archive may come from anywhere."""
    stream = tar.extractfile(member) if member.isreg() else None
    if stream is None or member.name.startswith("/") or {"", ".", ".."} & set(member.name.split("/")):
        raise ValueError(f"it holds {member.name!r}, which no backup of ours does")
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(stream, file, PIECE)


def _manifest(folder: Path) -> Manifest:
    read: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    if read["format"] != FORMAT:
        raise ValueError(f"it has the format {read['format']}, this version reads {FORMAT}")
    return Manifest(**read)


def _same(path: Path, digest: str) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest
