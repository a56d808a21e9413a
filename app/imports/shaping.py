"""From the cells of a row to the values the gate takes."""
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from app.files import cells
from app.files.cells import Cell
from app.files.guard import restore
from app.imports import spelling
from app.imports.pieces import pieces
from app.imports.ruled import constants, finisher, ruled
from app.imports.rules import Rules
from app.imports.targets import ACCOUNT, ID
from app.records.batches import Batch, Shape, Shaped
from app.records.changes import Reading
from app.records.fields import Field, Money
from app.records.registry import named
from app.records.resource import Resource

ROUNDED = re.compile(r"\d[.,]?\d*E\+\d{2}", re.ASCII)
NUMERIC = ("money", "integer")
DAYS = ("date", "datetime")
NO_RULES = Rules()
DAMAGED = "A spreadsheet keeps 15 digits, so this long number has lost its last ones. Make the column text, then enter it again."
UNSTORED = "The file holds this formula without its value. Open it in a spreadsheet program, save it once, and upload it again."


class Slot(NamedTuple):
    """A column that is used: where it stands, and what it fills."""

    position: int
    field: Field


def shaper(columns: Sequence[dict[str, Any]], batch: Batch, blank: str, strict: bool, rules: Rules = NO_RULES) -> Shape:
    """How the rows of an import become changes. `blank`: an empty cell "leave"s the value there is, or "clear"s it.

    `strict` refuses rows that have more cells than there are headings: in a CSV that is a missing quote.
    """
    resource = named(batch.resource)
    fields = {ID.name: ID, ACCOUNT.name: ACCOUNT} | {field.name: field for field in resource.fields}
    found = pieces(columns, rules)
    special = ruled(fields, found, rules, batch.reading, blank == "clear")
    apart = {one.field.name for one in special}
    slots = [Slot(piece.position, fields[name]) for name, piece in found.items() if name in fields and name not in apart]
    always, finish = constants(fields, rules), finisher(fields, rules)
    width, clears, key = len(columns), blank == "clear", _key(resource, batch)
    priced = _priced([*slots, *(Slot(one.piece.position, one.field) for one in special)])

    def shape(row: list[Cell]) -> Shaped:
        values: dict[str, Any] = {**always}
        errors: dict[str, str] = {}
        if strict and len(row) > width:
            errors[""] = f"This row has {len(row)} cells, but there are {width} headings. A quote may be missing in it."
        for position, field in slots:
            cell = row[position] if position < len(row) else None
            try:
                value = value_of(field, cell)
            except ValueError as error:
                errors[field.name] = str(error)
                continue
            if value is not None or clears:
                values[field.name] = value
        for one in special:
            one.fill(row, values, errors, value_of)
        priced(row, values, errors)
        if finish is not None:
            finish(values, errors)
        return key(values, errors)
    return shape


def _priced(slots: Sequence[Slot]) -> Callable[[list[Cell], dict[str, Any], dict[str, str]], None]:
    """What an amount says of its currency fills it in where the row has none, and is refused where the row has another."""
    amounts = [(slot.position, slot.field) for slot in slots if isinstance(slot.field, Money)]

    def check(row: list[Cell], values: dict[str, Any], errors: dict[str, str]) -> None:
        for position, field in amounts:
            cell = row[position] if position < len(row) else None
            if not isinstance(cell, str) or spelling.PLAIN.fullmatch(cell):
                continue
            said = spelling.number(cell)[1]
            if said is None:
                continue
            if values.get(field.currency) is None:
                values[field.currency] = said
            elif str(values[field.currency]).strip().upper() != said:
                errors.setdefault(
                    field.name, f"This amount is in {said}, but the row says {values[field.currency]}. Make them agree.")
    return check


def value_of(field: Field, cell: Cell) -> Any:
    """The cell as somebody would write it into this field; None if it is blank. Raises ValueError with a sentence."""
    if cell is None:
        return None
    if isinstance(cell, str):
        return _text(field, cell)
    if (shown := cells.error(cell)) is not None:
        raise ValueError(f"The cell shows the error {shown}. Mend the formula, or type the value.")
    if cells.formula(cell) is not None:
        raise ValueError(UNSTORED)
    if cells.damaged(cell):
        raise ValueError(DAMAGED)
    if field.kind in DAYS:
        return spelling.day(cells.text(cell))
    if field.kind in NUMERIC and not isinstance(cell, dict) or field.kind == "boolean" and isinstance(cell, bool):
        return cell
    return cells.text(cell)


def _text(field: Field, cell: str) -> str | None:
    words = restore(cell)
    if field.kind in NUMERIC:
        return _number(field, words)
    if field.kind in DAYS:
        return spelling.day(words) if words.strip() else None
    if field.kind in ("text", "reference") and ROUNDED.fullmatch(words.strip()):
        raise ValueError(DAMAGED)
    return words if words.strip() else None


def _number(field: Field, words: str) -> str | None:
    number, _ = spelling.number(words)
    if number.endswith("%"):
        if field.kind == "money":
            raise ValueError("This is a percentage, not an amount. Write the amount.")
        number = number[:-1].rstrip()
    return number if number.strip() else None


def _key(resource: Resource, batch: Batch) -> Callable[[dict[str, Any], dict[str, str]], Shaped]:
    """How the record of a row is found, and what makes two rows the same."""
    if batch.key is None:
        return lambda values, errors: Shaped(_without(values), None, None, errors)
    field = ID if batch.key == ID.name else resource.require(batch.key)
    convert, outside = field.converter(Reading(batch.decimal, batch.day_first)), field.name == "external_id"

    def keyed(values: dict[str, Any], errors: dict[str, str]) -> Shaped:
        written, account = values.get(field.name), str(values.get(ACCOUNT.name) or "")
        if written is None:
            if batch.mode != "create":
                errors.setdefault(field.name, "This is blank, so the record cannot be found. Fill it in.")
            return Shaped(_without(values), None, None, errors)
        key = {field.name: written} | ({ACCOUNT.name: account} if outside and account else {})
        return Shaped(_without(values), key, _same(convert, written, account if outside else ""), errors)
    return keyed


def _without(values: dict[str, Any]) -> dict[str, Any]:
    """What finds a record is not written to it."""
    return {name: value for name, value in values.items() if name not in (ID.name, ACCOUNT.name)}


def _same(convert: Callable[[Any], Any], written: Any, account: str) -> str | None:
    try:
        value = convert(written)
    except ValueError:
        return None
    return None if value is None else f"{account}\n{value}"
