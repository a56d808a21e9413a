"""What every field of a record has, whatever its kind."""
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Literal

from app.records.values import Reading

Convert = Callable[[Any], Any]
Row = Mapping[str, Any]
Kind = Literal["text", "longtext", "email", "integer", "money", "date", "datetime", "boolean",
               "choice", "reference", "lines", "json"]


@dataclass(frozen=True)
class Field:
    """One value of a record. `default` may be a function; a sensitive field needs the permission `<resource>.sensitive`."""

    name: str
    label: str = ""
    _: KW_ONLY
    required: bool = False                # of people: what a provider reports may leave it open
    unique: bool = False
    owned: bool = False                   # kept by the provider: read-only to staff while the record's account is live
    sensitive: bool = False
    sortable: bool = False
    summed: bool = False                  # of amounts and numbers: lists add them up
    default: object = None
    aliases: tuple[str, ...] = ()         # other headings a spreadsheet may have for it
    hint: str = ""
    group: str = ""                       # fields of one group stand together in forms

    kind: ClassVar[Kind]
    late: ClassVar[bool] = False          # what was written is only understood beside the record and others
    folded: ClassVar[bool] = False        # sorted by a casefolded key in a column of its own

    @property
    def column(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()

    @property
    def sort_column(self) -> str:
        """The column lists are sorted by: for text, what holds its casefolded key."""
        return f"{self.column}_key" if self.folded else self.column

    def converter(self, reading: Reading) -> Convert:
        """What people write -> value; None means empty. Raises ValueError: what is wrong, then what to write instead."""
        raise NotImplementedError

    def stored(self) -> Convert:
        """What we store -> the same, checked: for values from providers, the audit and our own code."""
        return self.converter(Reading())

    def objection(self, value: Any) -> str:
        """Why people may not store this value, though it can be read; "" where they may. What providers report is a fact."""
        return ""

    def written(self, row: Row) -> str:
        """What a person would write for the value `row` has; reading it again gives the same value. "" = empty."""
        value = row.get(self.column)
        return "" if value is None else str(value)

    def json(self, row: Row) -> Any:
        """The value as the API shows it."""
        return row.get(self.column)
