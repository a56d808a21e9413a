"""The statements a batch asks with: built once for each set of columns, and as many values as there are in one parameter."""
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, func, not_, or_, select

from app.records import bulk
from app.records.held import Place
from app.records.parse import IDENTITY
from app.records.resource import Resource

Scope = ColumnElement[bool] | None


def whole(resource: Resource, by: tuple[str, ...], sqlite: bool, scope: Scope) -> Select[Any]:
    """Records found by any of these columns: `read_columns`, then whether they are outside `scope`."""
    return _whole(resource, by, sqlite) if scope is None else _whole_in(resource, by, sqlite, scope)


def keys(resource: Resource, by: tuple[str, ...], sqlite: bool, scope: Scope) -> Select[Any]:
    """Of such records the id, whether they are in the trash, whether outside `scope`, and `key_columns`."""
    return _keys(resource, by, sqlite) if scope is None else _keys_in(resource, by, sqlite, scope)


@cache
def read_columns(resource: Resource) -> tuple[str, ...]:
    """What decisions need to know of a record: everything but sort keys and our own times."""
    derived = {field.sort_column for field in resource.fields if field.folded}
    return tuple(c.name for c in resource.table.columns if c.name not in derived | {"created_at", "updated_at"})


def key_columns(by: Sequence[str]) -> tuple[str, ...]:
    """What has to be known of a record that was found by these columns; an outside id goes with its account."""
    return (*(column for column in by if column not in ("id", IDENTITY)), *((IDENTITY, "account") if IDENTITY in by else ()))


@lru_cache(maxsize=500)
def anybody(places: tuple[Place, ...]) -> Select[Any]:
    """For each place whether anybody waits there for anybody."""
    columns = [(place.lines.table if place.lines else place.resource.table).c[place.field.ref_column] for place in places]
    asked: list[Any] = [exists().where(column.is_not(None)) for column in columns]
    return select(*asked)


@lru_cache(maxsize=1000)
def _whole(resource: Resource, by: tuple[str, ...], sqlite: bool) -> Select[Any]:
    return _whole_in(resource, by, sqlite, None)


def _whole_in(resource: Resource, by: tuple[str, ...], sqlite: bool, scope: Scope) -> Select[Any]:
    table = resource.table
    return select(*(table.c[column] for column in read_columns(resource)), _hidden(scope)).where(_found(resource, by, sqlite))


@lru_cache(maxsize=1000)
def _keys(resource: Resource, by: tuple[str, ...], sqlite: bool) -> Select[Any]:
    return _keys_in(resource, by, sqlite, None)


def _keys_in(resource: Resource, by: tuple[str, ...], sqlite: bool, scope: Scope) -> Select[Any]:
    table = resource.table
    return select(table.c.id, table.c.trashed_at.is_not(None), _hidden(scope), *(table.c[column] for column in key_columns(by))
                  ).where(_found(resource, by, sqlite))


def _found(resource: Resource, by: tuple[str, ...], sqlite: bool) -> ColumnElement[bool]:
    return or_(*(bulk.any_of(sqlite, resource.table.c[column], column) for column in by))


def _hidden(scope: Scope) -> ColumnElement[bool]:
    return (false() if scope is None else not_(func.coalesce(scope, false()))).label("hidden")
