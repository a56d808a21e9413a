"""A check: records that contradict each other, declared beside the fields it reads."""
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from sqlalchemy import Column, ColumnElement, true
from sqlalchemy.sql.visitors import iterate

from app.records.fields import Tone


@dataclass(frozen=True)
class Cure:
    """A button beside a record that was found: where it leads, filled from the row, and who may go there."""

    word: str
    to: str                               # "payments?order={id}", "orders/{id}/edit"
    needs: str = ""                       # the permission, like "orders.edit"


@dataclass(frozen=True, eq=False)
class Check:
    """Which records of a resource cannot be right, why, and what to do about it.

    `among` speaks of the columns of the record alone: an index is made of it, and walked from the newest record on. `wrong`
    is asked of those; it may look into other tables.
    """

    name: str                             # its word in addresses
    title: str                            # what is found, as a plural: "Delivered orders nobody has paid"
    _: KW_ONLY
    among: ColumnElement[bool]
    wrong: ColumnElement[bool] = field(default_factory=true)
    reason: str                           # of one record; {total} is its field, or one of the facts
    facts: Mapping[str, ColumnElement[Any]] = field(default_factory=dict)   # amounts, in the currency of the record
    cure: str                             # what to do, in a sentence
    cures: tuple[Cure, ...] = ()
    tone: Tone = "wait"

    @property
    def candidates(self) -> str:
        """`among` as it stands in the index and, word for word, in the question: in other words, or with parameters, SQLite finds
        no partial index; and what IS TRUE it does not look up in an index of the column."""
        return f"({self.among.compile(compile_kwargs={'literal_binds': True})}) IS TRUE"

    def columns(self) -> list[Column[Any]]:
        """Every column it reads: whoever may not see one of them does not get the check."""
        parts = (self.among, self.wrong, *self.facts.values())
        return [one for part in parts for one in iterate(part) if isinstance(one, Column)]
