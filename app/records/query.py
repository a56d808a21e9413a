"""Reading records: one grammar of filters, search, sort and paging for pages, API, exports, bulk changes and pickers."""
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.records.fields import Field, Ref
from app.records.filters import Filter
from app.records.resource import Resource

Row = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """What somebody asks for, checked. `args` says the same again in one spelling, without `after` and `before`."""

    resource: Resource
    actor: Actor
    filters: tuple[Filter, ...]
    search: str                # what stood in q=, "" = no search
    sort: str                  # "-placed_at"
    limit: int
    trashed: str               # "" = leave them out, "with", "only"
    args: MultiDict[str, str]


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


def parse(resource: Resource, args: MultiDict[str, str], actor: Actor, *, extra: Sequence[str] = ()) -> Query:
    """Read the parameters of a list; those named in `extra` are left to the caller.

    Raises Forbidden without `<resource>.read`, and BadRequest whose `errors` say for each parameter what is wrong: a field
    or operator there is none of, a field the actor may not see, a value that cannot be read. Nothing is ever ignored,
    so a form that sends empty fields goes through `tidied` first.
    """
    raise NotImplementedError


def tidied(args: MultiDict[str, str]) -> MultiDict[str, str]:
    """The parameters without the empty ones: what a form with untouched fields means."""
    raise NotImplementedError


def page(session: Session, query: Query) -> Page:
    """The rows the query asks for, references labelled. At most 2 statements."""
    raise NotImplementedError


def count(session: Session, query: Query, cap: int | None = 10_000) -> Count:
    """How many rows match, counted no further than `cap`; None counts them all. 1 statement."""
    raise NotImplementedError


def ids(session: Session, query: Query, limit: int) -> list[int]:
    """The ids of the matching rows, smallest first, at most `limit`. 1 statement."""
    raise NotImplementedError


def stream(session: Session, query: Query, fields: Sequence[Field], chunk: int = 1000) -> Iterator[list[Row]]:
    """All matching rows in the order of the query, as they stood at one moment, `chunk` at a time.

    Reads on a connection of its own: the caller may commit on `session` meanwhile. Memory is that of one chunk.
    """
    raise NotImplementedError


def one(session: Session, resource: Resource, id: int, actor: Actor, trashed: bool = True) -> Row:
    """The record with its lines, references labelled. Raises NotFound, also for a row out of the actor's scope."""
    raise NotImplementedError


def lookup(session: Session, resource: Resource, text: str, actor: Actor, limit: int = 20) -> list[Ref]:
    """Records to choose from in a picker, best first: what is typed is part of the key, the title or the search index."""
    raise NotImplementedError
