"""Free text search: q= names a record exactly, or is part of what the search index keeps of it."""
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection

from app.records.asking import Query


class Found(NamedTuple):
    """What q= matches: `exact` are the ids of records it names, `others` the condition on all but them, `every` on all."""

    exact: tuple[int, ...] = ()
    others: tuple[ColumnElement[bool], ...] = ()
    every: ColumnElement[bool] | None = None


def search(connection: Connection, query: Query) -> Found:
    """What `query.search` matches. 1 statement; none where nothing is searched for."""
    if not query.search:
        return Found()
    raise NotImplementedError
