"""Reading what an export writes: all rows of a query as they stood at one moment, with what they refer to and their lines."""
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Connection, func, select

from app.errors import BadRequest
from app.exports import columns
from app.exports.columns import LINE, Column
from app.exports.style import Style
from app.records import expanding, query
from app.records.fields import Field, Lines
from app.records.query import Query, Row
from app.records.shapes import Shape

MOST_LINES = 50
Progress = Callable[[int], None]


def laid_out(connection: Connection, found: Query, chosen: Sequence[Column], style: Style) -> tuple[Column, ...]:
    """The columns of the file. 1 statement where lines become columns, none else. Raises BadRequest where they are too many."""
    lines = columns.lines(chosen)
    if lines is None or style.lines != "columns":
        return tuple(chosen)
    most = _most(connection, found, lines)
    if most > MOST_LINES:
        raise BadRequest(f"One of them has {most} lines. Choose a row for each line instead, or narrow the list.",
                         title="These are too many columns")
    return columns.spread(chosen, most)


def rows(connection: Connection, found: Query, chosen: Sequence[Column], progress: Progress) -> Iterator[Row]:
    """Each record, or each of its lines where columns ask for that. 1 statement for each chunk and each record referred to."""
    done, beside = 0, _shape(chosen)
    each = next((column.of for column in chosen if column.of is not None and not column.number), None)
    for chunk in query.walk(connection, found, _fields(chosen)):
        expanding.onto(connection, found.resource, chunk, found.actor, beside)
        yield from chunk if each is None else _by_line(chunk, each.name)
        done += len(chunk)
        progress(done)


def _by_line(chunk: Sequence[Row], name: str) -> Iterator[Row]:
    """A record without lines keeps one row."""
    for row in chunk:
        yield from ({**row, LINE: line} for line in row.get(name) or (None,))


def _fields(chosen: Sequence[Column]) -> list[Field]:
    found = [column.by or column.of or column.field for column in chosen]
    return list({field.name: field for field in found}.values())


def _shape(chosen: Sequence[Column]) -> Shape:
    shape = Shape(set())
    for column in chosen:
        if column.by is not None:
            within = shape.within.setdefault(column.by.name, Shape(set()))
            assert within.names is not None
            within.names.add(column.field.name)
    return shape


def _most(connection: Connection, found: Query, lines: Lines) -> int:
    """How many lines the record with the most of them has."""
    matching = select(found.resource.table.c.id).where(*query.holds(connection, found))
    parent = lines.table.c.parent_id
    counted = select(func.count().label("lines")).where(parent.in_(matching)).group_by(parent).subquery()
    return connection.execute(select(func.max(counted.c.lines))).scalar() or 0
