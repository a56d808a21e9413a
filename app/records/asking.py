"""From the parameters of a list to a Query: filters, q=, sort=, limit=, trashed=, and after= or before= a word of a page."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from werkzeug.datastructures import MultiDict

from app.access import check
from app.audit import Actor
from app.errors import BadRequest
from app.records import cursor, filters, policy
from app.records.cursor import Position
from app.records.fields import Field
from app.records.filters import BUILT_IN, Filter
from app.records.paging import Order
from app.records.resource import Resource
from app.records.values import STRANGE

Args = MultiDict[str, str]
DEFAULT_LIMIT, MOST_ROWS, LONGEST_SEARCH = 50, 200, 200
TRASHED = ("with", "only")


@dataclass(frozen=True)
class Query:
    """What somebody asks for, checked. `args` says the same again in one spelling, without `after` and `before`."""

    resource: Resource
    actor: Actor
    filters: tuple[Filter, ...]
    search: str                       # what stood in q=, "" = no search
    sort: str                         # "-placed_at"
    limit: int
    trashed: str                      # "" = leave them out, "with", "only"
    args: Args
    position: Position | None = None  # where the page begins, None: at the start, or the end if backwards
    backwards: bool = False

    @property
    def sight(self) -> policy.Sight:
        return policy.Sight(self.actor)

    @property
    def order(self) -> Order:
        table = self.resource.table
        column = table.c[sortable(self.actor, self.resource)[self.sort.removeprefix("-")].sort_column]
        return Order(column, table.c.id, self.sort.startswith("-"), bool(column.nullable))

    def reads(self) -> tuple[Field, ...]:
        """The fields the actor may see, without lines."""
        return tuple(field for field in policy.readable(self.actor, self.resource) if field.kind != "lines")


def sortable(actor: Actor, resource: Resource) -> dict[str, Field]:
    """The fields `actor` may sort a list by, by name."""
    return {field.name: field for field in (*policy.readable(actor, resource), *BUILT_IN) if field.sortable}


def parse(resource: Resource, args: Args, actor: Actor, *, extra: Sequence[str] = ()) -> Query:
    """Read the parameters of a list; those named in `extra` are left to the caller.

    Raises Forbidden without `<resource>.read`, and BadRequest whose `errors` say for each parameter what is wrong: a field
    or operator there is none of, a field the actor may not see, a value that cannot be read. Nothing is ever ignored,
    so a form that sends empty fields goes through `tidied` first.
    """
    check(actor, f"{resource.name}.read")
    asked = MultiDict([(name, value) for name, value in args.items(multi=True) if name not in (*WORDS, *extra)])
    words, errors = _words(resource, args, actor)
    try:
        found = filters.parse(resource, asked, policy.Sight(actor))
    except BadRequest as error:
        raise BadRequest(error.detail, errors={**error.errors, **errors}) from None
    if errors:
        raise BadRequest("Some parameters cannot be read.", errors=errors)
    query = Query(resource, actor, found, words["q"], words["sort"], words["limit"], words["trashed"], _spelled(asked, args))
    return replace(query, **_beginning(query, args))


def tidied(args: Args) -> Args:
    """The parameters without the empty ones: what a form with untouched fields means."""
    return MultiDict([(name, value) for name, value in args.items(multi=True) if value.strip()])


def _words(resource: Resource, args: Args, actor: Actor) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of the parameters that are no filters, each its default where it is left out, and what is wrong with them."""
    read: dict[str, Callable[[str], object]] = {
        "q": _search, "sort": lambda raw: _sort(raw, sortable(actor, resource)), "limit": _limit, "trashed": _trashed,
        "after": str, "before": str}
    default = {"q": "", "sort": "-id" if args.get("q") else _usual(resource, actor), "limit": DEFAULT_LIMIT, "trashed": ""}
    values: dict[str, Any] = dict(default)
    errors = {}
    for name in (name for name in WORDS if name in args):
        try:
            (raw,) = args.getlist(name)
            values[name] = read[name](raw)
        except ValueError as error:
            errors[name] = str(error) if len(args.getlist(name)) == 1 else "This is given more than once. Give it once."
    if "after" in args and "before" in args:
        errors["before"] = "A page begins after one row or ends before one. Leave one of the two out."
    return values, errors


WORDS = ("q", "sort", "limit", "trashed", "after", "before")


def _usual(resource: Resource, actor: Actor) -> str:
    """The order of the declaration, if this actor may see what it sorts by."""
    return resource.order if resource.order.removeprefix("-") in sortable(actor, resource) else "-id"


def _search(raw: str) -> str:
    text = " ".join(raw.split())
    if not text:
        raise ValueError("There is nothing to search for. Write something, or leave it out.")
    if len(text) > LONGEST_SEARCH:
        raise ValueError(f"This has {len(text)} characters. Search for at most {LONGEST_SEARCH}.")
    if STRANGE.search(text):
        raise ValueError("This contains characters that are never kept. Type it again without them.")
    return text


def _sort(raw: str, known: dict[str, Field]) -> str:
    if raw.removeprefix("-") not in known:
        raise ValueError(f"This list cannot be sorted by {raw.removeprefix('-')}. Choose from {', '.join(known)}; "
                         "a minus sign before it turns the order around.")
    return raw


def _limit(raw: str) -> int:
    if not (raw.isascii() and raw.isdecimal() and len(raw) < 5 and 1 <= int(raw) <= MOST_ROWS):
        raise ValueError(f"This is not a number of rows. Write one from 1 to {MOST_ROWS}.")
    return int(raw)


def _trashed(raw: str) -> str:
    if raw not in TRASHED:
        raise ValueError(f"This is not understood. Write one of: {', '.join(TRASHED)}; or leave it out.")
    return raw


def _spelled(asked: Args, args: Args) -> Args:
    kept = [(name, args[name]) for name in ("q", "sort", "limit", "trashed") if name in args]
    return MultiDict([*asked.items(multi=True), *kept])


def _beginning(query: Query, args: Args) -> dict[str, Any]:
    for param in ("after", "before"):
        if param in args:
            position = cursor.opened(query.resource.name, query.sort, args[param], param)
            return {"position": position, "backwards": param == "before"}
    return {}
