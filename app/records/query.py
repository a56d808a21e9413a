"""Reading records: one grammar of filters, search, sort and paging for pages, API, exports, bulk changes and pickers."""
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import chain, islice

from sqlalchemy import Connection, ScalarSelect, Subquery, and_, func, literal, or_, select, true
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.access import check
from app.audit import Actor
from app.errors import NotFound
from app.records import bounds, cursor, paging, policy, rows, searching
from app.records.asking import LONGEST_SEARCH, Query, parse, sortable, tidied
from app.records.cursor import END, Position
from app.records.fields import Field, Ref
from app.records.filters import BUILT_IN, conditions
from app.records.paging import Order
from app.records.resource import Resource
from app.records.rows import Row
from app.records.searching import Conditions, Found
from app.transaction import is_sqlite

__all__ = ["Count", "Page", "Query", "Row", "count", "counts", "holds", "ids", "lookup", "one", "page", "parse", "snapshot",
           "sortable", "stream", "tidied", "walk"]

CAP = 10_000
REACH = 2_000           # rows looked at in order before all that match are sorted


@dataclass(frozen=True)
class Page:
    """One page of rows. `next` goes into after=, `previous` and `last` into before=; the first page has neither."""

    rows: list[Row]
    next: str | None
    previous: str | None
    last: str


@dataclass(frozen=True)
class Count:
    """How many rows match; `capped`: at least that many."""

    number: int
    capped: bool


def page(session: Session, query: Query, *, lines: bool = False) -> Page:
    """The rows the query asks for, references labelled, with their lines if asked for.

    1 statement, 1 more where the rows without a value begin, up to 3 more with q=, 1 more with lines; on SQLite twice as many for
    the rows where filters leave few. What q= names exactly (an id, a number, an e-mail address) stands before all else on the
    first page, beyond its limit. Raises BadRequest where the database takes too long, with what would help.
    """
    try:
        with bounds.within(session.connection(), bounds.PATIENCE):
            listed, spots, more = _read(session.connection(), query, lines)
    except bounds.TooLong:
        raise bounds.refusal(query) from None
    before, after = _sides(query, more)
    return Page(listed, _word(query, spots[-1:]) if after else None, _word(query, (spots or [END])[:1]) if before else None,
                cursor.seal(query.resource.name, query.sort, END))


def count(session: Session, query: Query, cap: int | None = CAP) -> Count:
    """How many rows match, counted no further than `cap`, nor for longer than a glance; None counts them all.

    1 statement, up to 2 more with q=.
    """
    [found] = counts(session, [query], cap)
    return found


def counts(session: Session, queries: Sequence[Query], cap: int | None = CAP) -> list[Count]:
    """The same for several queries at once. 1 statement in all, up to 2 more for each with q=."""
    if not queries:
        return []
    if cap is None:
        return _counts(session, queries, None)
    try:
        with bounds.within(session.connection(), bounds.GLANCE):
            return _counts(session, queries, cap)
    except bounds.TooLong:
        return [Count(0, True) for _ in queries]


def _counts(session: Session, queries: Sequence[Query], cap: int | None) -> list[Count]:
    found = [searching.search(session.connection(), query, holding(query), by_id=True) for query in queries]
    row = session.execute(select(*(_counted(one, cap) for one in found))).one()
    numbers = [len(one.exact) + number for one, number in zip(found, row, strict=True)]
    return [Count(number, False) if cap is None or number <= cap else Count(cap, True) for number in numbers]


def _counted(found: Found, cap: int | None) -> ScalarSelect[int]:
    matching = select(literal(1)).select_from(found.source).where(*found.conditions)
    counted = (matching if cap is None else matching.limit(cap + 1)).subquery()
    return select(func.count()).select_from(counted).scalar_subquery()


def ids(session: Session, query: Query, limit: int, after: int = 0) -> list[int]:
    """The ids of the matching rows above `after`, smallest first, at most `limit`. 1 statement, 1 more with q=."""
    beyond = [query.resource.table.c.id > after] if after else []
    found = searching.search(session.connection(), query, [*holding(query), *beyond], by_id=True)
    id = query.resource.table.c.id if found.id is None else found.id
    others = session.execute(select(id).select_from(found.source).where(*found.conditions).order_by(id).limit(limit)).scalars()
    return sorted({*found.exact, *others})[:limit]


