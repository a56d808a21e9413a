"""Fields of an import of which more is said than their column: words, units, defaults, constants, parts of cells."""
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from app.files import cells
from app.files.cells import Cell
from app.imports.meant import NUMERIC, typed
from app.imports.pieces import Piece
from app.imports.rules import Rules, folded
from app.imports.units import factor, whole
from app.records import money
from app.records.fields import Field, Money
from app.records.values import Reading, decimal_of

Values = dict[str, Any]
Read = Callable[[Field, Cell], Any]


class Ruled(NamedTuple):
    """One field: where its value comes from, and what is done with it."""

    field: Field
    piece: Piece
    words: Mapping[str, Any]           # {folded word: value as the gate takes it}
    factor: Decimal | None
    reading: Reading
    clears: bool

    def fill(self, row: list[Cell], values: Values, errors: dict[str, str], read: Read) -> None:
        """Put the value of this row into `values`, or what is wrong with it into `errors`."""
        name, cell = self.field.name, self.piece.of(row)
        try:
            value = self.value(cell, read)
        except ValueError as error:
            errors[name] = str(error)
            return
        if value is not None or self.clears:
            values[name] = value

    def value(self, cell: Cell, read: Read) -> Any:
        if self.words and (said := folded(cells.text(cell))) in self.words:
            return self.words[said]
        value = read(self.field, cell)
        if self.factor is None or value is None:
            return value
        number = decimal_of(value, self.reading, "12.50")
        if number is None:
            return None
        return number * self.factor if isinstance(self.field, Money) else whole(number * self.factor)


def ruled(fields: Mapping[str, Field], found: Mapping[str, Piece], rules: Rules, reading: Reading, clears: bool) -> list[Ruled]:
    """The fields that are not simply what their cell says."""
    return [Ruled(field, piece, _words(field, rules.words.get(name, {})), _factor(field, rules.units.get(name)), reading,
                  {"leave": False, "clear": True}.get(rules.blanks.get(name, ""), clears))
            for name, piece in found.items() if (field := fields.get(name)) is not None
            and (piece.take is not None or name in rules.words or name in rules.units or name in rules.blanks)]


def constants(fields: Mapping[str, Field], rules: Rules) -> Values:
    """{field: value} of what every row has."""
    return {name: typed(fields[name], text) for name, text in rules.constants.items() if name in fields}


def finisher(fields: Mapping[str, Field], rules: Rules) -> Callable[[Values, dict[str, str]], None] | None:
    """What is done once all cells of a row are read, None if nothing: blanks are filled, converted amounts rounded."""
    blanks = [(name, typed(fields[name], text)) for name, text in rules.defaults.items() if name in fields]
    amounts = [(name, field.currency) for name in rules.units if isinstance(field := fields.get(name), Money)]

    def finish(values: Values, errors: dict[str, str]) -> None:
        for name, default in blanks:
            if values.get(name) is None and name not in errors:
                values[name] = default
        for name, currency in amounts:
            if isinstance(amount := values.get(name), Decimal):
                values[name] = round(amount, money.places(str(values.get(currency) or "").strip().upper()))
    return finish if blanks or amounts else None


def _words(field: Field, words: Mapping[str, str | None]) -> dict[str, Any]:
    return {word: None if value is None else typed(field, value) for word, value in words.items()}


def _factor(field: Field, said: str | None) -> Decimal | None:
    return None if said is None or field.kind not in NUMERIC else factor(field, said)
