"""Long work in steps, one transaction after the other: as a job, or here and now for the command line."""
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sqlalchemy.orm import Session

from app.audit import Actor
from app.transaction import transaction


class Steps(Protocol):
    """What long work asks of whoever runs it; `jobs.work.Work` answers it for a job."""

    @property
    def actor(self) -> Actor: ...

    def transaction(self, *, cursor: dict[str, Any] | None = None, done: int | None = None, total: int | None = None,
                    note: str | None = None) -> AbstractContextManager[Session]: ...


@dataclass(frozen=True)
class Here:
    """Work that runs in this process, without a queue, and cannot be cancelled but with the process."""

    actor: Actor

    @contextmanager
    def transaction(self, *, cursor: dict[str, Any] | None = None, done: int | None = None, total: int | None = None,
                    note: str | None = None) -> Iterator[Session]:
        with transaction() as session:
            yield session


class Far(NamedTuple):
    """How far the work has come, and whether there is more of it."""

    more: bool
    done: int | None = None
    total: int | None = None


NO_MORE = Far(False)
"""Somebody has ended it, or chosen otherwise, since it was asked for."""


def in_steps(steps: Steps, step: Callable[[Session], Far]) -> None:
    """Call `step`, each time in a transaction of its own, until there is no more. It says itself where to go on after a crash."""
    far = Far(True, 0)
    while far.more:
        with steps.transaction(done=far.done, total=far.total) as session:
            far = step(session)
    with steps.transaction(done=far.done, total=far.total):    # how far the last step came is known when it is through
        pass
