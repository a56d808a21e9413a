"""Fields: what a person may write in a place, and what we store for it.

A field's *name* takes what people write ("12.50", "ada@example.com"); its *column* takes what we store (1250, 7).
`Change.values` may use either; for most fields they are the same word.
"""
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, Literal

from app.records import codes, money
from app.records.field import Convert, Field, Kind, Row
from app.records.relations import Json, Lines, Ref, Reference, Wanted
from app.records.values import LARGEST, Reading, address_of, day_of, decimal_of, moment_of, text_of, truth_of, whole_of

Tone = Literal["mute", "busy", "wait", "ok", "back", "bad"]
Shape = Literal["open", "half", "full", "call"]

__all__ = ["Boolean", "Choice", "Country", "Currency", "Date", "DateTime", "Email", "Field", "Integer", "Json", "Kind", "Lines",
           "LongText", "Money", "Reading", "Ref", "Reference", "State", "Text", "Wanted"]


@dataclass(frozen=True)
class Text(Field):
    limit: int = 200
    kind: ClassVar[Kind] = "text"
    folded: ClassVar[bool] = True

    def converter(self, reading: Reading) -> Convert:
        limit = self.limit

        def text(raw: object) -> str | None:
            if type(raw) is str:
                value = raw.strip()
                if len(value) <= limit and value.isprintable():   # nearly always
                    return value or None
            return text_of(raw, limit)
        return text


@dataclass(frozen=True)
class LongText(Field):
    limit: int = 10_000
    kind: ClassVar[Kind] = "longtext"

    def converter(self, reading: Reading) -> Convert:
        limit = self.limit
        return lambda raw: text_of(raw, limit, lines=True)


@dataclass(frozen=True)
class Currency(Text):
    """A currency code; a record that does not say its currency has the installation's."""

    default: object = money.installation
    limit: int = 3

    def converter(self, reading: Reading) -> Convert:
        def currency(raw: object) -> str | None:
            value = text_of(raw, 40)
            if value is None:
                return None
            if len(value) != 3 or not value.isascii() or not value.isalpha():
                raise ValueError("This is not a currency. Write its three letters, like EUR.")
            return value.upper()
        return currency

    def objection(self, value: Any) -> str:
        known = value is None or value in codes.currencies()
        return "" if known else f"There is no currency {value} in use. Write three letters, like EUR."


@dataclass(frozen=True)
class Country(Text):
    """A country by its two letters."""

    limit: int = 2
    hint: str = "Two letters, like DE."

    def converter(self, reading: Reading) -> Convert:
        def country(raw: object) -> str | None:
            value = text_of(raw, 200)
            if value is not None and (len(value) != 2 or not value.isascii() or not value.isalpha()):
                raise ValueError("This is not the code of a country. Two letters, like DE.")
            return None if value is None else value.upper()
        return country

    def objection(self, value: Any) -> str:
        return "" if value is None or value in codes.countries() else f"There is no country {value}. Two letters, like DE."


@dataclass(frozen=True)
class Email(Text):
    limit: int = 254
    kind: ClassVar[Kind] = "email"

    def converter(self, reading: Reading) -> Convert:
        limit = self.limit
        return lambda raw: address_of(raw, limit)


@dataclass(frozen=True)
class Integer(Field):
    least: int = -LARGEST
    most: int = LARGEST
    unit: str = ""                        # shown after the number: "g"
    kind: ClassVar[Kind] = "integer"

    def converter(self, reading: Reading) -> Convert:
        least, most = self.least, self.most

        def whole(raw: object) -> int | None:
            value = whole_of(raw, reading)
            if value is not None and not least <= value <= most:
                raise ValueError(f"This number is too small. Write {least} or more." if value < least else
                                 f"This number is too large. Write {most} or less.")
            return value
        return whole


