"""How an event stands, in the words, tones and shapes of the pages."""
from dataclasses import dataclass

from app.jobs.models import Attempt
from app.webhooks.models import Event
from app.webhooks.story import Touched

SHOWN = {
    "dead": ("bad", "call", "Dead"),
    "running": ("busy", "half", "Processing"),
    "done": ("ok", "full", "Done"),
    "cancelled": ("mute", "full", "Ignored"),
}
OUTCOMES = {
    "stale": "Older than what we hold: nothing changed",
    "unchanged": "Told us nothing new",
    "ignored": "Nothing we act on",
}


@dataclass(frozen=True)
class Tried:
    """One entry of the timeline: how an attempt ended."""

    icon: str
    tone: str
    title: str


ATTEMPTS = {
    "failed": ("x-lg", "bad", "failed"),
    "lapsed": ("plug", "wait", "lost its worker"),
    "returned": ("arrow-counterclockwise", "", "was given back untried"),
    "stale": ("check-lg", "ok", "found it older than what we hold"),
    "unchanged": ("check-lg", "ok", "found nothing new"),
    "ignored": ("check-lg", "ok", "found nothing to do"),
}


def shown(event: Event) -> tuple[str, str, str]:
    """Tone, shape and word of its status."""
    if event.status == "waiting":
        return ("wait", "half", "Retrying") if event.attempts else ("mute", "open", "Waiting")
    return ("mute", "full", "Ignored") if event.outcome == "ignored" else SHOWN[event.status]


def about(event: Event) -> str:
    """The outside id of what it is about, without its account; "" if it is about nothing in particular."""
    return (event.object_key or "").partition("/")[2]


def became(event: Event, touched: list[Touched]) -> str:
    """What became of it, for one line of the list; what it changed is said by the records themselves."""
    if event.status == "dead":
        return event.last_error or "Out of tries"
    if event.status == "running":
        return f"{worker(event.lease_owner)} has it"
    if event.status == "waiting":
        return event.last_error or ("Will be tried again" if event.attempts else "In the queue")
    return "" if touched else OUTCOMES.get(event.outcome or "", "Done")


def attempted(attempt: Attempt) -> Tried:
    """How this try went."""
    if attempt.ended_at is None:
        return Tried("arrow-repeat", "", "is under way")
    return Tried(*ATTEMPTS.get(attempt.outcome or "", ("check-lg", "ok", "took effect")))


def worker(owner: str | None) -> str:
    """A worker's name without what only machines need: host and process."""
    return ":".join((owner or "").split(":")[:2]) or "A worker"
