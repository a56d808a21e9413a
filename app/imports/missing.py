"""Records that refused rows name and that are not here: which, and whether what the rows say is enough to create them."""
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.audit import Actor
from app.errors import NotFound
from app.files import cells
from app.files.cells import Cell
from app.imports.match import shape_of
from app.imports.matching import plain
from app.imports.models import Import
from app.imports.shaping import value_of
from app.imports.targets import ACCOUNT, ID, targets
from app.records import batches, changes
from app.records.batches import REFUSED, Batch, BatchRow, source
from app.records.changes import Change, Outcome
from app.records.fields import Field, Reference, Wanted
from app.records.registry import named
from app.records.rules import MISSING
from app.records.settle import nobody
from app.records.words import lower

LOOKED_AT, PLANNED, SHOWN = 2_000, 500, 3


class Named(NamedTuple):
    """One of them: the first row that names it, how it is written there, what is said of it, and what all rows say of it."""

    number: int
    written: str
    why: str
    values: dict[str, Any]


Found = dict[Any, Named]


@dataclass(frozen=True)
class Missing:
    """Those that one field names, among the first refused rows."""

    field: Reference
    rows: int
    count: int
    is_capped: bool
    ready: int               # can be created as the rows describe them
    samples: list[str]
    said: frozenset[str]     # what their rows are refused for
    position: int | None     # of the column that names them
    columns: list[str]       # headings of the columns that say more of them than their key
    why: list[str]           # what stands in the way of the others

    @property
    def title(self) -> str:
        """What they are, in a sentence: "customer"."""
        return lower(named(self.field.to).label)

    @property
    def plural(self) -> str:
        return lower(named(self.field.to).plural)


class Seeker:
    """Finds what one field of an import names in vain. Nothing is written."""

    def __init__(self, imported: Import, batch: Batch, field: Reference, actor: Actor) -> None:
        self.field, self.shape = field, shape_of(imported, batch)
        self.convert = field.converter(batch.reading)
        self.fillers = _fillers(imported, field, actor)

    def naming(self, rows: Sequence[BatchRow]) -> Iterator[tuple[BatchRow, Wanted]]:
        """The rows that are refused because whom they name is not here."""
        for row in rows:
            why = (row.errors or {}).get(self.field.name)
            if why and (wanted := self._wanted(row)) is not None and why == nobody(self.field, wanted):
                yield row, wanted

    def gather(self, found: Found, rows: Sequence[BatchRow], most: int) -> int:
        """Add those that `rows` name, `most` in all; returns how many rows name one. What a later row adds counts where the
        first was blank.
        """
        naming = list(self.naming(rows))
        for row, wanted in naming:
            said = self._said(row.cells or [])
            if wanted.value in found:
                found[wanted.value].values.update(said | found[wanted.value].values)
            elif len(found) < most:
                written = str(self.shape(row.cells or []).values[self.field.name]).strip()
                found[wanted.value] = Named(row.number, written, (row.errors or {})[self.field.name],
                                            {self.field.shown_by: wanted.value, **said})
        return len(naming)

    def _wanted(self, row: BatchRow) -> Wanted | None:
        """By what it is shown by; not by an id."""
        try:
            wanted = self.convert(self.shape(row.cells or []).values.get(self.field.name))
        except ValueError:
            return None
        return wanted if isinstance(wanted, Wanted) and wanted.column == self.field.shown_by else None

    def _said(self, row: Sequence[Cell]) -> dict[str, Any]:
        """What the other columns of a row say of it."""
        said = {field.name: _value(field, row[position]) for position, field in self.fillers if position < len(row)}
        return {name: value for name, value in said.items() if value is not None}


def references(imported: Import) -> tuple[Reference, ...]:
    """The fields whose records can be created beside this import."""
    return tuple(field for field in named(imported.resource).references if field.to != imported.resource)


def reference(imported: Import, name: str) -> Reference:
    """One of them. Raises NotFound."""
    found = next((field for field in references(imported) if field.name == name), None)
    if found is None:
        raise NotFound("This import has no such field whose records could be created. Load the page again.")
    return found


def missing(session: Session, imported: Import, batch: Batch, actor: Actor) -> list[Missing]:
    """What of the first refused rows could be created, or what its creation lacks."""
    rows = batches.page(session, batch, REFUSED, 0, LOOKED_AT) if references(imported) else []
    found = [_missing(session, imported, batch, field, rows, actor) for field in references(imported) if rows]
    return [one for one in found if one.count]


def _missing(session: Session, imported: Import, batch: Batch, field: Reference, rows: Sequence[BatchRow],
             actor: Actor) -> Missing:
    seeker, found = Seeker(imported, batch, field, actor), Found()
    naming = seeker.gather(found, rows, PLANNED)
    outcomes = changes.plan(session, [creation(field, one) for one in found.values()], source(batch, actor)) if found else []
    names = {column["field"]: position for position, column in enumerate(imported.columns)}
    headers = [imported.columns[position]["header"] for position, _ in seeker.fillers]
    return Missing(field, naming, len(found), len(found) == PLANNED or len(rows) == LOOKED_AT,
                   sum(one.kind == "created" for one in outcomes), [one.written for one in found.values()][:SHOWN],
                   frozenset(one.why for one in found.values()), names.get(field.name), headers, _why(field, outcomes))


def creation(field: Reference, one: Named) -> Change:
    """The change that creates it."""
    return Change(field.to, one.values, only="create", cause=one.number)


def _why(field: Reference, outcomes: Sequence[Outcome]) -> list[str]:
    """Each reason once, the commonest first; what is only left blank in one sentence."""
    other, counted = named(field.to), Counter[tuple[str, str]]()
    for outcome in outcomes:
        if outcome.kind != "created":
            counted.update((outcome.errors or {"": "This cannot be created."}).items())
    titles = {name: known.title for name, _ in counted if (known := other.field(name)) is not None}
    lacking = [titles[name] for name, sentence in counted if sentence == MISSING and name in titles]
    others = [f"{titles[name]}: {sentence}" if name in titles else sentence
              for (name, sentence), _ in counted.most_common() if sentence != MISSING]
    if not lacking:
        return others[:SHOWN]
    columns = [f"“{field.title} {lower(title)}”" for title in lacking]
    be, add = ("is", "a column") if len(lacking) == 1 else ("are", "columns")
    blank = f"{_together(lacking)} {be} missing: give the file {add} {_together(columns)}, or create them first."
    return [blank, *others[:SHOWN]]


def _together(words: Sequence[str]) -> str:
    """"a, b and c"."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _fillers(imported: Import, field: Reference, actor: Actor) -> list[tuple[int, Field]]:
    """The columns that are left out of the import and say more of the record: "Customer name" beside "Customer"."""
    columns = reversed([*enumerate(imported.columns)])
    left = {plain(column["header"]): position for position, column in columns if not column["field"]}
    begins, found = f"{plain(field.title)} ", list[tuple[int, Field]]()
    for target in targets(actor, named(field.to)):
        if target.name in (field.shown_by, ID.name, ACCOUNT.name):
            continue
        words = {f"{begins}{plain(word)}" for word in target.words} | {
            plain(word) for word in target.words if plain(word).startswith(begins)}
        position = next((left[word] for word in sorted(words) if word in left), None)
        if position is not None and position not in {place for place, _ in found}:
            found.append((position, target.field))
    return sorted(found, key=lambda one: one[0])


def _value(field: Field, cell: Cell) -> Any:
    """As the gate takes it; what cannot be read is left to it to refuse."""
    try:
        return value_of(field, cell)
    except ValueError:
        return cells.text(cell)
