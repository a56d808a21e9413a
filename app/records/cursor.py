"""Where a page begins, as a signed word that means nothing to others and fits only the list it came from."""
from typing import NamedTuple

from app.errors import BadRequest


class Position(NamedTuple):
    """Between two rows: beyond the row with this sort value and id. `id` None: beyond all rows."""

    value: object
    id: int | None


def seal(resource: str, sort: str, position: Position) -> str:
    """The word for this position in the list of `resource` sorted by `sort`."""
    raise NotImplementedError


def opened(resource: str, sort: str, word: str) -> Position:
    """The position again. Raises BadRequest when the word was not made by us, or for another list or order."""
    raise BadRequest("not yet")
