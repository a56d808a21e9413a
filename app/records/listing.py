"""What a list page shows around its rows: tabs, chips, column headers, pages, and the ways out of an empty list."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import current_app, g, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import ui
from app.access import current_actor
from app.audit import Actor
from app.extensions import db
from app.records import answers, bounds, policy, query, saved_views
from app.records.fields import Field, Reference
from app.records.filters import BUILT_IN, Filter, arguments
from app.records.query import Count, Page, Query
from app.records.resource import Resource
from app.records.saved_views import SavedView

Args = MultiDict[str, str]
MOST_TRIES = 4
DOWN_FIRST = ("money", "integer", "date", "datetime")
"""Kinds of which people want to see the greatest first."""


@dataclass(frozen=True)
class Chip:
    title: str
    shown: str
    change: str      # where to change the filter, "" if there is no form for it
    without: str     # the list without it


@dataclass(frozen=True)
class Easier:
    """A way out of an empty list: what there would be, and a button."""

    text: str
    word: str
    url: str


@dataclass(frozen=True)
class Column:
    """A column of the table. `area` is its place on the card a phone shows."""

    field: Field
    area: str
    url: str                  # sorts by it; "" if it cannot be sorted by
    direction: str = ""       # ascending, descending, or "" while the list is sorted by something else

    @property
    def right(self) -> bool:
        return self.field.kind in ("money", "integer")

    @property
    def classes(self) -> str:
        """Of a cell: its area, and how it stands; what a phone leaves out is read second everywhere."""
        if self.area == "off":
            return "off num" if self.right else "off"
        return f"a-{self.area}{' num' if self.right else ''}"


def begin(resource: Resource, views: Sequence[SavedView]) -> SavedView | None:
    """The view the plain address of the list leads to, if any; kept for this request: all records then need one of their own."""
    view = saved_views.first(views)
    g.setdefault("begins", {})[resource.name] = view is not None
    return view


def address(resource: Resource, args: Args) -> str:
    """The list with these parameters; without any, all records: 1 statement where `begin` did not say how to have them."""
    path = url_for("records.index", resource=resource.name)
    if args:
        return f"{path}?{query_string(args)}"
    if resource.name not in g.get("begins", {}):
        begin(resource, saved_views.of(db.session(), resource, current_actor()))
    return f"{path}?view=all" if g.begins[resource.name] else path


def query_string(args: Args) -> str:
    return urlencode(list(args.items(multi=True)), safe=":,@/")


def changed(args: Args, **new: str | None) -> Args:
    """A copy of `args` with some parameters set, or taken out where None."""
    copy = MultiDict(args)
    for name, value in new.items():
        copy.poplist(name)
        if value is not None:
            copy[name] = value
    return copy


def cleared(asked: Query) -> Args:
    """The list without filters and search; its order and whether it is the trash stay."""
    return MultiDict([(name, asked.args[name]) for name in ("sort", "trashed", "limit") if name in asked.args])


def tabs(asked: Query, views: Sequence[SavedView] = ()) -> list[tuple[str, str, None, bool]]:
    """All, the views kept under a name, and the trash."""
    resource, here = asked.resource, sorted(asked.args.items(multi=True))
    kept = [(view.name, address(resource, args), None, sorted(args.items(multi=True)) == here)
            for view in views for args in [arguments(view.query)]]
    is_kept = any(current for *_, current in kept)
    return [(f"All {ui.within(resource.plural)}", address(resource, MultiDict()), None, not asked.trashed and not is_kept), *kept,
            ("Trash", address(resource, MultiDict({"trashed": "only"})), None, asked.trashed == "only" and not is_kept)]


def chips(asked: Query) -> list[Chip]:
    """One for each filter, each with the list that has all but this one."""
    return [Chip(one.title, one.shown, _form_url(asked, one), address(asked.resource, changed(asked.args, **{one.param: None})))
            for one in asked.filters]


def columns(asked: Query, names: Sequence[str] | None = None) -> list[Column]:
    """The columns of these names (default: those of the declaration) this person may read."""
    known = {field.name: field for field in (*BUILT_IN, *policy.readable(asked.actor, asked.resource))}
    shown = [known[name] for name in names or asked.resource.listed if name in known]
    areas = card(shown)
    return [Column(field, areas.get(field.name, "off"), _sort_url(asked, field), _direction(asked, field)) for field in shown]


def inline(asked: Query) -> list[str]:
    """The fields that can be edited in their cells, by name; none in the trash."""
    if asked.trashed or not asked.actor.may(f"{asked.resource.name}.edit"):
        return []
    return [field.name for field in policy.writable(asked.actor, asked.resource) if field.kind != "lines"]


def card(fields: Sequence[Field]) -> dict[str, str]:
    """Where fields stand on the card a phone shows: first what it is called, then amount, who, two statuses and when."""
    areas: dict[str, str] = {fields[0].name: "id"} if fields else {}
    for area, *choices in AREAS:
        fitting = (field for kinds in choices for field in fields if field.kind in kinds and field.name not in areas)
        found = next(fitting, None)
        if found is not None:
            areas[found.name] = area
    return areas


AREAS: tuple[tuple[Any, ...], ...] = (
    ("total", ("money",)), ("who", ("reference",), ("text", "email")), ("st", ("choice", "boolean")), ("pay", ("choice",)),
    ("when", ("datetime", "date")))


def pages(asked: Query, page: Page, **beside: str | None) -> dict[str, str]:
    """Where First, Previous, Next, Last, "Count exactly" and "Show totals" lead; absent where there is nothing.

    `beside`: what else the page shows and the others are to show too.
    """
    args = changed(asked.args, **beside)
    found = {"exact": address(asked.resource, changed(asked.args, count="exact")),
             "totals": address(asked.resource, changed(asked.args, totals="1"))}
    if page.previous:
        found["first"] = address(asked.resource, args)
        found["previous"] = address(asked.resource, changed(args, before=page.previous))
    if page.next:
        found["next"] = address(asked.resource, changed(args, after=page.next))
        found["last"] = address(asked.resource, changed(args, before=page.last))
    return found


def easier(session: Session, asked: Query) -> list[Easier]:
    """Ways out of a list nothing matches: each filter whose removal brings records back, the most of them first."""
    tries = [(one.title, one.shown, changed(asked.args, **{one.param: None})) for one in asked.filters]
    if asked.search and asked.filters:
        tries.append(("Search", f"“{asked.search}”", changed(asked.args, q=None)))
    found = [(query.count(session, query.parse(asked.resource, args, asked.actor)), title, shown, args)
             for title, shown, args in tries[:MOST_TRIES] if len(tries) > 1]
    found.sort(key=lambda one: -one[0].number)
    if asked.search and (elsewhere := _through(session, asked)):
        return elsewhere
    return [Easier(f"{_many(count, asked.resource)} without “{title} {shown}”.", f"Remove {title}", address(asked.resource, args))
            for count, title, shown, args in found[:2] if count.number]


def _through(session: Session, asked: Query) -> list[Easier]:
    """What is searched for may be said of a record these refer to: the customer of an order."""
    ways = []
    for field in (one for one in asked.reads() if isinstance(one, Reference)):
        args = changed(asked.args, q=None, **{f"{field.name}.contains": asked.search})
        count = query.count(session, query.parse(asked.resource, args, asked.actor))
        if count.number:
            text = f"{_many(count, asked.resource)} whose {ui.within(field.title)} is found by it."
            ways.append(Easier(text, f"Search by {ui.within(field.title)}", address(asked.resource, args)))
    return ways[:2]


def _many(count: Count, resource: Resource) -> str:
    if count.number == 1:
        return f"1 {ui.within(resource.label)} matches"
    return f"{count.number:,}{'+' if count.capped else ''} {ui.within(resource.plural)} match"


def way_in(resource: Resource, actor: Actor) -> str:
    """Where a spreadsheet of these records is imported, "" if this person may not."""
    return _elsewhere("imports.new", actor.may(f"{resource.name}.import"), resource=resource.name)


def template(resource: Resource, actor: Actor) -> str:
    """Where the workbook is that such a spreadsheet begins with, "" as above."""
    return _elsewhere("imports.template_file", actor.may(f"{resource.name}.import"), resource=resource.name)


def way_out(asked: Query) -> str:
    """Where what this list shows is exported with its filters, "" if this person may not."""
    return _elsewhere("exports.new", asked.actor.may(f"{asked.resource.name}.export"), resource=asked.resource.name,
                      query=query_string(asked.args) or None)


def _elsewhere(endpoint: str, allowed: bool, **values: Any) -> str:
    return url_for(endpoint, **values) if allowed and endpoint in current_app.view_functions else ""


def whole(page: Page) -> Count | None:
    """The count, if the page is all there is and nothing has to be counted."""
    return None if page.next or page.previous else Count(len(page.rows), False)


def counted(session: Session, asked: Query, page: Page, exact: bool) -> Count:
    """How many records match: exactly where they are all on the page or somebody asks for it, else as far as a glance reaches."""
    return whole(page) or (_exact(session, asked) if exact else None) or _about(session, asked, page)


def _exact(session: Session, asked: Query) -> Count | None:
    try:
        with bounds.within(session.connection(), bounds.CAREFUL):
            return answers.asked(session, asked, "exact count", lambda: query.count(session, asked, None))
    except bounds.TooLong:
        return None


def _about(session: Session, asked: Query, page: Page) -> Count:
    cap = bounds.cap(asked)
    found = (query.count(session, asked, cap) if cap == bounds.MANY else      # which costs no more than to look up what is kept
             answers.asked(session, asked, "count", lambda: query.count(session, asked, cap)))
    return found if found.number >= len(page.rows) else Count(len(page.rows), True)


def _form_url(asked: Query, one: Filter) -> str:
    """The form that changes this filter; those on fields of other records and on alternatives have none."""
    if one.group is not None or one.param.split(".")[0] != one.field.name:
        return ""
    return url_for("records.narrow", resource=asked.resource.name, by=one.field.name, instead=one.param,
                   keep=query_string(asked.args))


def _sort_url(asked: Query, field: Field) -> str:
    if not field.sortable:
        return ""
    order = f"-{field.name}" if field.kind in DOWN_FIRST else field.name
    if asked.sort.lstrip("-") == field.name:
        order = field.name if asked.sort.startswith("-") else f"-{field.name}"
    return address(asked.resource, changed(asked.args, sort=order))


def _direction(asked: Query, field: Field) -> str:
    if asked.sort.lstrip("-") != field.name:
        return ""
    return "descending" if asked.sort.startswith("-") else "ascending"
