"""The filters of the query grammar: from `total.gte=100` to a condition, or to a sentence saying why not."""
from collections.abc import Sequence
from dataclasses import dataclass, field as attribute
from typing import Protocol

from sqlalchemy import ColumnElement
from werkzeug.datastructures import MultiDict

from app.records.fields import Field
from app.records.resource import Resource


class Sight(Protocol):
    """Who asks: the fields and rows of a resource that may be seen."""

    def fields(self, resource: Resource) -> tuple[Field, ...]: ...

    def rows(self, resource: Resource) -> ColumnElement[bool] | None: ...


@dataclass(frozen=True)
class Filter:
    """One condition somebody asked for: `param` as it stands in the URL, `title` and `shown` as a person reads it."""

    param: str
    field: Field
    op: str                       # eq ne gt gte lt lte contains starts empty
    values: tuple[str, ...]       # as written, one each
    title: str                    # "Total", "Customer e-mail"
    shown: str                    # "at least 100.00 EUR"
    condition: ColumnElement[bool] = attribute(compare=False, repr=False)
    group: str | None = None      # filters of one group are alternatives: any.1.status


def parse(resource: Resource, args: MultiDict[str, str], sight: Sight) -> tuple[Filter, ...]:
    """Read every parameter as a filter. Raises BadRequest with a sentence for each one that cannot be read."""
    raise NotImplementedError


def conditions(found: Sequence[Filter]) -> list[ColumnElement[bool]]:
    """What has to hold for a row to match: every filter, and of each group at least one."""
    raise NotImplementedError


def arguments(text: str) -> MultiDict[str, str]:
    """A query string ("status=paid&total.gte=100") as parameters."""
    raise NotImplementedError


class Everything:
    """Sees all fields and rows: for conditions the installation itself wrote."""

    def fields(self, resource: Resource) -> tuple[Field, ...]:
        return resource.fields

    def rows(self, resource: Resource) -> ColumnElement[bool] | None:
        return None


EVERYTHING = Everything()
