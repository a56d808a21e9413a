"""Reading the records that others are answered with: one statement for each relation, however many rows there are."""
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, FromClause, Select, func, select
from sqlalchemy.orm import Session

from app.audit import Actor
from app.errors import BadRequest
from app.records import bounds, bulk, policy, rows
from app.records.fields import Reference
from app.records.resource import Resource
from app.records.rows import Row, Selection
from app.records.shapes import Place, Shape

MOST = 20
"""Records that refer to one, the newest of them; a link leads to all."""
HERE = "*"
"""Where a row keeps what was read beside it, by relation; no column has this name."""


class Some(NamedTuple):
    """Records that refer to another, through their field `by`; `more`: these are not all."""

    resource: Resource
    by: Reference
    rows: list[Row]
    more: bool


def beside(row: Row, relation: str) -> Any:
    """The row this one refers to, the Some that refer to it; None where there is none, or nobody asked."""
    return row.get(HERE, {}).get(relation)


def expand(session: Session, resource: Resource, found: Sequence[Row], actor: Actor, shape: Shape) -> None:
    """Give each row the records its shape has within, as far as the actor may see them.

    1 statement a relation, 1 more where its records have lines. Raises BadRequest where the database takes too long.
    """
    if not shape.expands or not found:
        return
    try:
        with bounds.within(session.connection(), bounds.PATIENCE):
            _within(session.connection(), Place(resource), found, actor, shape)
    except bounds.TooLong:
        raise BadRequest("The database was stopped before it was done.", title="This takes too long", errors={
            "expand": "Too many records would have to be looked at. Ask for fewer rows with limit=, or expand less."}) from None


def onto(connection: Connection, resource: Resource, found: Sequence[Row], actor: Actor, shape: Shape) -> None:
    """The same on a connection of the caller's, however long it takes."""
    if shape.expands and found:
        _within(connection, Place(resource), found, actor, shape)


def _within(connection: Connection, place: Place, found: Sequence[Row], actor: Actor, shape: Shape) -> None:
    for name, inner in shape.within.items():
        beyond = place.ways(actor)[name]
        if beyond.lines is not None:
            _within(connection, beyond, [line for row in found for line in row[name]], actor, inner)
        else:
            read = _referring if beyond.many else _referred
            for row, there in zip(found, read(connection, beyond, found, actor, inner), strict=True):
                row.setdefault(HERE, {})[name] = there


def _referred(connection: Connection, place: Place, found: Sequence[Row], actor: Actor, shape: Shape) -> Iterable[Row | None]:
    """The record each of these refers to; one in the trash too, for the reference holds."""
    column, id = _by(place).column, place.resource.table.c.id
    ids = {row[column] for row in found if row[column] is not None}
    chosen = _chosen(place, actor, place.resource.table)
    statement = rows.reading(chosen).where(bulk.among(connection, id, ids), *_visible(place, actor))
    by_id = {row["id"]: row for row in _read(connection, place, chosen, statement, actor, shape)} if ids else {}
    return [by_id.get(row[column]) for row in found]


def _referring(connection: Connection, place: Place, found: Sequence[Row], actor: Actor, shape: Shape) -> Iterable[Some]:
    """The newest that refer to each of these, without those in the trash."""
    by, table = _by(place), place.resource.table
    number = func.row_number().over(partition_by=table.c[by.column], order_by=table.c.id.desc()).label("number")
    theirs = bulk.among(connection, table.c[by.column], [row["id"] for row in found])
    newest = select(table.c.id, number).where(theirs, table.c.trashed_at.is_(None), *_visible(place, actor)).subquery("newest")
    chosen = _chosen(place, actor, newest.join(table, table.c.id == newest.c.id))
    statement = rows.reading(chosen).where(newest.c.number <= MOST + 1).order_by(table.c.id.desc())
    by_id: dict[int, list[Row]] = {row["id"]: [] for row in found}
    for row in _read(connection, place, chosen, statement, actor, shape):
        by_id[row[by.column]].append(row)
    return [Some(place.resource, by, by_id[row["id"]][:MOST], len(by_id[row["id"]]) > MOST) for row in found]


def _read(connection: Connection, place: Place, chosen: Selection, statement: Select[Any], actor: Actor,
          shape: Shape) -> list[Row]:
    """The rows with their lines, and with what is wanted within them."""
    got = chosen.rows(connection.execute(statement).mappings())
    lines = place.resource.lines
    if lines is not None and lines in policy.readable(actor, place.resource) and shape.has(lines.name):
        rows.add_lines(connection, lines, got, policy.Sight(actor))
    _within(connection, place, got, actor, shape)
    return got


def _chosen(place: Place, actor: Actor, source: FromClause) -> Selection:
    return rows.selection(place.resource, policy.readable(actor, place.resource), policy.Sight(actor), source=source)


def _visible(place: Place, actor: Actor) -> list[Any]:
    scope = policy.scope(actor, place.resource)
    return [] if scope is None else [scope]


def _by(place: Place) -> Reference:
    assert place.by is not None
    return place.by
