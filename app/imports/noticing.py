"""What the values of each column show: samples, blanks, the decimal mark, the order of day and month. One pass over the rows."""
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from app.files.cells import Cell, damaged, error, formula, text
from app.imports import spelling

SAMPLES = 4
DISTINCT = 2_000
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
NUMBER = re.compile(r"[+-]?[\d.,'’\u00a0\u202f ]*\d[.,]?(?: ?%)?", re.ASCII)
DAY = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(?:\d{4}|(?<!-)\d{2})(?!\d)")
ISO = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)")
PLAIN = re.compile(r"[+-]?\d*[.,]?\d+", re.ASCII)
ENDS = frozenset("0123456789)-")
LED = "(€$£¥₹₽₺₩₴₪฿₫₱−"
MARK = re.compile(r"[.,]")


@dataclass
class Column:
    """One column of a file. Decimal marks and orders of days are proven by values that can be read in one way only."""

    header: str
    filled: int = 0
    samples: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)      # decimal marks that values prove
    likely: list[str] = field(default_factory=list)     # decimal marks that values suggest: 1,234 with nothing after it
    day_order: list[str] = field(default_factory=list)  # "day" or "month" first, as values prove
    unsure: str = ""                                    # a day that can be read in two ways
    emails: int = 0
    numbers: int = 0
    days: int = 0
    errors: int = 0
    formulas: int = 0                                   # of which the file holds no value
    lost: int = 0                                       # with letters that could not be read
    long: int = 0                                       # numbers a spreadsheet has rounded
    repeats: bool = False                               # a value comes twice (looked for among the first few thousand)
    _seen: set[str] = field(default_factory=set, repr=False)

    def look(self, cell: Cell) -> None:
        """Take one more value into account."""
        if cell is None:
            return
        self.filled += 1
        if isinstance(cell, str):
            self._words(cell)
        else:
            self.numbers += isinstance(cell, int | float)
            self.days += isinstance(cell, dict) and ("d" in cell or "t" in cell)
            self.errors += error(cell) is not None
            self.formulas += formula(cell) is not None
            self.long += damaged(cell)
        if len(self._seen) < DISTINCT:
            self._distinct(text(cell))

    def facts(self) -> dict[str, Any]:
        """Everything found out, as JSON."""
        return {name: value for name, value in asdict(self).items() if not name.startswith("_")}

    def _distinct(self, shown: str) -> None:
        if shown in self._seen:
            self.repeats = True
            return
        self._seen.add(shown)
        if len(self.samples) < SAMPLES:
            self.samples.append(shown[:60])

    def _words(self, words: str) -> None:
        first = words[:1]
        self.lost += "\ufffd" in words
        if "@" in words:
            self.emails += EMAIL.fullmatch(words) is not None
        elif first.isdecimal() or first in "+-.,":
            if PLAIN.fullmatch(words):
                self.numbers += 1
                self._mark(words)
            elif ISO.match(words):
                self.days += 1
            else:
                self._spelled(words)
        elif first in LED or first.isupper() and words[-1] in ENDS:
            self._spelled(words)

    def _spelled(self, words: str) -> None:
        """Numbers and days with something around or between them."""
        if day := DAY.match(words):
            self.days += 1
            if day[2] != ".":
                self._order(words, int(day[1]), int(day[3]))
        elif NUMBER.fullmatch(number := spelling.number(words)[0]):
            self.numbers += 1
            self._mark(number)
        elif words[0].isdecimal() and spelling.day(words) != words:
            self.days += 1

    def _order(self, words: str, first: int, second: int) -> None:
        if first > 12 >= second:
            _add(self.day_order, "day")
        elif second > 12 >= first:
            _add(self.day_order, "month")
        elif first != second and not self.unsure:
            self.unsure = words

    def _mark(self, words: str) -> None:
        found = MARK.findall(words)
        if not found:
            return
        last = found[-1]
        after = len(words.rstrip("% ").rpartition(last)[2])
        if len(set(found)) == 2:
            _add(self.marks, last)
        elif len(found) > 1:
            _add(self.marks, _other(last))
        elif after != 3 or words.lstrip("+-").startswith(("0", last)):
            _add(self.marks, last)
        else:
            _add(self.likely, _other(last))


def notice(headers: Sequence[str]) -> list[Column]:
    """A column to look through for each heading."""
    return [Column(header) for header in headers]


def decimal(columns: Sequence[dict[str, Any]], before: str | None = None) -> str | None:
    """The decimal mark of these columns together; "." if none of them needs one, None if a person has to say.

    What values prove goes before what was chosen for such a file `before`, and that before what values suggest.
    """
    proven, likely = ({mark for column in columns for mark in column[kind]} for kind in ("marks", "likely"))
    if not proven:
        return "." if not likely else before or (likely.pop() if len(likely) == 1 else None)
    return proven.pop() if len(proven) == 1 else before


def day_first(columns: Sequence[dict[str, Any]], before: bool | None = None) -> bool | None:
    """Whether days are written before months; False if it makes no difference, None if a person has to say."""
    found = {order for column in columns for order in column["day_order"]}
    if found:
        return "day" in found if len(found) == 1 else before
    return before if any(column["unsure"] for column in columns) else False


def _add(found: list[str], what: str) -> None:
    if what not in found:
        found.append(what)


def _other(mark: str) -> str:
    return "." if mark == "," else ","
