"""What a person says of the values of a file beside which column fills which field. Everything is kept by name of the field."""
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

NAMES = ("constants", "defaults", "blanks", "units")


class Split(NamedTuple):
    """A cell in two parts, at the first or the last place `by` stands in it: the column's own field has what is before it."""

    by: str
    at: str          # first | last
    rest: str        # the field that has what is behind it; without a separator it is blank


@dataclass(frozen=True)
class Rules:
    """All of them as they were typed; `imports.meant` says what is wrong with them."""

    constants: Mapping[str, str] = field(default_factory=dict)    # {field without a column: what every row has}
    defaults: Mapping[str, str] = field(default_factory=dict)     # {field: what a blank cell gets}
    blanks: Mapping[str, str] = field(default_factory=dict)       # {field: leave | clear}, where it is not as in all columns
    units: Mapping[str, str] = field(default_factory=dict)        # {field: the unit its numbers are in, or a factor}
    splits: Mapping[str, Split] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)   # {field: {folded word: value, None = blank}}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Rules":
        """From what is kept with an import."""
        splits = {name: Split(*split) for name, split in kept.get("splits", {}).items()}
        return cls(**{name: kept.get(name, {}) for name in NAMES}, splits=splits, words=kept.get("words", {}))

    def kept(self) -> dict[str, Any]:
        """As JSON, without what is empty."""
        found = {name: dict(getattr(self, name)) for name in NAMES} | {
            "splits": {name: list(split) for name, split in self.splits.items()},
            "words": {name: dict(words) for name, words in self.words.items() if words}}
        return {name: rules for name, rules in found.items() if rules}

    def fitting(self, fields: Collection[str | None], offered: Collection[str]) -> "Rules":
        """Those that still make sense where `fields` have columns and `offered` can be filled; the others are dropped."""
        splits = {name: split for name, split in self.splits.items()
                  if name in fields and split.rest in offered and split.rest not in fields}
        filled = {*filter(None, fields), *(split.rest for split in splits.values())}

        def kept(rules: Mapping[str, Any]) -> dict[str, Any]:
            return {name: rule for name, rule in rules.items() if name in filled}
        constants = {name: text for name, text in self.constants.items() if name in offered and name not in filled}
        return Rules(constants, kept(self.defaults), kept(self.blanks), kept(self.units), splits, kept(self.words))


def folded(written: str) -> str:
    """How values of a file are compared: without case and blanks around them."""
    return written.strip().casefold()
