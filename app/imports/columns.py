"""The columns of a file as the matching page shows them: samples, how sure the match is, what was noticed."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.audit import Actor
from app.extensions import db
from app.files.headers import letter
from app.imports.choices import Choices
from app.imports.details import Detail, Same, detail, placed, same
from app.imports.match import rules_of
from app.imports.models import Import
from app.imports.noticing import day_first, decimal
from app.imports.read import of_kind, read_as
from app.imports.rules import Rules
from app.imports.targets import Target, keys, targets
from app.imports.words import Strange, strange
from app.records.batches import Batch
from app.records.fields import Field
from app.records.registry import named

SURE = {"certain": ("Certain", 4, ""), "likely": ("Likely", 3, "wait"), "guess": ("Guess", 1, "wait"),
        "none": ("Left out", 0, ""), "ours": ("Left out", 0, ""), "chosen": ("Chosen", 4, "")}
MARK_WORDS = {",": "Decimal comma", ".": "Decimal point", None: "Numbers have two readings"}


@dataclass(frozen=True)
class ColumnView:
    position: int
    letter: str
    header: str
    samples: list[str]
    field: str | None
    word: str
    bars: int
    tone: str
    noticed: str
    error: str
    detail: Detail | None
    strange: tuple[Strange, ...]     # the words in it that are not understood; of the second part too, where it is split


@dataclass(frozen=True)
class MatchView:
    """Everything the matching page shows."""

    columns: list[ColumnView]
    targets: tuple[Target, ...]
    keys: list[tuple[str, str]]
    mode: str
    key: str | None
    blank: str
    decimal: str | None          # None: not chosen, and not proven
    day_first: bool | None
    asks_decimal: bool
    asks_days: bool
    errors: dict[str, str]
    totals: list[int]            # rows that look like totals
    take_totals: bool
    same: list[Same]             # what every row has, of the fields without a column
    filled: set[str]

    @property
    def unsure(self) -> int:
        return sum(column.tone == "wait" for column in self.columns)

    @property
    def left_out(self) -> int:
        return sum(column.field is None for column in self.columns)

    @property
    def missing(self) -> list[str]:
        """Titles of the required fields that have no column."""
        filled = self.filled | {one.field.name for one in self.same if one.text}
        return [target.title for target in self.targets
                if target.field.required and target.field.default in (None, ()) and target.name not in filled]

    @property
    def has_same(self) -> bool:
        return any(one.text or one.error for one in self.same)


def view(imported: Import, batch: Batch, actor: Actor, said: Choices | None = None,
         errors: dict[str, str] | None = None) -> MatchView:
    """The page, with what was found out, or with what somebody said last."""
    resource = named(imported.resource)
    chosen = said or Choices([column["field"] for column in imported.columns], batch.mode, batch.key, imported.blank)
    rules, offered = rules_of(imported, chosen, actor), targets(actor, resource)
    known = {target.name: target.field for target in offered}
    fields = [chosen.fields[position] if position < len(chosen.fields) else None for position in range(len(imported.columns))]
    shown = [column | {"field": field} for column, field in zip(imported.columns, fields, strict=True)]
    found = strange(db.session(), batch, shown, known, rules, actor)
    wrong = placed(errors or {}, found)
    columns = [_column(imported, position, fields[position], known, rules, found, wrong) for position in range(len(fields))]
    filled = {*filter(None, fields), *(split.rest for split in rules.splits.values())}
    numbers, days = of_kind(imported, "money", "integer"), of_kind(imported, "date", "datetime")
    mark, order = read_as(imported)
    return MatchView(
        columns, offered, [(field.name, field.title) for field in keys(resource)], chosen.mode, chosen.key,
        chosen.blank, chosen.decimal or (None if "decimal" in wrong else batch.decimal if imported.stage == "preview" else mark),
        chosen.day_first if chosen.day_first is not None else batch.day_first if imported.stage == "preview" else order,
        any(column["marks"] or column["likely"] for column in numbers) or "decimal" in wrong,
        any(column["day_order"] or column["unsure"] for column in days) or "day_first" in wrong, wrong,
        sorted(map(int, imported.about.get("totals", {}))), said.totals if said else bool(imported.about.get("take_totals")),
        same(offered, filled, rules, wrong), filled)


def _column(imported: Import, position: int, field: str | None, known: Mapping[str, Field], rules: Rules,
            found: Sequence[Strange], errors: dict[str, str]) -> ColumnView:
    column = imported.columns[position]
    sure = column["sure"] if field == column["field"] else "chosen" if field else "none"
    word, bars, tone = SURE[sure]
    return ColumnView(position, letter(position), column["header"], column["samples"], field, word, bars, tone,
                      _noticed(imported, position, column, sure), errors.get(f"field-{position}", ""),
                      detail(position, known[field], rules, errors) if field and field in known else None,
                      tuple(one for one in found if one.position == position))


def _noticed(imported: Import, position: int, column: dict[str, Any], sure: str) -> str:
    resource = named(imported.resource)
    field = resource.field(column["field"] or "")
    found = []
    if sure == "ours":
        found.append("Written by us beside rows that were refused")
    if position in imported.about.get("hidden_columns", ()):
        found.append("Hidden in the file")
    if column["filled"] == 0:
        found.append("No values")
    if column["errors"]:
        found.append(f"{column['errors']:,} cells show an error")
    if column.get("formulas"):
        found.append(f"{column['formulas']:,} formulas have no stored value: save the file once in a spreadsheet program")
    if column.get("lost"):
        cells = "cell has" if column["lost"] == 1 else "cells have"
        found.append(f"{column['lost']:,} {cells} letters that cannot be read (\ufffd)")
    if column["long"]:
        found.append(f"{column['long']:,} long numbers were rounded by the spreadsheet")
    if field is not None and field.unique and column["repeats"]:
        found.append("Some values come twice")
    if field is not None and field.kind in ("money", "integer") and (column["marks"] or column["likely"]):
        found.append(MARK_WORDS[decimal([column])])
    if field is not None and field.kind in ("date", "datetime") and (column["day_order"] or column["unsure"]):
        order = day_first([column])
        found.append("Day first" if order else "Month first" if order is False else f"{column['unsure']} has two readings")
    return ". ".join(found)
