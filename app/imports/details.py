"""The rules as the matching page shows them: blanks, unit and split of a column; what every row has in a field without one."""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.imports.columns_form import NAMED
from app.imports.meant import NUMERIC, Options, options
from app.imports.rules import Rules
from app.imports.targets import Target
from app.imports.units import known
from app.imports.words import Strange
from app.records.fields import Field, Reference

OTHER = "other"


@dataclass(frozen=True)
class Detail:
    """Of one column that fills a field."""

    field: Field
    default: str
    treat: str               # leave | clear | ""
    unit: str
    units: list[str] | None  # None: there are none
    split: str               # what it is split at, by name
    sign: str
    at: str
    rest: str
    errors: dict[str, str]   # by kind of input

    @property
    def options(self) -> Options:
        return options(self.field)

    @property
    def lookup(self) -> str:
        return self.field.to if isinstance(self.field, Reference) else ""

    @property
    def is_said(self) -> bool:
        return bool(self.default or self.treat or self.unit or self.split or self.errors)


@dataclass(frozen=True)
class Same:
    """A field without a column, and what every row has in it."""

    field: Field
    title: str
    text: str
    error: str

    @property
    def options(self) -> Options:
        return options(self.field)

    @property
    def lookup(self) -> str:
        return self.field.to if isinstance(self.field, Reference) else ""


def detail(position: int, field: Field, rules: Rules, errors: Mapping[str, str]) -> Detail:
    """Of the column at this position."""
    name, split = field.name, rules.splits.get(field.name)
    signs = {sign: word for word, sign in NAMED.items()}
    found = {kind: errors[f"{kind}-{position}"] for kind in ("default", "unit", "sign", "rest") if f"{kind}-{position}" in errors}
    return Detail(field, rules.defaults.get(name, ""), rules.blanks.get(name, ""), rules.units.get(name, ""),
                  [*known(field)] if field.kind in NUMERIC else None, signs.get(split.by, OTHER) if split else "",
                  split.by if split and split.by not in signs else "", split.at if split else "first",
                  split.rest if split else "", found)


def same(targets: Sequence[Target], filled: set[str], rules: Rules, errors: Mapping[str, str]) -> list[Same]:
    """Every field that could have the same in every row: not what finds a record."""
    return [Same(target.field, target.title, rules.constants.get(target.name, ""), errors.get(f"same-{target.name}", ""))
            for target in targets if target.name != "id" and not target.field.unique
            and (target.name not in filled or target.name in rules.constants)]


def placed(errors: Mapping[str, str], found: Sequence[Strange]) -> dict[str, str]:
    """The same errors, those of words under the inputs that show them."""
    inputs = {f"word-{one.field.name}-{word.key}": f"word-{one.field.name}-{number}"
              for one in found for number, word in enumerate(one.words)}
    return {inputs.get(name, name): sentence for name, sentence in errors.items()}
