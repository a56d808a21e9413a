"""Which records others refer to, whoever may see those."""
from collections.abc import Collection, Iterator

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.records.registry import resources
from app.records.relations import Reference
from app.records.resource import Resource


def referred(session: Session, resource: Resource, ids: Collection[int]) -> set[int]:
    """Those of the records that one outside the trash refers to, itself or in its lines."""
    return {id for query in _queries(resource, ids) for id in session.scalars(query)}


def _queries(resource: Resource, ids: Collection[int]) -> Iterator[Select[int]]:
    for other in resources():
        here = other.table.c.trashed_at.is_(None)
        for column in (other.table.c[by.column] for by in other.references if by.to == resource.name):
            yield select(column).where(column.in_(ids), here).distinct()
        for by in other.lines.fields if other.lines is not None else ():
            if other.lines is not None and isinstance(by, Reference) and by.to == resource.name:
                lines = other.lines.table
                yield select(lines.c[by.column]).join(other.table, other.table.c.id == lines.c.parent_id).where(
                    lines.c[by.column].in_(ids), here).distinct()
