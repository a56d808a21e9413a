"""A small living back office to look at: invented people and shops, made the way real data comes in."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Loaded:
    """What the demo made, by kind."""

    counts: dict[str, int]


def load(orders: int = 2000, seed: int = 1) -> Loaded:
    """Fill an empty installation with `orders` orders and everything around them; the same seed makes the same data.

    Needs an application context; commits as it goes. Raises Conflict when there are records already.
    """
    return Loaded({})
