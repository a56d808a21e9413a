"""Which queues there are. A room above registers its own; the workers serve whatever is here."""
from app.jobs.models import Queued
from app.jobs.queue import Queue

_queues: dict[str, Queue] = {}


def register(queue: Queue) -> Queue:
    """Let the workers serve this queue. Give a name once."""
    _queues[queue.name] = queue
    return queue


def named(name: str) -> Queue:
    """The queue of this name. Raises KeyError."""
    return _queues[name]


def registered() -> tuple[Queue, ...]:
    """Every queue, in the order a worker looks at them: those that go quickly first."""
    return tuple(sorted(_queues.values(), key=lambda queue: queue.heavy))


def of(row: Queued) -> Queue:
    """The queue a row waits in. Raises LookupError."""
    for queue in _queues.values():
        if isinstance(row, queue.model) and all(getattr(row, name) == value for name, value in queue.where.items()):
            return queue
    raise LookupError(f"no queue serves {row!r}")
