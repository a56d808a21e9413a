"""Events that do their worker harm: Standard Webhooks as only the workers of these tests know it, by the id of the event."""
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from app.integrations import registry
from app.integrations.provider import EndpointConfig, Incoming
from app.jobs import keeper, queue, queues
from app.providers.standard import Standard
from app.records.changes import Change
from app.webhooks.process import EVENTS

DEEDS = ("raise", "kill", "hang")
SECONDS = 2.0      # a batch that hangs is stopped after so many, TRIAL_SECONDS in the environment


class Poisoned(Standard):
    """`kill:7` kills whoever reads what it says; `freeze:1` the first who does, and holds the second until told."""

    def changes(self, incoming: Incoming, endpoint: EndpointConfig) -> list[Change]:
        deed = incoming.dedupe_key.partition(":")[0]
        if deed == "raise":
            raise ZeroDivisionError("poison")
        if deed == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if deed == "hang":
            time.sleep(3600)
        if deed == "freeze":
            freeze_or_wait(Path(os.environ["TRIAL_SIGNS"]))
        return super().changes(incoming, endpoint)


def freeze_or_wait(signs: Path) -> None:
    """Whoever comes first says so and stops; the next waits for the sign to go on."""
    first = signs / "first"
    if first.exists():
        (signs / "second").touch()
        while not (signs / "go").exists():
            time.sleep(0.01)
    else:
        first.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGSTOP)


@contextmanager
def poison_served() -> Iterator[None]:
    """In a process of these tests: poison works, and what waits for minutes elsewhere waits for a moment."""
    registry._providers["standard"] = Poisoned()
    queues.register(replace(EVENTS, seconds=float(os.environ.get("TRIAL_SECONDS", SECONDS))))
    queue.FIRST_WAIT = 0.2
    keeper.LONGEST_WAIT = 0.5
    yield
