"""Rows at the end of a table that are no records but totals: they are left out, unless a person says otherwise."""
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from app.files import cells
from app.files.cells import Cell
from app.imports import spelling
from app.imports.noticing import NUMBER
from app.records.values import Reading, decimal_of

LAST = 8
"""Rows at the end that are looked at; totals are looked for in the last three of them."""
SUMMED = 20_000
"""Rows up to which sums are compared."""
WORDS = ("grand total", "subtotal", "sub total", "totals", "total", "sum", "gesamtsumme", "zwischensumme", "endsumme", "gesamt",
         "summe", "insgesamt", "total général", "sous-total", "somme", "suma", "totale", "totaal", "totais", "razem", "celkem",
         "summa", "totalt", "yhteensä", "összesen", "toplam", "итого", "всего", "разом", "合計", "合计", "总计", "總計")
UNLESS = "It is left out, unless you choose otherwise beside the columns."
BEGINS = re.compile(rf"({'|'.join(map(re.escape, WORDS))})(?:[\s:(].{{0,40}})?", re.IGNORECASE)
Row = tuple[int, Sequence[Cell]]


def by_word(last: Sequence[Row]) -> dict[int, str]:
    """{row number: why it looks like a total} of the `last` rows: those that begin with such a word, with only numbers after it.

    They have fewer cells than the others: a customer may be called Total.
    """
    found: dict[int, str] = {}
    for number, row in reversed(last[-3:]):
        others = [len(_filled(one)) for before, one in last if before < number]
        filled = _filled(row)
        if not others or len(filled) >= max(others) or (word := _word(filled)) is None:
            break
        found[number] = f"This looks like a total: it begins with “{word}”. {UNLESS}"
    return found


def by_sum(last: Sequence[Row], rows: Iterable[Sequence[Cell]]) -> dict[int, str]:
    """The same for a last row of nothing but numbers below a blank first cell, one of which is the sum of all `rows` above it."""
    if not is_bare(last):
        return {}
    number, row = last[-1]
    places = [position for position, cell in enumerate(row) if cell is not None]
    above = list(rows)
    for mark in ".,":
        for place in places:
            wanted, parts = _value(row[place], mark), [_value(one[place], mark) for one in above if place < len(one)]
            if wanted and len(parts) > 1 and None not in parts and sum(part for part in parts if part is not None) == wanted:
                return {number: f"This looks like a total: {cells.text(row[place])} is the sum of the rows above. {UNLESS}"}
    return {}


def is_bare(last: Sequence[Row]) -> bool:
    """Whether the last row is narrower than those before it, and holds numbers alone, none of them in its first column."""
    if len(last) < 3:
        return False
    filled, before = _filled(last[-1][1]), [len(_filled(row)) for _, row in last[:-1]]
    return last[-1][1][0] is None and len(filled) < min(before) and all(map(_is_number, filled))


def _word(filled: Sequence[Cell]) -> str | None:
    first, *rest = filled
    found = BEGINS.fullmatch(first.strip()) if isinstance(first, str) else None
    return found[1] if found is not None and rest and all(map(_is_number, rest)) else None


def _filled(row: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in row if cell is not None and cell != ""]


def _is_number(cell: Cell) -> bool:
    if isinstance(cell, str):
        return NUMBER.fullmatch(spelling.number(cell)[0]) is not None
    return isinstance(cell, int | float) and not isinstance(cell, bool) or cells.formula(cell) is not None


def _value(cell: Cell, mark: str) -> Decimal | None:
    """As a number; a blank counts nothing. None for what is none."""
    if cell is None:
        return Decimal(0)
    raw = spelling.number(cell)[0] if isinstance(cell, str) else cell
    try:
        value = decimal_of(raw, Reading(mark), "")
    except ValueError:
        return None
    return None if value is None else value.quantize(Decimal("0.0001"))