@dataclass(frozen=True)
class Money(Field):
    """`total` takes "12.50" in the currency of the record, `total_minor` takes 1250."""

    currency: str = "currency"            # the column beside it
    least: int | None = None              # for people, in minor units
    kind: ClassVar[Kind] = "money"
    late: ClassVar[bool] = True

    @property
    def column(self) -> str:
        return f"{self.name}_minor"

    def converter(self, reading: Reading) -> Convert:
        return lambda raw: decimal_of(raw, reading, "12.50")

    def settle(self, value: Decimal, code: str | None) -> int:
        """Minor units, in the currency of the record. Raises ValueError."""
        if code is None:
            raise ValueError("The currency of this amount is missing. Fill it in as well.")
        return money.to_minor(value, code)

    def stored(self) -> Convert:
        return _minor

    def objection(self, value: Any) -> str:
        if self.least is None or value is None or value >= self.least:
            return ""
        return f"This amount is too small. Write {self.least} or more."

    def written(self, row: Row) -> str:
        value = row.get(self.column)
        return "" if value is None else money.from_minor(value, row.get(self.currency))

    def json(self, row: Row) -> str | None:
        return self.written(row) or None


@dataclass(frozen=True)
class Date(Field):
    kind: ClassVar[Kind] = "date"

    def converter(self, reading: Reading) -> Convert:
        return lambda raw: day_of(raw, reading)

    def json(self, row: Row) -> str | None:
        value: date | None = row.get(self.column)
        return None if value is None else value.isoformat()


@dataclass(frozen=True)
class DateTime(Field):
    kind: ClassVar[Kind] = "datetime"

    def converter(self, reading: Reading) -> Convert:
        return lambda raw: moment_of(raw, reading)

    def written(self, row: Row) -> str:
        value: datetime | None = row.get(self.column)
        if value is None:
            return ""
        precise = "minutes" if not (value.second or value.microsecond) else "auto"
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ", precise)

    def json(self, row: Row) -> str | None:
        value: datetime | None = row.get(self.column)
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


@dataclass(frozen=True)
class Boolean(Field):
    kind: ClassVar[Kind] = "boolean"

    def converter(self, reading: Reading) -> Convert:
        return truth_of

    def written(self, row: Row) -> str:
        value = row.get(self.column)
        return "" if value is None else "yes" if value else "no"


@dataclass(frozen=True)
class State:
    """One choice: the word we store, and how pages show it (tone and shape as in the theme)."""

    name: str
    _: KW_ONLY
    tone: Tone = "mute"
    shape: Shape = "full"
    label: str = ""

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()


@dataclass(frozen=True)
class Choice(Field):
    """One of a few words. Their order is the life of a record: of two reports of one moment the later in life wins."""

    choices: tuple[State, ...] = ()
    transitions: Mapping[str, tuple[str, ...]] | None = None   # what staff may do next; providers report facts
    completed: Callable[[str, Mapping[str, object]], str] | None = None   # (what is reported, the record) → what that amounts to
    kind: ClassVar[Kind] = "choice"

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(state.name for state in self.choices)

    @cached_property
    def life(self) -> dict[str, int]:
        """How far along its life a record in this state is."""
        return {name: place for place, name in enumerate(self.names)}

    def state(self, name: str) -> State:
        return self.choices[self.life[name]]

    def converter(self, reading: Reading) -> Convert:
        known = {word.casefold(): state.name for state in self.choices for word in (state.title, state.name)}
        offered = ", ".join(self.names if reading.ids else (state.title for state in self.choices))

        def choice(raw: object) -> str | None:
            if raw is None or raw == "":
                return None
            value = known.get(raw) if type(raw) is str else None
            value = value or known.get(str(raw).strip().casefold())
            if value is None and str(raw).strip():
                raise ValueError(f"This is not one of the choices. Write one of: {offered}.")
            return value
        return choice


def _minor(raw: object) -> int | None:
    if raw is not None and (type(raw) is not int or abs(raw) > LARGEST):
        raise ValueError("This is not an amount in minor units. Give a whole number.")
    return raw
