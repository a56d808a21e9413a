"""The form that adds a filter to a list: one field, what is asked of it, and the address of the list it leads to."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from datetime import date, datetime
from typing import NamedTuple

from flask import url_for
from werkzeug.datastructures import MultiDict

from app import ui
from app.audit import Actor
from app.records import filters, listing, policy
from app.records.fields import Choice, Field, Money, Reference
from app.records.operators import OPERATORS
from app.records.query import Query
from app.records.registry import named
from app.records.resource import Resource
from app.records.values import number_typed

EMPTINESS = {"empty": "is empty", "filled": "is filled in"}
NUMBERS = {"gte": "is at least", "lte": "is at most", "eq": "is exactly", "ne": "is not"}
TIMES = {"gte": "is since", "lte": "is until", "eq": "is on", "lt": "is before", "gt": "is after"}
WORDS: dict[str, Mapping[str, str]] = {
    "text": {"contains": "contains", "starts": "starts with", "eq": "is exactly", "ne": "is not"},
    "longtext": {"contains": "contains"}, "integer": NUMBERS, "money": NUMBERS, "date": TIMES, "datetime": TIMES,
    "choice": {"eq": "is one of", "ne": "is none of"}, "boolean": {"eq": "is"},
    "reference": {"contains": "contains", "eq": "is", "ne": "is not"}, "lines": {}, "json": {}}
WORDS["email"] = WORDS["text"]
NO_VALUE = ("empty", "filled")


class Option(NamedTuple):
    value: str
    title: str
    on: bool


@dataclass
class Narrowing:
    """The form, and once it is sent the parameters of the list it leads to."""

    resource: Resource
    field: Field
    op: str
    values: Sequence[str]
    keep: str                       # query string of the list it came from
    instead: str                    # the parameter this filter takes the place of
    sent: bool
    error: str = ""
    options: list[Option] = attribute(default_factory=list)

    @property
    def ops(self) -> dict[str, str]:
        return {**WORDS[self.field.kind], **(EMPTINESS if "empty" in OPERATORS[self.field.kind] else {})}

    @property
    def param(self) -> str:
        op = "empty" if self.op == "filled" else self.op
        return self.field.name if op == "eq" else f"{self.field.name}.{op}"

    @property
    def target(self) -> MultiDict[str, str]:
        """The list with this filter, from its first page."""
        args = listing.changed(filters.arguments(self.keep), after=None, before=None, count=None)
        if self.instead:
            args.poplist(self.instead)
        args.poplist(self.param)
        for value in self._written():
            args.add(self.param, value)
        return args

    @property
    def back(self) -> str:
        return listing.address(self.resource, filters.arguments(self.keep))

    @property
    def input(self) -> str:
        return {"date": "date", "datetime": "date"}.get(self.field.kind, "text")

    @property
    def lookup(self) -> str:
        return self.field.to if isinstance(self.field, Reference) else ""

    @property
    def hint(self) -> str:
        """What to write."""
        if isinstance(self.field, Money):
            return _of_amounts(self.field, filters.arguments(self.keep))
        if isinstance(self.field, Reference):
            return _of_others(self.field)
        return ""

    def _written(self) -> list[str]:
        if self.op in NO_VALUE:
            return ["true" if self.op == "empty" else "false"]
        if self.options:
            return [",".join(self.values)]
        if self.field.kind == "datetime":
            return [with_offset(value) for value in self.values]
        return list(self.values) or [""]


def _of_amounts(found: Money, kept: MultiDict[str, str]) -> str:
    try:
        code = filters.currencies(found, kept)[0]
    except ValueError as error:
        return str(error)
    return f"In {code}. Amounts in other currencies are left out; filter by currency to ask for those."


def _of_others(found: Reference) -> str:
    other = named(found.to)
    by = [ui.within(field.title) for field in other.found_by] or [ui.within(other.require(other.key).title)]
    return f"“Contains” takes any words of {' or '.join(filter(None, (', '.join(by[:-1]), by[-1])))}; “is” the whole " \
           f"{ui.within(other.require(found.shown_by).title)}."


def offered(asked: Query) -> list[tuple[str, str]]:
    """(title, address of its form) for each field this list can be filtered by."""
    known = (*policy.readable(asked.actor, asked.resource), *filters.BUILT_IN[1:])
    keep = listing.query_string(asked.args) or None
    return [(one.title, url_for("records.narrow", resource=asked.resource.name, by=one.name, keep=keep))
            for one in known if WORDS[one.kind]]


def read(resource: Resource, actor: Actor, args: MultiDict[str, str]) -> Narrowing | None:
    """The form these parameters ask for; None if there is no such field, or it may not be read."""
    known = {one.name: one for one in (*policy.readable(actor, resource), *filters.BUILT_IN) if WORDS[one.kind]}
    found = known.get(args.get("by", ""))
    if found is None:
        return None
    keep, instead = args.get("keep", "")[:4_000], args.get("instead", "")
    sent = "op" in args
    op, values = _asked(args) if sent else _standing(found, keep, instead)
    form = Narrowing(resource, found, op, values, keep, instead, sent)
    if op not in form.ops:
        form.op, form.sent = next(iter(form.ops)), False
    form.options = _options(found, values)
    if form.sent and found.kind in ("money", "integer"):
        _read_numbers(form)
    return form


def _read_numbers(form: Narrowing) -> None:
    """People write 12,50 too; in an address a comma stands between values."""
    try:
        form.values = [number_typed(value, form.field.kind == "integer") for value in form.values]
    except ValueError as error:
        form.error, form.sent = str(error), False


def _asked(args: MultiDict[str, str]) -> tuple[str, list[str]]:
    return args["op"], [value for value in args.getlist("value") if value.strip()]


def _standing(found: Field, keep: str, instead: str) -> tuple[str, list[str]]:
    """What the filter that is to be changed says now."""
    raws = filters.arguments(keep).getlist(instead) if instead else []
    op = instead.partition(".")[2] or "eq" if instead else next(iter(WORDS[found.kind]))
    if op == "empty":
        return "empty" if raws == ["true"] else "filled", []
    if found.kind in ("choice", "boolean"):
        return op, [part for raw in raws for part in raw.split(",")]
    if found.kind in ("integer", "money"):
        return op, [", ".join(part for raw in raws for part in raw.split(","))]   # several, unlike a decimal comma
    return op, [raw[:10] for raw in raws] if found.kind == "datetime" else raws


def _options(found: Field, values: Sequence[str]) -> list[Option]:
    if isinstance(found, Choice):
        return [Option(state.name, state.title, state.name in values) for state in found.choices]
    if found.kind == "boolean":
        return [Option("yes", "Yes", "yes" in values or not values), Option("no", "No", "no" in values)]
    return []


def with_offset(day: str) -> str:
    """A day as people here mean it: with the offset of their time zone on that day, unless that is UTC."""
    try:
        noon = datetime.combine(date.fromisoformat(day), datetime.min.time(), ui.zone())
    except ValueError:
        return day
    offset = f"{noon:%z}"
    return day if offset == "+0000" else f"{day}{offset[:3]}:{offset[3:]}"
