"""Where files are kept: a folder on this machine or an S3 bucket, behind one small interface. Names are ours, never a user's."""
import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, BinaryIO, Protocol, cast
from urllib.parse import urlsplit

import fsspec
from flask import current_app

from app import sizes
from app.config import config
from app.errors import NotFound, TooLarge

PIECE = 256 * 1024


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True)
class Stored:
    """A file that is safely in storage. `size` in bytes."""

    name: str
    size: int
    sha256: str


class Storage:
    """Files by name. A name that can be opened names a whole file: writing happens under another name, then renames."""

    def __init__(self, url: str) -> None:
        scheme = urlsplit(url).scheme if "://" in url else "file"
        self._files: Any = fsspec.filesystem(scheme, **({"auto_mkdir": True} if scheme == "file" else {}))
        self._root: str = self._files._strip_protocol(url).rstrip("/")
        self._local = scheme == "file"

    def save(self, stream: Readable, name: str, *, most: int | None = None) -> Stored:
        """Copy `stream` to `name`. Raises TooLarge, leaving nothing behind, once it gives more than `most` bytes."""
        digest, size = hashlib.sha256(), 0
        with self.writing(name) as file:
            while piece := stream.read(PIECE):
                size += len(piece)
                if most is not None and size > most:
                    raise TooLarge(f"The file is larger than {sizes.size(most)}. Split it, or save it without pictures.")
                digest.update(piece)
                file.write(piece)
        return Stored(name, size, digest.hexdigest())

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """A file to write to; it appears under `name` when the block ends well, and not at all when it does not."""
        target, draft = self._path(name), self._path(f"drafts/{secrets.token_hex(16)}")
        try:
            with self._files.open(draft, "wb") as file:
                yield cast(BinaryIO, file)
            self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self._files.mv(draft, target)
        except BaseException:
            with suppress(FileNotFoundError):
                self._files.rm_file(draft)
            raise

    def open(self, name: str) -> BinaryIO:
        """The file, to read from. Raises NotFound."""
        try:
            return cast(BinaryIO, self._files.open(self._path(name), "rb"))
        except FileNotFoundError:
            raise NotFound("The file is not kept any more.") from None

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """The file as a path on this machine, while the block runs. Raises NotFound."""
        if self._local:
            if not self.exists(name):
                raise NotFound("The file is not kept any more.")
            yield Path(self._path(name))
            return
        with self.open(name) as kept, NamedTemporaryFile(prefix="backroom-") as copy:
            _copy(kept, copy)
            copy.flush()
            yield Path(copy.name)

    def exists(self, name: str) -> bool:
        return bool(self._files.exists(self._path(name)))

    def size(self, name: str) -> int:
        """Its length in bytes. Raises NotFound."""
        try:
            return int(self._files.size(self._path(name)))
        except FileNotFoundError:
            raise NotFound("The file is not kept any more.") from None

    def delete(self, name: str) -> None:
        """Remove the file; it is no mistake if it is gone already."""
        with suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def names(self) -> Iterator[str]:
        """Every whole file there is, in no order; one may be deleted before it is opened."""
        if self._files.exists(self._root):
            for path in self._files.find(self._root):
                name = path.removeprefix(self._root).lstrip("/")
                if not name.startswith("drafts/"):
                    yield name

    def check(self) -> None:
        """Raise an OSError unless a file can be written, read and removed."""
        name = f"drafts/{secrets.token_hex(16)}"
        with self._files.open(self._path(name), "wb") as file:
            file.write(b"ok")
        self.delete(name)

    def _path(self, name: str) -> str:
        if not name or name.startswith("/") or any(part in ("", ".", "..") for part in name.split("/")):
            raise ValueError(f"{name!r} is no name for a stored file")
        return f"{self._root}/{name}"


def open_storage() -> Storage:
    """The storage of this installation (STORAGE_URL)."""
    storage: Storage | None = current_app.extensions.get("backroom.storage")
    if storage is None:
        storage = current_app.extensions["backroom.storage"] = Storage(config().storage_url)
    return storage


def fresh_name(folder: str, suffix: str) -> str:
    """A name nobody can guess, in `folder`: "imports/3f2a….csv"."""
    return f"{folder}/{secrets.token_hex(16)}{suffix}"


def _copy(source: Readable, target: IO[bytes]) -> None:
    while piece := source.read(PIECE):
        target.write(piece)
