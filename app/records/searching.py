"""Free text search: q= names a record exactly, or all of its words are parts of what the search index keeps of one.

The index holds what `search` writes: a text a record, folded, its trigrams indexed. Words under three characters are too
short for it: beside longer ones they are looked for in the rows the longer ones find, alone they are the beginning of a key.
"""
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, or_, select, true

from app.records import bulk, policy
from app.records import search as index
from app.records.asking import Query
from app.records.fields import Field
from app.records.filters import key_column
from app.records.operators import LAST
from app.records.paging import Order
from app.records.values import PLAIN
from app.transaction import is_sqlite

FEW = 10_000          # hits that are sorted by themselves; of more, an index of the table is walked and each row asked
EXACT = 20
Conditions = list[ColumnElement[bool]]


@dataclass(frozen=True)
class Found:
    """Where the rows come from: `exact` are ids of records named exactly, the rest are `source` where `conditions` hold."""

    source: FromClause
    conditions: Conditions
    exact: tuple[int, ...] = ()
    id: ColumnElement[int] | None = None    # the id as the index has it: ordered by it the hits come one by one

    def order(self, order: Order) -> Order:
        return order if self.id is None or not order.by_id else order._replace(column=self.id, id=self.id)


def search(connection: Connection, query: Query, visible: Conditions, *, by_id: bool = False) -> Found:
    """What `query.search` matches of the `visible` rows. `by_id`: in the order of the ids, not in that of the query.

    No statement where nothing is searched for, 1 for what is named exactly, 1 more for another order than that of the ids,
    or on SQLite beside filters.
    """
    rows = query.resource.table
    if not query.search:
        return Found(rows, visible)
    exact = _exact(connection, query, visible)
    others = [*visible, rows.c.id.not_in(exact)] if exact else visible
    words = index.folded(query.search).split()
    if not query.resource.searched or max(map(len, words), default=0) < index.SHORTEST:
        return Found(rows, [*others, _begins(query)], exact)
    if not (by_id or query.order.by_id) or _is_narrowed(query, visible) and is_sqlite(connection):
        return Found(rows, [*others, _sortable(connection, query, words)], exact)
    entries, id, matches = index.entries(query.resource, words, is_sqlite(connection))
    return Found(entries.join(rows, rows.c.id == id), [*others, *matches], exact, id)


def keys(query: Query) -> list[Field]:
    """The fields that name a record, as far as the actor may read them."""
    resource = query.resource
    return [field for field in policy.readable(query.actor, resource)
            if field.kind in ("text", "email") and (field.unique or field.name == resource.key or field.column == "external_id")]


def _exact(connection: Connection, query: Query, visible: Conditions) -> tuple[int, ...]:
    """The ids of what is named exactly. What else has to hold is asked of those few: no index may be walked for it."""
    holds = [and_(*visible).is_(true())] if visible else []
    return tuple(connection.execute(select(query.resource.table.c.id).where(_named(query), *holds).limit(EXACT)).scalars())


def _is_narrowed(query: Query, visible: Conditions) -> bool:
    """Whether more is asked of a row than that it is not in the trash.

    SQLite would find the rows first and then ask FTS5 about each, which took 14 s where the index alone takes milliseconds.
    """
    return len(visible) > (query.trashed == "")


def _named(query: Query) -> ColumnElement[bool]:
    """Records whose id, number, address or other key is what was typed; each is one step down an index."""
    rows, typed = query.resource.table, query.search.removeprefix("#")
    either = [key_column(rows, field) == (typed.casefold() if field.sortable else typed) for field in keys(query)]
    if PLAIN.match(typed) and len(typed) < 19:
        either.append(rows.c.id == int(typed))
    return or_(*either) if either else rows.c.id.is_(None)


def _begins(query: Query) -> ColumnElement[bool]:
    """Too short for the index: what the key begins with, as a range of the key's own index."""
    if query.resource.key not in {field.name for field in keys(query)}:
        return query.resource.table.c.id.is_(None)
    key, folded = key_column(query.resource.table, query.resource.require(query.resource.key)), query.search.casefold()
    return and_(key >= folded, key < folded + LAST)


def _sortable(connection: Connection, query: Query, words: list[str]) -> ColumnElement[bool]:
    """The hits, for another order than the index has: few are named one by one, of many each row is asked as it comes.

    To ask one row, reading its text is forty times cheaper than FTS5's MATCH.
    """
    rows = query.resource.table
    entries, id, matches = index.entries(query.resource, words, is_sqlite(connection))
    hits = list(connection.execute(select(id).select_from(entries).where(*matches).limit(FEW + 1)).scalars())
    if len(hits) <= FEW:
        return bulk.among(connection, rows.c.id, hits)
    each = index.has(entries, words) if is_sqlite(connection) else matches
    return exists(select(1).select_from(entries).where(id == rows.c.id, *each))

