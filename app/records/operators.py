"""What can be asked of a field, by its kind: the operators, how their values are read, the condition and how it is said."""
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, cast

from sqlalchemy import ColumnElement, Text, and_, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from app.records import money
from app.records.fields import Choice, Field
from app.records.values import STRANGE, Reading

COMPARED = ("eq", "ne", "gt", "gte", "lt", "lte", "empty")
WRITTEN = ("eq", "ne", "contains", "starts", "empty")
CHOSEN = ("eq", "ne", "empty")
WRITTEN_BY_PROGRAMS = Reading(ids=True)     # an address names choices as it names fields
OPERATORS: dict[str, tuple[str, ...]] = {
    "text": WRITTEN, "longtext": WRITTEN, "email": WRITTEN,
    "integer": COMPARED, "money": COMPARED, "date": COMPARED, "datetime": COMPARED,
    "choice": CHOSEN, "boolean": CHOSEN, "reference": ("eq", "ne", "contains", "empty"), "lines": ("empty",), "json": ()}
"""The operators of a field. `eq` is written without its name: status=paid."""
LISTED = ("integer", "money", "choice", "boolean", "reference")
"""Kinds whose values may stand in one parameter, with commas between; text has its parameter repeated."""
MOST = 1_000
NOTHING = "This has no value. To find what is empty, write .empty=true."
LAST = "\U0010ffff"
DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2})?\Z")
UNESCAPED_PLUS = re.compile(r"(T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?) (\d{2}:\d{2})\Z")


class Asked(NamedTuple):
    """A condition on the field's column, and the words that stand after the field's title."""

    condition: ColumnElement[bool]
    shown: str


class Span(NamedTuple):
    """The moments somebody meant: one day, or one moment where both are the same."""

    start: datetime
    end: datetime
    shown: str


class without_case(FunctionElement[str]):
    """Text in lower case, of every alphabet, on both databases: SQLite's own lower() knows ASCII only."""

    type = Text()
    inherit_cache = True


@compiles(without_case)
def _lower(element: without_case, compiler: SQLCompiler, **kw: Any) -> str:
    return f"lower({compiler.process(element.clauses, **kw)})"


@compiles(without_case, "sqlite")
def _lower_sqlite(element: without_case, compiler: SQLCompiler, **kw: Any) -> str:
    return f"unicode_lower({compiler.process(element.clauses, **kw)})"


def ask(field: Field, op: str, raws: Sequence[str], column: ColumnElement[Any], codes: Sequence[str] = (),
        key: ColumnElement[str] | None = None) -> Asked:
    """What `field.op=raws` means for `column`. Raises ValueError with a sentence when a value cannot be read.

    `codes` are the currencies amounts are written in; `key` the casefolded copy of a text column, where it has one.
    """
    if op == "empty":
        return _empty(field, raws, column)
    if field.kind == "datetime":
        return _moments(op, raws, column)
    if op in ("contains", "starts"):
        return _parts(op, raws, column, key)
    if op not in ("eq", "ne"):
        _check_single(field, raws)
    values, shown = _values(field, raws, codes)
    if op in ("eq", "ne"):
        return _equal(op, values, shown, column, key)
    return Asked(COMPARE[op](column, values[0]), f"{_words(field)[op]} {shown[0]}")


COMPARE: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "gt": lambda column, value: column > value, "gte": lambda column, value: column >= value,
    "lt": lambda column, value: column < value, "lte": lambda column, value: column <= value}
OF_NUMBERS = {"gt": "above", "gte": "at least", "lt": "below", "lte": "at most"}
OF_TIMES = {"gt": "after", "gte": "since", "lt": "before", "lte": "until"}


def _words(field: Field) -> dict[str, str]:
    return OF_TIMES if field.kind in ("date", "datetime") else OF_NUMBERS


def split(field: Field, raws: Sequence[str]) -> list[str]:
    """The single values in the parameters. Raises ValueError when there is an empty or a thousandth one."""
    found = [part.strip() for raw in raws for part in raw.split(",")] if field.kind in LISTED else list(raws)
    if not all(found):
        raise ValueError(NOTHING)
    if len(found) > MOST:
        raise ValueError(f"This has {len(found):,} values. Ask for at most {MOST:,}.")
    return found


def _check_single(field: Field, raws: Sequence[str]) -> None:
    if len(raws) > 1:
        raise ValueError("This takes one value. Leave the others out.")
    if "," in raws[0] and field.kind in LISTED:
        whole, _, rest = raws[0].strip().partition(",")
        fits = rest.isdecimal() and (whole.removeprefix("-").isdecimal())
        raise ValueError(f"Write {f'{whole}.{rest}' if fits else 'one number'}: in a web address a comma separates values.")


def checked(raw: str) -> str:
    """`raw`, if a database can compare with it."""
    if STRANGE.search(raw):
        raise ValueError("This contains characters that are never kept. Type it again without them.")
    return raw