def matching(session: Session, query: Query) -> Conditions:
    """What holds of the matching rows, as conditions on the resource's own table. No statement; with q= 1, or 2."""
    return holds(session.connection(), query)


def holds(connection: Connection, query: Query) -> Conditions:
    """The same on a connection of the caller's."""
    found = searching.search(connection, query, holding(query), by_id=True)
    if not query.search:
        return found.conditions
    id = query.resource.table.c.id
    others = id.in_(select(id if found.id is None else found.id).select_from(found.source).where(*found.conditions))
    return [or_(id.in_(found.exact), others)]


def stream(session: Session, query: Query, fields: Sequence[Field],
           chunk: int = 1000) -> Generator[list[Row], None, None]:
    """All matching rows in the order of the query, as they stood at one moment, `chunk` at a time.

    Reads on a connection of its own: the caller may commit on `session` meanwhile. Memory is that of one chunk. `fields` are
    cut to those the actor may read; what q= names exactly comes first.
    """
    with snapshot(session) as connection:
        yield from walk(connection, query, fields, chunk)


def walk(connection: Connection, query: Query, fields: Sequence[Field], chunk: int = 1000) -> Iterator[list[Row]]:
    """The same on a connection of the caller's, for whoever reads more of the same moment."""
    seen = policy.readable(query.actor, query.resource)
    fields = [field for field in fields if field in seen or field in BUILT_IN]
    whole = replace(query, position=None, backwards=False)
    found = searching.search(connection, whole, holding(whole))
    every = chain(_named(connection, whole, fields, found.exact),
                  (row for row, _ in _walk(connection, whole, fields, found, chunk)))
    while part := list(islice(every, chunk)):
        _add_lines(connection, query, fields, part)
        yield part


def one(session: Session, resource: Resource, id: int, actor: Actor, trashed: bool = True) -> Row:
    """The record with its lines, references labelled. Raises NotFound, also for a row out of the actor's scope.

    2 statements; 1 where there are no lines. Raises Forbidden without `<resource>.read`.
    """
    check(actor, f"{resource.name}.read")
    sight, fields = policy.Sight(actor), policy.readable(actor, resource)
    chosen = rows.selection(resource, fields, sight)
    statement = rows.reading(chosen).where(resource.table.c.id == id, *_visible(resource, actor, "with" if trashed else ""))
    found = chosen.rows(session.execute(statement).mappings()) if 0 < id < 2**63 else []
    if not found:
        raise NotFound(f"There is no {resource.singular.lower()} {id}, or you may not see it.")
    if resource.lines in fields and resource.lines is not None:
        rows.add_lines(session.connection(), resource.lines, found, sight)
    return found[0]


def lookup(session: Session, resource: Resource, text: str, actor: Actor, limit: int = 20) -> list[Ref]:
    """Records to choose from in a picker: those the text names exactly, then those it is a part of, the newest first."""
    typed = text.strip()[:LONGEST_SEARCH]
    args = MultiDict([("q", typed), ("limit", str(limit))] if typed else [("limit", str(limit))])
    found = page(session, parse(resource, args, actor)).rows
    key = resource.require(resource.key)
    return [Ref(row["id"], key.written(row), resource.text(row)) for row in found[:limit]]


def _read(connection: Connection, query: Query, lines: bool) -> tuple[list[Row], list[Position], bool]:
    """The rows of a page, where they stand, and whether there are more."""
    found = searching.search(connection, query, holding(query))
    got = list(islice(_walk(connection, query, query.reads(), found, query.limit + 1), query.limit + 1))
    more, got = len(got) > query.limit, got[:query.limit]
    if query.backwards:
        got.reverse()
    before, _ = _sides(query, more)
    listed = ([] if before else _named(connection, query, query.reads(), found.exact)) + [row for row, _ in got]
    if lines:
        _add_lines(connection, query, policy.readable(query.actor, query.resource), listed)
    return listed, [spot for _, spot in got], more


def _walk(connection: Connection, query: Query, fields: Sequence[Field], found: Found,
          size: int) -> Iterator[tuple[Row, Position]]:
    """Rows from the position of the query on, with where they stand, fetched `size` at a time."""
    order, position, left = found.order(query.order), query.position, True
    while left:
        left = False
        for stretch, unindexed in zip(*(paging.stretches(one, position, query.backwards) for one in (order, order.unindexed())),
                                      strict=True):
            got = _part(connection, query, fields, found, order, stretch, unindexed, size)
            yield from got
            if len(got) == size:
                position, left = got[-1][1], True
                break


