"""Kinds of jobs: a function becomes one by its decorator."""
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from app.audit import Actor

F = TypeVar("F", bound=Callable[..., Any])
Titles = Callable[[Sequence[Mapping[str, Any]], Actor], Sequence[str]]
"""Of so many arguments the names of what jobs with them work on; "" for what the actor may not know by name."""


@dataclass(frozen=True)
class Kind:
    """What is known of a kind of job before it runs."""

    name: str
    run: Callable[..., Any]      # (work, **args) -> a JSON object to keep as the result, or None
    queue: Literal["default", "heavy"]
    max_attempts: int
    seconds: float               # a job that takes longer is killed
    cron: str | None             # in UTC; comes again by itself, with these arguments
    label: str
    page: str                    # the endpoint that shows what it works on, given its arguments; "" if there is none
    titles: Titles | None = None  # what it works on is called, where that has a name


_kinds: dict[str, Kind] = {}


def job(name: str, *, queue: Literal["default", "heavy"] = "default", max_attempts: int = 5, seconds: float = 300,
        cron: str | None = None, label: str = "", page: str = "", titles: Titles | None = None) -> Callable[[F], F]:
    """Make `run(work: Work, **args)` a kind of job, named like "exports.run".

    "heavy" jobs get a process of their own. `seconds` is a hard limit for one attempt. `cron` makes it come again by itself.
    `page` is the endpoint that shows what the job works on; its URL is made from `args`.
    """

    def register(run: F) -> F:
        words = label or name.replace(".", ": ").replace("_", " ")
        _kinds[name] = Kind(name, run, queue, max_attempts, seconds, cron, words, page, titles)
        return run
    return register


def kind(name: str) -> Kind:
    """The kind of this name. Raises KeyError."""
    return _kinds[name]


def kinds() -> tuple[Kind, ...]:
    """Every kind, by name."""
    return tuple(_kinds[name] for name in sorted(_kinds))
