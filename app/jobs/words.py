"""How jobs and attempts read on a page: the status with its tone and shape, what an attempt came to, how far the queues are."""
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from app.counting import counted
from app.jobs.models import Attempt, Job
from app.jobs.registry import kinds


class Mark(NamedTuple):
    """How something stands, for the status component."""

    tone: str
    shape: str
    word: str


SHOWN = {
    "waiting": Mark("mute", "open", "Queued"), "running": Mark("busy", "half", "Running"), "done": Mark("ok", "full", "Done"),
    "dead": Mark("bad", "call", "Dead"), "cancelled": Mark("mute", "full", "Cancelled"),
}


@dataclass(frozen=True)
class Came:
    """What an attempt came to."""

    icon: str
    tone: str
    title: str


CAME = {
    None: Came("arrow-repeat", "busy", "Running"),
    "failed": Came("exclamation-triangle", "wait", "Failed"),
    "lapsed": Came("exclamation-octagon", "bad", "The worker died"),
    "returned": Came("arrow-return-left", "", "Given back: the worker had to stop"),
    "cancelled": Came("x-circle", "", "Cancelled"),
}


def shown(job: Job) -> Mark:
    if job.status == "waiting" and job.attempts:
        return Mark("wait", "half", "Retrying")
    if job.status == "running" and job.cancel_requested_at:
        return Mark("wait", "half", "Stopping")
    if job.outcome == "discarded":
        return Mark("mute", "full", "Discarded")
    return SHOWN[job.status]


def came(attempt: Attempt) -> Came:
    return CAME.get(attempt.outcome, Came("check-circle", "", "Done"))


def label(kind: str) -> str:
    """What a kind of job is called."""
    return labels().get(kind, kind)


def labels() -> dict[str, str]:
    """Every kind and what it is called, by that."""
    return dict(sorted(((kind.name, kind.label) for kind in kinds()), key=lambda pair: pair[1].lower()))


def worker(name: str) -> str:
    """Machine and process id, without the part that only makes it unique."""
    return ", process ".join(name.split(":")[:2])


def rows(table: str, count: int) -> str:
    """ "12 webhook events": so many rows of a table."""
    words = table.replace("_", " ")
    return counted(count, words.removesuffix("s"), words)


def took(begin: datetime, end: datetime) -> str:
    """How long it took, as short as it can be said."""
    seconds = max(0.0, (end - begin).total_seconds())
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def named(values: Mapping[str, object]) -> list[tuple[str, object]]:
    """Arguments or results with names a person can read: "import_id" is "Import id"."""
    return [(name.replace("_", " ").capitalize(), value) for name, value in values.items()]


def every(cron: str) -> str:
    """When a schedule comes, in words where it is every few minutes, once an hour or once a day; else as it is written."""
    minute, hour, *rest = cron.split()
    if [hour, *rest] == ["*"] * 4 and minute.startswith("*/") and minute[2:].isdecimal():
        return f"Every {minute[2:]} minutes"
    if rest != ["*"] * 3 or not minute.isdecimal() or not (hour.isdecimal() or hour == "*"):
        return cron
    return f"Every hour at minute {minute}" if hour == "*" else f"Every day at {int(hour):02}:{int(minute):02}"