def _part(connection: Connection, query: Query, fields: Sequence[Field], found: Found, order: Order, stretch: Conditions,
          unindexed: Conditions, size: int) -> list[tuple[Row, Position]]:
    """One range of the list: its ids first, all the rest joined to them.

    SQLite does not know how many rows a filter leaves. So it walks the list in order first, for a while; if that was not enough
    they are few, and sorted.
    """
    if not (is_sqlite(connection) and query.filters) or order.by_id:
        return _joined(connection, query, fields, order, _spot(query, found, order, stretch, size))
    got = _joined(connection, query, fields, order, _near(query, found, order, stretch, size))
    if len(got) < size:
        got = _joined(connection, query, fields, order, _spot(query, found, order.unindexed(), unindexed, size))
    return got


def _spot(query: Query, found: Found, order: Order, stretch: Conditions, size: int) -> Subquery:
    return (select(order.id.label("id"), order.column.label("sort_value")).select_from(found.source)
            .where(*found.conditions, *stretch).order_by(*order.by(query.backwards)).limit(size).subquery("spot"))


def _near(query: Query, found: Found, order: Order, stretch: Conditions, size: int) -> Subquery:
    """What matches among the rows that come first."""
    first = (select(order.id.label("id"), order.column.label("sort_value"), and_(*found.conditions).is_(true()).label("holds"))
             .select_from(found.source).where(*stretch).order_by(*order.by(query.backwards)).limit(REACH).subquery("first"))
    return (select(first.c.id, first.c.sort_value).where(first.c.holds.is_(true()))
            .order_by(*order.on(first).by(query.backwards)).limit(size).subquery("spot"))


def _joined(connection: Connection, query: Query, fields: Sequence[Field], order: Order,
            spot: Subquery) -> list[tuple[Row, Position]]:
    """The rows of these ids, with where they stand."""
    table = query.resource.table
    chosen = rows.selection(query.resource, fields, query.sight, source=spot.join(table, table.c.id == spot.c.id))
    statement = rows.reading(chosen).add_columns(spot.c.sort_value).order_by(*order.on(spot).by(query.backwards))
    got = connection.execute(statement).mappings().all()
    spots = [paging.position_of(order, one["sort_value"], one["id"]) for one in got]
    return list(zip(chosen.rows(got), spots, strict=True))


def _named(connection: Connection, query: Query, fields: Sequence[Field], ids: Sequence[int]) -> list[Row]:
    """The rows with these ids, in the order of the list."""
    if not ids:
        return []
    chosen = rows.selection(query.resource, fields, query.sight)
    statement = rows.reading(chosen).where(query.resource.table.c.id.in_(ids)).order_by(*query.order.by(False))
    return chosen.rows(connection.execute(statement).mappings())


def _add_lines(connection: Connection, query: Query, fields: Sequence[Field], part: Sequence[Row]) -> None:
    if query.resource.lines is not None and query.resource.lines in fields:
        rows.add_lines(connection, query.resource.lines, part, query.sight)


def _sides(query: Query, more: bool) -> tuple[bool, bool]:
    """Whether there are rows before and after the page: on the side it came from there are, as far as anybody knows."""
    came = query.position is not None
    return (more, came and query.position != END) if query.backwards else (came, more)


def _word(query: Query, spots: Sequence[Position]) -> str | None:
    return cursor.seal(query.resource.name, query.sort, spots[0]) if spots else None


def holding(query: Query) -> Conditions:
    """What its filters, the actor's scope and the trash ask of a row, whatever is searched for."""
    return [*conditions(query.filters), *_visible(query.resource, query.actor, query.trashed)]


def _visible(resource: Resource, actor: Actor, trashed: str) -> Conditions:
    """The rows this actor may see, of the trash only or not at all."""
    gone = resource.table.c.trashed_at
    told = {"": gone.is_(None), "only": gone.is_not(None)}
    return [condition for condition in (told.get(trashed), policy.scope(actor, resource)) if condition is not None]


@contextmanager
def snapshot(session: Session) -> Iterator[Connection]:
    """A connection that sees the database as it stands now, for as long as it is open."""
    engine = session.get_bind().engine
    with engine.connect() as connection:
        if not is_sqlite(connection):
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        yield connection
