"""Lists of what happened, newest first: a page by its place among the ids, counts by view. Whatever the table."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, and_, case, func, literal, select, union_all
from sqlalchemy.orm import Session

from app.extensions import Model

M = TypeVar("M", bound=Model)
View = tuple[str, ColumnElement[bool]]      # what people call it, and which rows it shows
SIZE = 50
CAP = 10_000


@dataclass(frozen=True)
class Count:
    """How many there are; `capped`: at least as many."""

    number: int
    capped: bool


@dataclass(frozen=True)
class Page(Generic[M]):
    """Rows, the newest first; `after` and `before` say where the neighbours begin, None where there are none."""

    rows: Sequence[M]
    after: int | None
    before: int | None


def place(given: Mapping[str, str], errors: dict[str, str]) -> dict[str, int]:
    """The ids among "after" and "before"; what cannot be one is an error by its name."""
    found = {name: whole(given[name]) for name in ("after", "before") if name in given}
    errors.update({name: "Give a whole number." for name, id in found.items() if id is None})
    return {name: id for name, id in found.items() if id is not None}


def whole(text: str) -> int | None:
    """The number `text` is, if a row can have it for an id."""
    return int(text) if text.isascii() and text.isdecimal() and int(text) < 2**63 else None


def page(session: Session, model: type[M], conditions: Sequence[ColumnElement[bool]], after: int | None = None,
         before: int | None = None) -> Page[M]:
    """The rows after (older than) or before (newer than) an id, or the newest. One statement, by the index of the filter."""
    id = model.__table__.c.id
    query = select(model).where(*conditions).limit(SIZE + 1)
    if before is not None:
        found = list(session.scalars(query.where(id > before).order_by(id)))
        shown = found[:SIZE][::-1]
        return Page(shown, _id(shown[-1:]), _id(shown[:1]) if len(found) > SIZE else None)
    if after is not None:
        query = query.where(id < after)
    found = list(session.scalars(query.order_by(id.desc())))
    shown = found[:SIZE]
    return Page(shown, _id(shown[-1:]) if len(found) > SIZE else None, _id(shown[:1]) if after is not None else None)


def counts(session: Session, model: type[Model], views: Mapping[str, View],
           conditions: Sequence[ColumnElement[bool]]) -> dict[str, Count]:
    """How many rows each view has, and "" all of them; no more than CAP of any are looked at.

    One statement, two where filters leave more than that.
    """
    if not conditions:
        return _unfiltered(session, model, views)
    found = _among(session, model, views, conditions)
    if not found[""].capped:
        return found
    beside = _beside(session, model, views, conditions)
    return found | {name: Count(max(one.number, found[name].number), one.capped) for name, one in beside.items()}


def _unfiltered(session: Session, model: type[Model], views: Mapping[str, View]) -> dict[str, Count]:
    """Each view by its own index."""
    shown = {name: [condition] for name, (_, condition) in views.items()} | {"": []}
    parts = [select(literal(name), select(func.count()).select_from(
        select(literal(1)).select_from(model).where(*own).limit(CAP + 1).subquery()).scalar_subquery())
        for name, own in shown.items()]
    return {name: _count(number, number) for name, number in session.execute(union_all(*parts))}


def _among(session: Session, model: type[Model], views: Mapping[str, View],
           conditions: Sequence[ColumnElement[bool]]) -> dict[str, Count]:
    """Counted among the newest rows the filters leave: by their index, whatever the views are."""
    id = model.__table__.c.id
    parts = [case((condition, 1), else_=0).label(f"view_{name}") for name, (_, condition) in views.items()]
    some = select(id, *parts).where(*conditions).order_by(id.desc()).limit(CAP + 1).subquery()
    sums = [func.sum(some.c[part.name]) for part in parts]
    *numbers, every = session.execute(select(*sums, func.count()).select_from(some)).one()
    return {name: _count(number or 0, every) for name, number in zip(views, numbers, strict=True)} | {"": _count(every, every)}


def _beside(session: Session, model: type[Model], views: Mapping[str, View],
            conditions: Sequence[ColumnElement[bool]]) -> dict[str, Count]:
    """Counted among the newest rows of each view, by its index: what few have is counted whole."""
    id, parts = model.__table__.c.id, []
    for name, (_, condition) in views.items():
        some = (select(case((and_(*conditions), 1), else_=0).label("fits")).where(condition).order_by(id.desc()).limit(CAP + 1)
                .subquery())
        parts.append(select(literal(name), func.coalesce(func.sum(some.c.fits), 0), func.count()).select_from(some))
    return {name: _count(number, looked) for name, number, looked in session.execute(union_all(*parts))}


def _count(number: int, looked: int) -> Count:
    """What was counted, where no more than CAP + 1 were looked at."""
    return Count(min(number, CAP), looked > CAP)


def _id(rows: Sequence[Model]) -> int | None:
    return rows[0].id if rows else None  # type: ignore[attr-defined]