def _values(field: Field, raws: Sequence[str], codes: Sequence[str]) -> tuple[list[object], list[str]]:
    read = _reader(field, codes)
    parts = split(field, raws)
    values = [read(checked(part)) for part in parts]
    if None in values:
        raise ValueError(NOTHING)
    return values, [_said(field, value, codes) for value in values]


def _reader(field: Field, codes: Sequence[str]) -> Callable[[object], object]:
    read = field.converter(WRITTEN_BY_PROGRAMS)
    if field.kind != "money":
        return read

    def amount(raw: object) -> int | None:
        value = read(raw)
        return None if value is None else money.to_minor(cast(Decimal, value), codes[0])
    return amount


def _said(field: Field, value: object, codes: Sequence[str]) -> str:
    if isinstance(field, Choice):
        return field.state(str(value)).title
    if field.kind == "money":
        return f"{money.from_minor(cast(int, value), codes[0])} {_listed(codes, 'or')}"
    if field.kind == "boolean":
        return "Yes" if value else "No"
    return str(value)


def _equal(op: str, values: list[object], shown: list[str], column: ColumnElement[Any], key: ColumnElement[str] | None) -> Asked:
    """Text is compared as it is; its key beside it, which is what has an index."""
    same = _one_of(column, values)
    if op == "eq":
        found = same if key is None else and_(_one_of(key, [str(value).casefold() for value in values]), same)
        return Asked(found, _listed(shown, "or"))
    return Asked(or_(~same, column.is_(None)), f"not {_listed(shown, 'or')}")


def _one_of(column: ColumnElement[Any], values: Sequence[object]) -> ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)


def _listed(shown: Sequence[str], word: str) -> str:
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {word} {shown[-1]}"


def _empty(field: Field, raws: Sequence[str], column: ColumnElement[Any]) -> Asked:
    if list(raws) == ["true"]:
        return Asked(column.is_(None), "is empty")
    if list(raws) == ["false"]:
        return Asked(column.is_not(None), "is filled in")
    raise ValueError("This is neither true nor false. Write one of the two.")


def _parts(op: str, raws: Sequence[str], column: ColumnElement[Any], key: ColumnElement[str] | None) -> Asked:
    if not all(raws):
        raise ValueError(NOTHING)
    test, words = (_contains, "contains") if op == "contains" else (_starts, "starts with")
    shown = _listed([f"“{raw}”" for raw in raws], "or")
    return Asked(or_(*(test(checked(raw), column, key) for raw in raws)), f"{words} {shown}")


def _contains(part: str, column: ColumnElement[Any], key: ColumnElement[str] | None) -> ColumnElement[bool]:
    if key is not None:
        return key.contains(part.casefold(), autoescape=True)
    if part.isascii():
        return column.icontains(part, autoescape=True)
    return without_case(column).contains(part.lower(), autoescape=True)


def _starts(part: str, column: ColumnElement[Any], key: ColumnElement[str] | None) -> ColumnElement[bool]:
    """As a range of the key where there is one, since that is what an index can answer."""
    if key is not None:
        folded = part.casefold()
        return and_(key >= folded, key < folded + LAST)
    if part.isascii():
        return column.istartswith(part, autoescape=True)
    return without_case(column).startswith(part.lower(), autoescape=True)


def _moments(op: str, raws: Sequence[str], column: ColumnElement[Any]) -> Asked:
    """A day is all of its moments: until a day includes it, after a day begins with the next one."""
    spans = [span(raw) for raw in raws]
    if op in ("eq", "ne"):
        within = or_(*(_within(one, column) for one in spans))
        said = _listed([one.shown for one in spans], "or")
        return Asked(within, said) if op == "eq" else Asked(or_(~within, column.is_(None)), f"not {said}")
    if len(spans) > 1:
        raise ValueError("This takes one value. Leave the others out.")
    one = spans[0]
    whole = one.end > one.start
    bounds = {"gt": column >= one.end if whole else column > one.start, "gte": column >= one.start, "lt": column < one.start,
              "lte": column < one.end if whole else column <= one.start}
    return Asked(bounds[op], f"{OF_TIMES[op]} {one.shown}")


def _within(one: Span, column: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(column >= one.start, column < one.end) if one.end > one.start else column == one.start


def span(raw: str) -> Span:
    """The day or moment `raw` names; without an offset it is meant in UTC."""
    text = UNESCAPED_PLUS.sub(r"\1+\2", raw.strip())   # a plus sign in a URL that nobody escaped
    try:
        if found := DAY.match(text):
            start = datetime.fromisoformat(f"{found[1]}T00:00{found[2] or 'Z'}")
            return Span(start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC), text)
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        return Span(at, at, text)
    except (ValueError, OverflowError):
        raise ValueError("This is not a day or moment. Write it like 2026-05-31 or 2026-05-31T14:30:00Z.") from None
