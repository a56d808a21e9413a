"""How the long steps of an import run: as a job, or here and now for the command line."""
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.orm import Session

from app.audit import Actor
from app.transaction import transaction


class Steps(Protocol):
    """What a long step asks of whoever runs it; `jobs.work.Work` answers it for a job."""

    @property
    def actor(self) -> Actor: ...

    def transaction(self, *, cursor: dict[str, Any] | None = None, done: int | None = None, total: int | None = None,
                    note: str | None = None) -> AbstractContextManager[Session]: ...


@dataclass(frozen=True)
class Here:
    """A step that runs in this process, without a queue, and cannot be cancelled but with the process."""

    actor: Actor

    @contextmanager
    def transaction(self, *, cursor: dict[str, Any] | None = None, done: int | None = None, total: int | None = None,
                    note: str | None = None) -> Iterator[Session]:
        with transaction() as session:
            yield session
