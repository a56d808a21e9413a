"""How the queues stand at this moment, as the numbers on top of the page of jobs. From the database alone."""
from collections.abc import Mapping
from dataclasses import dataclass

from app.jobs.listing import VIEWS
from app.newest import Count

SHOWN = ("waiting", "retrying", "running", "dead")
LATE = 60.0     # seconds behind from which the queues are said to be late


@dataclass(frozen=True)
class Tile:
    """One number: what it is of, the view of the list that shows those, and whether a person should look."""

    label: str
    value: str
    view: str = ""
    tone: str = ""


def tiles(counts: Mapping[str, Count], behind: float, finished: int, workers: int, has_redis: bool) -> list[Tile]:
    """`counts` by view without any filter; `behind`: seconds the oldest row that is due waits, jobs and events alike."""
    nobody = not workers and bool(counts["waiting"].number)
    return [*(_count(name, counts[name]) for name in SHOWN),
            Tile("Oldest due", waited(behind) if behind else "None", tone="wait" if behind > LATE else ""),
            Tile("Done, last hour", f"{finished:,}"),
            Tile("Workers alive", f"{workers:,}", tone="bad" if nobody else ""),
            Tile("Redis", "Answers" if has_redis else "Silent", tone="" if has_redis else "wait")]


def waited(seconds: float) -> str:
    """ "10 s", "5 min", "3 h"."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _count(view: str, count: Count) -> Tile:
    tone = "bad" if view == "dead" and count.number else ""
    return Tile(VIEWS[view][0], f"{count.number:,}{'+' if count.capped else ''}", view if count.number else "", tone)
