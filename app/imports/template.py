"""A workbook to fill in, one a resource: headings we know again, what belongs below each, choices to pick, an example row."""
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from importlib import import_module
from itertools import zip_longest
from typing import Any, BinaryIO

from app.audit import Actor
from app.files import cells
from app.files.cells import Cell
from app.files.headers import letter
from app.imports.matching import plain
from app.imports.targets import ACCOUNT, ID, Target, targets
from app.records.fields import Boolean, Choice, Country, Currency, Field, Integer, Reference
from app.records.registry import named
from app.records.resource import Resource

LAST = 5_000                     # row down to which choices can be picked
LIST = 255                       # characters a list of choices may have (ECMA-376 part 1, §18.3.1.32)
LOOKED_AT = 3
EXAMPLE = "This is the example row of the template. It is left out."
DAY, MOMENT = date(2026, 5, 31), datetime(2026, 5, 31, 14, 30)  # noqa: DTZ001 (a workbook knows no zones)
FORMATS = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm", "money": "0.00", "integer": "0"}
WRITTEN = {"date": "A day, like 2026-05-31.", "datetime": "A day and time, like 2026-05-31 14:30, in UTC.",
           "money": "An amount, like 12.50. Its currency has a column of its own.", "integer": "A whole number.",
           "email": "An e-mail address.", "boolean": "Yes or no."}


def write(resource: Resource, actor: Actor, file: BinaryIO) -> None:
    """Write the template with the fields `actor` may fill."""
    openpyxl: Any = import_module("openpyxl")     # seldom needed, and slow to load
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title, sheet.freeze_panes = resource.plural[:31], "A2"
    for place, target in enumerate(_filled(actor, resource)):
        _column(openpyxl, sheet, place, target)
    book.save(file)


def examples(resource: Resource, actor: Actor) -> dict[str, str]:
    """{heading without case and punctuation: what the example row has below it}."""
    return {plain(target.title): cells.text(cells.pack(_example(target.field))) for target in _filled(actor, resource)}


def example_rows(headers: Sequence[str], rows: Sequence[tuple[int, Sequence[Cell]]], known: Mapping[str, str]) -> dict[int, str]:
    """{row number: why it is left out} of those of the first rows that are the example: it says nothing else, and that much."""
    wanted = [known.get(plain(header), "") for header in headers]
    return {number: EXAMPLE for number, row in rows[:LOOKED_AT] if _is_example(row, wanted)}


def _is_example(row: Sequence[Cell], wanted: Sequence[str]) -> bool:
    pairs = zip_longest(row, wanted[:len(row)], fillvalue="")
    said = [(cells.text(cell), example) for cell, example in pairs if cell is not None]
    is_ours = any(example[:7].lower() == "example" for _, example in said)
    return is_ours and len(said) > 1 and all(text == example for text, example in said)


def _filled(actor: Actor, resource: Resource) -> list[Target]:
    return [target for target in targets(actor, resource) if target.field not in (ID, ACCOUNT)]


def _column(openpyxl: Any, sheet: Any, place: int, target: Target) -> None:
    field, name, styles = target.field, letter(place), openpyxl.styles
    head, below = sheet.cell(1, place + 1, target.title), sheet.cell(2, place + 1, _example(field))
    head.font = styles.Font(bold=True)
    if _is_needed(field):
        head.fill = styles.PatternFill("solid", fgColor="FFE8D9")
    head.comment = openpyxl.comments.Comment(_note(field), "Backroom", height=90, width=280)
    below.font = styles.Font(italic=True, color="808080")
    below.number_format = FORMATS.get(field.kind, "@")
    sheet.column_dimensions[name].width = max(14, len(target.title) + 4, len(str(below.value)) + 2)
    sheet.column_dimensions[name].number_format = FORMATS.get(field.kind, "@")     # text stays text: 00123, 1E5
    if choices := _choices(field):
        validation = openpyxl.worksheet.datavalidation.DataValidation(
            type="list", formula1=f'"{",".join(choices)}"', allow_blank=True, showErrorMessage=True,
            errorTitle="Not one of the choices", error="Pick one from the list.")
        validation.add(f"{name}2:{name}{LAST}")
        sheet.add_data_validation(validation)


def _is_needed(field: Field) -> bool:
    return field.required and field.default in (None, ())


def _choices(field: Field) -> list[str]:
    """What can be picked; nothing where it is too much for a list, or for commas between."""
    if isinstance(field, Boolean):
        return ["yes", "no"]
    found = [state.title for state in field.choices] if isinstance(field, Choice) else []
    return found if len(",".join(found)) <= LIST and not any(sign in word for word in found for sign in ',"') else []


def _note(field: Field) -> str:
    written = WRITTEN.get(field.kind, "")
    if isinstance(field, Reference):
        by = named(field.to)
        written = f"The {by.require(field.shown_by).title.lower()} of the {by.label.lower()}."
    elif isinstance(field, Choice):
        written = f"One of: {', '.join(state.title for state in field.choices)}."
    elif isinstance(field, Currency | Country):
        written = f"{'Three letters, like EUR' if isinstance(field, Currency) else 'Two letters, like DE'}."
    needed = "Needed for every new row." if _is_needed(field) else "May be left blank."
    return " ".join(filter(None, (needed, written, field.hint)))


def _example(field: Field) -> Any:
    """A value this field can have, that nobody takes for their own."""
    if isinstance(field, Reference):
        return _example(named(field.to).require(field.shown_by))
    if isinstance(field, Choice):
        return field.choices[0].title
    if isinstance(field, Currency | Country):
        return "EUR" if isinstance(field, Currency) else "DE"
    if isinstance(field, Integer):
        return max(field.least, min(250, field.most))
    known = {"date": DAY, "datetime": MOMENT, "money": 12.5, "boolean": "yes", "email": "example@example.com"}
    return known.get(field.kind, f"Example {field.title.lower()}"[:getattr(field, "limit", 80)])
