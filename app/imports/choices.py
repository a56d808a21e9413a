"""What a person chose beside the columns of a file."""
from collections.abc import Sequence
from dataclasses import dataclass

from app.imports.rules import Rules


@dataclass(frozen=True)
class Choices:
    """None for decimal or day_first: nothing was said."""

    fields: Sequence[str | None]       # one a column
    mode: str = "upsert"
    key: str | None = None
    blank: str = "leave"               # leave | clear
    decimal: str | None = None
    day_first: bool | None = None
    totals: bool = False               # rows that look like totals are imported too
    rules: Rules | None = None         # None: those the import has, as far as they fit
