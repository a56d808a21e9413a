"""Where a page begins, as a signed word that means nothing to others and fits only the list it came from."""
from datetime import date, datetime
from typing import NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer

from app.config import config
from app.errors import BadRequest

LONGEST = 4_000
SENTENCE = "This does not belong to this list and order. Leave it out to start at the first page."


class Position(NamedTuple):
    """Between two rows: beyond the row with this sort value and id. `id` None: beyond all rows."""

    value: object
    id: int | None


END = Position(None, None)


def seal(resource: str, sort: str, position: Position) -> str:
    """The word for this position in the list of `resource` sorted by `sort`."""
    kind, value = _plain(position.value)
    return str(_signer().dumps([resource, sort, kind, value, position.id]))


def opened(resource: str, sort: str, word: str, param: str = "after") -> Position:
    """The position again. Raises BadRequest when the word was not made by us, or for another list or order."""
    try:
        if len(word) > LONGEST:
            raise BadSignature("too long")
        for_resource, for_sort, kind, value, id = _signer().loads(word)
        if (for_resource, for_sort) != (resource, sort):
            raise BadSignature("of another list")
        return Position(_typed(kind, value), id)
    except (BadSignature, ValueError, TypeError):
        raise BadRequest("This page cannot be found again.", errors={param: SENTENCE}) from None


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(list(reversed(config().secret_keys)), salt="records.cursor")


def _plain(value: object) -> tuple[str, object]:
    if isinstance(value, datetime):
        return "moment", value.isoformat()
    if isinstance(value, date):
        return "day", value.isoformat()
    return "", value


def _typed(kind: str, value: object) -> object:
    if kind == "moment":
        return datetime.fromisoformat(str(value))
    if kind == "day":
        return date.fromisoformat(str(value))
    return value
