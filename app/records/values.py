"""From what people and files write to plain values. Each raises ValueError: what is wrong, then what to write instead."""
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import NamedTuple

LARGEST = 2**63 - 1
ADDRESS = r"^[^@\s<>]+@[^@\s<>.]+(\.[^@\s<>.]+)+$"      # of e-mail: records, accounts and the API description alike
PLAIN = re.compile(r"[+-]?\d+\Z", re.ASCII)
GROUPED = {mark: re.compile(rf"[+-]?(?:\d+|\d{{1,3}}(?:[{re.escape(group)}  \u202f'’]\d{{3}})+)?"
                            rf"(?:{re.escape(mark)}\d+|(?<=\d){re.escape(mark)}?)\Z", re.ASCII)
           for mark, group in ((".", ","), (",", "."))}
GROUPING = {mark: str.maketrans("", "", f"{group}  \u202f'’") for mark, group in ((".", ","), (",", "."))}
ISO_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\Z", re.ASCII)
OTHER_DAY = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})\Z", re.ASCII)
YES = frozenset(("yes", "true", "1", "y", "on", "x", "t", "✓", "ja", "j", "wahr", "oui", "vrai", "si", "sí", "verdadero",
                 "sì", "vero", "waar", "sim", "verdadeiro", "tak", "prawda", "ano", "áno", "igen", "da", "да", "так", "evet",
                 "kyllä", "sant", "sand", "はい", "是"))
NO = frozenset(("no", "false", "0", "n", "off", "f", "✗", "nein", "falsch", "non", "faux", "falso", "nee", "onwaar", "não",
                "nie", "fałsz", "ne", "nem", "nu", "нет", "ні", "hayır", "ei", "nej", "nei", "falskt", "falsk", "usant",
                "いいえ", "否"))
STRANGE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
MAILED = re.compile(ADDRESS)
BREAKS = re.compile(r"[\t\r\n\u2028\u2029]+")
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]+")
"""Marks that turn around how what stands behind them is shown, far beyond the value (UAX 9, 2.1 to 2.4)."""


class Reading(NamedTuple):
    """How numbers and days are written where the values come from; an import finds it out column by column."""

    decimal: str = "."
    day_first: bool = False
    ids: bool = False     # a program writes: a bare whole number is the id of a record, and choices have names, not titles


EITHER = "?"
TYPED = Reading(decimal=EITHER)
"""What people type into forms: 12.50 or 12,50. What could be two numbers is refused, not guessed."""


def text_of(raw: object, limit: int, lines: bool = False) -> str | None:
    """Text without blanks around it, None if nothing is left. One line unless `lines`; then line ends become "\\n".

    Marks that change the direction of what follows are left out: they are no part of what is said, and hide it.
    """
    if raw is None:
        return None
    value = raw if type(raw) is str else _plain_text(raw)
    value = value.strip()
    if not value.isprintable():
        value = TURNS.sub("", value).strip()
        value = value.replace("\r\n", "\n").replace("\r", "\n") if lines else BREAKS.sub(" ", value)
        if STRANGE.search(value):
            raise ValueError("This contains characters that cannot be kept. Type it again without them.")
    if len(value) > limit:
        raise ValueError(f"This has {len(value)} characters. Shorten it to {limit}.")
    return value or None


def address_of(raw: object, limit: int = 254) -> str | None:
    """An e-mail address in lower case; None if there is none."""
    value = text_of(raw, limit)
    if value is not None and not MAILED.match(value):
        raise ValueError("This is not an e-mail address. Write it like name@example.com.")
    return None if value is None else value.lower()


