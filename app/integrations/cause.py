"""What a call is made for, told by whoever begins the work: the record, the event, the job. The call log keeps it."""
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from app.jobs import present


@dataclass(frozen=True)
class Cause:
    """Why something is asked of a provider."""

    job_id: int | None = None
    event_id: int | None = None
    resource: str | None = None
    record_id: int | None = None


_now: ContextVar[Cause | None] = ContextVar("cause", default=None)


def now() -> Cause:
    """What holds here; the job at work is known without being told."""
    found = _now.get() or Cause()
    return found if found.job_id else replace(found, job_id=present.job_id())


@contextmanager
def because(*, event: int | None = None, record: tuple[str, int] | None = None) -> Iterator[None]:
    """Calls within are made for these; what is not given stays as it was around."""
    was = now()
    resource, record_id = record or (was.resource, was.record_id)
    before = _now.set(replace(was, event_id=event or was.event_id, resource=resource, record_id=record_id))
    try:
        yield
    finally:
        _now.reset(before)
