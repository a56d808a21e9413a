"""Which job this process works on at the moment, for whoever writes down what it did."""
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_job: ContextVar[int | None] = ContextVar("job", default=None)


def job_id() -> int | None:
    """The job at work here, None outside of one."""
    return _job.get()


@contextmanager
def working_on(id: int) -> Iterator[None]:
    """What is done within is done for this job."""
    before = _job.set(id)
    try:
        yield
    finally:
        _job.reset(before)