def whole_of(raw: object, reading: Reading) -> int | None:
    """A whole number from -2⁶³ to 2⁶³ - 1."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, str) and raw.isspace():
        return None
    if reading.decimal == EITHER:
        raw, reading = _typed(raw, whole=True), Reading()
    value = raw if type(raw) is int else _whole(raw, reading)
    if not -LARGEST <= value <= LARGEST:
        raise ValueError("This number is too large to keep. Write a smaller one.")
    return value


def decimal_of(raw: object, reading: Reading, like: str) -> Decimal | None:
    """A finite number, exact. `like` is what the sentence shows as an example, with a decimal point."""
    if raw is None or raw == "":
        return None
    if reading.decimal == EITHER:
        raw, reading = _typed(raw, whole=False), Reading()
    if isinstance(raw, str):
        written = raw.strip()
        if not written:
            return None
        if reading.decimal == "." and written.isascii() and written.replace(".", "", 1).isdigit() and len(written) <= 40:
            return Decimal(written)
        if len(written) <= 40 and GROUPED[reading.decimal].match(written) and any(map(str.isdigit, written)):
            return Decimal(written.translate(GROUPING[reading.decimal]).replace(reading.decimal, "."))
    elif isinstance(raw, (int, float, Decimal)) and not isinstance(raw, bool):
        value = Decimal(repr(raw)) if isinstance(raw, float) else Decimal(raw)
        if value.is_finite() and abs(value) < 10**40:
            return value
    raise ValueError(f"This is not a number. Write it like {like.replace('.', reading.decimal)}.")


def number_typed(raw: str, whole: bool) -> str:
    """A number as somebody typed it, point or comma, as the grammar has it; what is none stays as it is.

    Raises ValueError where it could be two numbers.
    """
    found = sorted({value.normalize() for mark in ".," if (value := _read(raw, mark)) is not None
                    and not (whole and value % 1)})
    if len(found) > 1:
        less, more = (f"{value:f}" for value in found)
        safe = f"{less}0" if len(less.partition(".")[2]) == 3 else less   # three decimals look like thousands
        raise ValueError(f"This can be read as {more} or as {less}. Write {more} or {safe}.")
    return f"{found[0]:f}" if found else raw


def _typed(raw: object, *, whole: bool) -> object:
    """Forms show amounts with a point, so only a comma can mean two things."""
    return number_typed(raw.strip(), whole) if isinstance(raw, str) and "," in raw else raw


def _read(raw: str, mark: str) -> Decimal | None:
    try:
        return decimal_of(raw, Reading(decimal=mark), "")
    except ValueError:
        return None


def day_of(raw: object, reading: Reading) -> date | None:
    """A day. Years first are always understood; otherwise `day_first` says what 5/6/2026 means (dots: always the day)."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, datetime):
        return raw.date()
    if isinstance(raw, date):
        return raw
    written = str(raw).strip()
    if not written:
        return None
    found = _day(written, reading)
    if found is None and len(written) > 10:
        found = _day(written[:10].rstrip(" T,"), reading) if _clock(written) == time() else None
    if found is None:
        raise ValueError(f"This is not a date{_order(written, reading)}2026-05-31.")
    return found


def moment_of(raw: object, reading: Reading) -> datetime | None:
    """A moment in UTC; what has no offset is UTC."""
    if raw is None or raw == "":
        return None
    try:
        at = raw if isinstance(raw, datetime) else _moment(raw, reading)
        return None if at is None else (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"This is not a date and time{_order(str(raw).strip(), reading, ' 14:30')}2026-05-31 14:30.") from None


def truth_of(raw: object) -> bool | None:
    """Yes or no."""
    if raw is None or isinstance(raw, bool):
        return raw
    word = str(raw).strip().casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    if word:
        raise ValueError("This is neither yes nor no. Write one of the two.")
    return None


def id_of(raw: object) -> int:
    """The id of a record."""
    if type(raw) is str and len(raw) < 20 and PLAIN.match(raw):
        raw = int(raw)
    if type(raw) is int and 0 < raw <= LARGEST:
        return raw
    raise ValueError("This is not the id of a record. Write a whole number.")


def _plain_text(raw: object) -> str:
    if isinstance(raw, (dict, list, tuple, set, bytes)):
        raise ValueError("This is not text. Write a single value.")
    if isinstance(raw, float) and raw.is_integer() and abs(raw) < 2**53:
        return str(int(raw))
    return str(raw)


def _whole(raw: object, reading: Reading) -> int:
    if type(raw) is str and len(raw) < 20 and PLAIN.match(raw):
        return int(raw)
    try:
        value = decimal_of(raw, reading, "12")
    except ValueError:
        value = None
    if value is None or value != value.to_integral_value():
        raise ValueError("This is not a whole number. Write it like 12.")
    return int(value)


def _day(written: str, reading: Reading) -> date | None:
    try:
        if found := ISO_DAY.match(written):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := OTHER_DAY.match(written):
            day, month = int(found[1]), int(found[3])
            if not (reading.day_first or found[2] == "."):
                day, month = month, day
            return date(int(found[4]), month, day)
    except ValueError:
        return None
    return None


def _order(written: str, reading: Reading, clock: str = "") -> str:
    """The middle of the sentence: who does not write the year first is told in which order we read days and months."""
    if OTHER_DAY.match(written[:10].rstrip(" T,")) is None or "." in written[:10]:
        return ". Write it like "
    said, example = ("day", "31/05/2026") if reading.day_first else ("month", "05/31/2026")
    return f" with the {said} first. Write it like {example}{clock}, or "


def _clock(written: str) -> time | None:
    try:
        return time.fromisoformat(written[10:].strip(" T,"))
    except ValueError:
        return None


def _moment(raw: object, reading: Reading) -> datetime | None:
    if isinstance(raw, date):
        return datetime.combine(raw, time())
    written = str(raw).strip()
    if not written:
        return None
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        head, _, rest = written.replace("T", " ").replace(", ", " ").partition(" ")
        found = _day(head, reading)
        if found is None:
            raise
        return datetime.combine(found, time.fromisoformat(rest.strip()) if rest.strip() else time())
