"""Whole columns as they stand in a file: what `columns.values` makes of single values, at a fraction of what each costs.

What makes a value there makes it here; what was made before is taken again. Text, amounts and moments, which hardly repeat, are
written by rules of their own where they are as they nearly always are.
"""
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from operator import itemgetter
from typing import Any

from app.exports import columns
from app.exports.columns import EXTRA
from app.exports.style import Style
from app.files.cells import EXACT
from app.files.guard import SUSPECT
from app.files.writing import LONGEST_TEXT, Value, cell, harmless
from app.records import money
from app.records.bare import Leaf, value
from app.records.fields import Money

MOST = 65_536       # values kept, of all columns together
LONG = 100          # characters; text beyond them is not kept
FIRST_DAY = date(1899, 12, 30)
Column = Sequence[Any]
Made = Callable[[Sequence[Column]], Iterable[Any]]
"""Makes the column of a file from columns of the database."""


class Kept(dict[Any, Any]):
    """What `make` makes of each value, made once as long as there is room."""

    def __init__(self, make: Callable[[Any], Any], most: int = MOST) -> None:
        super().__init__()
        self._make, self._most = make, most

    def __missing__(self, raw: Any) -> Any:
        made = self._make(raw)
        if type(raw) is str and len(raw) > LONG:
            return made
        if len(self) >= self._most:
            self.clear()
        self[raw] = made
        return made


def single(leaf: Leaf, sheet: bool, style: Style) -> Callable[[Any], Value]:
    """How one value is written, by what writes it in a row of its own."""
    field = leaf.field
    written = field.written if leaf.is_key else columns.written(field, sheet, style)
    if isinstance(field, Money):
        code = field.currency
        return lambda raw: written({field.column: raw[0], code: raw[1]})
    return lambda raw: written({field.column: value(field, raw)})


def of_csv(leaf: Leaf, style: Style, share: int = 1) -> Made:
    """Cells of a CSV file, for a column that shares its room with so many others."""
    kind, get, way = leaf.field.kind, itemgetter(leaf.at[0]), single(leaf, False, style)
    if kind in columns.PLAIN_KINDS and not (kind == "integer" and leaf.is_key):
        return get if kind == "integer" else lambda block: _harmless(get(block))
    if kind == "datetime" and style.is_utc and not style.is_local:
        return lambda block: [_minute(raw) if raw and len(raw) == 26 else way(raw) for raw in get(block)]
    if kind == "money" and not style.is_local:
        return lambda block: _amounts(*_raws(leaf, block))
    kept = Kept(lambda raw: harmless(way(raw)), MOST // share)
    return lambda block: map(kept.__getitem__, each(leaf, block))


def of_sheet(leaf: Leaf, style: Style, share: int = 1) -> Made:
    """The same as `cell` writes them in a workbook."""
    kind, get, way = leaf.field.kind, itemgetter(leaf.at[0]), single(leaf, True, style)
    if kind in columns.PLAIN_KINDS and kind != "integer":
        return lambda block: _texts(get(block))
    if kind == "datetime" and style.is_utc:
        moment, cut = Moments(way), leaf.field.name in EXTRA
        return lambda block: [moment.cell(f"{raw[:19]}.000000" if cut and raw else raw) for raw in get(block)]
    if kind == "money":
        return lambda block: _amount_cells(way, *_raws(leaf, block))
    kept = Kept(lambda raw: cell(way(raw)), MOST // share)
    return lambda block: map(kept.__getitem__, each(leaf, block))


def each(leaf: Leaf, block: Sequence[Column]) -> Iterable[Any]:
    """What `single` makes a value of: what is kept in its column, of an amount a pair with its currency."""
    found = _raws(leaf, block)
    return found[0] if len(found) == 1 else zip(*found, strict=True)


def _raws(leaf: Leaf, block: Sequence[Column]) -> list[Column]:
    return [block[place] for place in leaf.at]


def _harmless(values: Column) -> Iterable[Value]:
    begun = {value[:1] for value in set(values) if value}
    return values if begun.isdisjoint(SUSPECT) else map(harmless, values)


def _minute(raw: str) -> str:
    """As ISO 8601 has it, cut where nothing but noughts follows."""
    return raw[:16] if raw.endswith(":00.000000") else raw.removesuffix(".000000")


def _amounts(minors: Column, codes: Column) -> list[str]:
    hundredths = _hundredths(codes)
    return ["" if minor is None else f"{(text := str(minor))[:-2]}.{text[-2:]}" if minor > 99 and code in hundredths
            else money.from_minor(minor, code) for minor, code in zip(minors, codes, strict=True)]


def _amount_cells(way: Callable[[Any], Value], minors: Column, codes: Column) -> list[str]:
    hundredths = _hundredths(codes)
    return ["" if minor is None else f"{AMOUNT[0]}{(text := str(minor))[:-2]}.{text[-2:]}{AMOUNT[1]}"
            if 99 < minor < EXACT and code in hundredths else cell(way((minor, code)))
            for minor, code in zip(minors, codes, strict=True)]


def _hundredths(codes: Column) -> set[Any]:
    """Those of the currencies that have two decimals."""
    return {code for code in set(codes) if money.places(code) == 2}


def _texts(values: Column) -> Iterable[str]:
    """What repeats is written once, what nothing has to be done to all at once."""
    distinct = set(values)
    if 2 * len(distinct) < len(values) or not _is_plain([text for text in distinct if text]):
        made = {text: cell(text) for text in distinct}
        return map(made.__getitem__, values)
    before, after = TEXT
    return [f"{before}{text}{after}" if text else "" for text in values]


def _is_plain(texts: Sequence[str]) -> bool:
    """Whether each is written as it is."""
    every = "".join(texts)
    return (every.isascii() and every.isprintable() and not any(mark in every for mark in "_&<>")
            and SUSPECT.isdisjoint([text[0] for text in texts]) and max(map(len, texts), default=0) <= LONGEST_TEXT)


class Moments:
    """Moments as a workbook counts them: in days since the last of 1899. Days and minutes repeat, whole moments do not."""

    def __init__(self, way: Callable[[Any], Value]) -> None:
        self._way = way
        self._days = Kept(lambda day: (date.fromisoformat(day) - FIRST_DAY).days * 86_400)
        self._minutes = {f"{minute // 60:02}:{minute % 60:02}": minute * 60 for minute in range(1440)}

    def cell(self, raw: str | None) -> str:
        if raw is None:
            return ""
        if raw < "1900-03-01" or raw[19:] != ".000000":
            return cell(self._way(raw))
        second = raw[17:19]
        before, after = MINUTES if second == "00" else SECONDS
        return f"{before}{(self._days[raw[:10]] + self._minutes[raw[11:16]] + int(second)) / 86_400!r}{after}"


def _around(value: Value, shown: str) -> tuple[str, str]:
    """What stands before and after the value in a cell."""
    before, _, after = cell(value).partition(shown)
    return before, after


TEXT, AMOUNT = _around("text", "text"), _around(Decimal("7.50"), "7.50")
MINUTES = _around(datetime(1900, 4, 9), "100.0")  # noqa: DTZ001 (a workbook knows no zones)
SECONDS = _around(datetime(1900, 4, 9, 0, 0, 27), "100.0003125")  # noqa: DTZ001
