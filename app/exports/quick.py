"""The quick way from the database to a file, whole columns at a time: for all exports but those of lines.

The same stands in the file as `columns.values` makes of the same records one by one.
"""
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import BinaryIO

from sqlalchemy import Connection

from app.exports import columns, whole
from app.exports.columns import Column
from app.exports.reading import Progress
from app.exports.style import Style
from app.files.writing import MEASURED, Value, csv_ready, xlsx_ready
from app.records.bare import Bare, Leaf
from app.records.query import Query

SIZE = 1000
Block = list[tuple[object, ...]]
"""The columns of some rows."""


def serves(chosen: Sequence[Column]) -> bool:
    """Whether these columns can be written this way."""
    return all(column.of is None and column.kind != "lines" for column in chosen)


def to_csv(file: BinaryIO, connection: Connection, found: Query, chosen: Sequence[Column], progress: Progress,
           style: Style) -> int:
    """Write every row the query finds; returns how many."""
    bare, leaves = _read(connection, found, chosen)
    ways = [whole.of_csv(leaf, style, len(leaves)) for leaf in leaves]
    parts = (list(zip(*(way(block) for way in ways), strict=True)) for block in _blocks(bare, progress))
    return csv_ready(file, columns.headings(chosen, style, False), parts, style.delimiter, style.encoding)


def to_xlsx(file: BinaryIO, connection: Connection, found: Query, chosen: Sequence[Column], progress: Progress,
            style: Style) -> int:
    """The same as a workbook."""
    bare, leaves = _read(connection, found, chosen)
    ways, blocks = [whole.of_sheet(leaf, style, len(leaves)) for leaf in leaves], _blocks(bare, progress)
    ahead = next(blocks, None)
    first = [] if ahead is None else _values(leaves, ahead, style)
    every = blocks if ahead is None else chain((ahead,), blocks)
    rows = chain.from_iterable(zip(*(way(block) for way in ways), strict=True) for block in every)
    return xlsx_ready(file, found.resource.plural, columns.headings(chosen, style, True), first, rows, is_local=style.is_local)


def _read(connection: Connection, found: Query, chosen: Sequence[Column]) -> tuple[Bare, list[Leaf]]:
    bare = Bare(connection, found)
    return bare, [bare.leaf(column.field, *((column.by,) if column.by else ())) for column in chosen]


def _blocks(bare: Bare, progress: Progress) -> Iterator[Block]:
    done = 0
    for rows in bare.blocks(SIZE):
        yield list(zip(*rows, strict=True))
        done += len(rows)
        progress(done)


def _values(leaves: Sequence[Leaf], block: Block, style: Style) -> list[tuple[Value, ...]]:
    """The first rows as values, by which columns are measured."""
    first = [column[:MEASURED] for column in block]
    return list(zip(*(map(whole.single(leaf, True, style), whole.each(leaf, first)) for leaf in leaves), strict=True))
