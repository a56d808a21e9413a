"""Words of a file that are not understood: values that are none of the choices or name no record, with how often they come."""
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import Actor
from app.files import cells
from app.imports.meant import Options, found, options
from app.imports.pieces import Piece, pieces
from app.imports.rules import Rules, folded
from app.records import policy
from app.records.batches import Batch, rows_table
from app.records.fields import Choice, Field, Reference, Wanted
from app.records.registry import named
from app.records.resource import Resource
from app.records.values import Reading

LOOKED_AT, DISTINCT, SHOWN = 10_000, 2_000, 30
KINDS = ("choice", "reference", "boolean")
LIKE = 0.78
BLANK = "(blank)"
"""Typed or chosen for a word that means nothing at all."""


@dataclass(frozen=True)
class Word:
    """One value of the file. `meant` is what was said or, `is_guess`, what it probably means."""

    written: str
    count: int
    meant: str
    is_guess: bool = False

    @property
    def key(self) -> str:
        return folded(self.written)


@dataclass(frozen=True)
class Strange:
    """The words of one field that are not understood; with those that were, because somebody said what they mean."""

    field: Field
    position: int
    words: list[Word]
    more: int                # that are not shown
    is_part: bool            # only the first rows of the file were looked at

    @property
    def options(self) -> Options:
        return options(self.field)

    @property
    def lookup(self) -> str:
        return self.field.to if isinstance(self.field, Reference) else ""


def strange(session: Session, batch: Batch, columns: Sequence[Mapping[str, Any]], fields: Mapping[str, Field], rules: Rules,
            actor: Actor) -> list[Strange]:
    """What of the first rows is not understood, by field. Nothing is read where no column has such a field."""
    places = {name: piece for name, piece in pieces(columns, rules).items() if name in fields and fields[name].kind in KINDS}
    if not places:
        return []
    counted = _counted(session, batch, places)
    made = [_strange(session, fields[name], piece.position, counted[name], rules.words.get(name, {}), batch, actor)
            for name, piece in places.items()]
    return [one for one in made if one.words]


def _counted(session: Session, batch: Batch, places: Mapping[str, Piece]) -> dict[str, Counter[str]]:
    """{field: how often each of its values comes}."""
    counted = {name: Counter[str]() for name in places}
    for row in session.scalars(select(rows_table.c.cells).where(rows_table.c.batch_id == batch.id)
                               .order_by(rows_table.c.number).limit(LOOKED_AT)):
        for name, piece in places.items():
            said = cells.text(piece.of(row)).strip()
            if said and (said in counted[name] or len(counted[name]) < DISTINCT):
                counted[name][said] += 1
    return counted


def _strange(session: Session, field: Field, position: int, counted: Counter[str], known: Mapping[str, str | None], batch: Batch,
             actor: Actor) -> Strange:
    unknown = _unknown(session, field, counted, actor)
    merged: dict[str, Word] = {}
    for written, count in counted.most_common():
        key = folded(written)
        if key in merged:
            merged[key] = Word(merged[key].written, merged[key].count + count, merged[key].meant)
        elif key in known:
            meant = known[key]
            merged[key] = Word(written, count, BLANK if meant is None else meant)
        elif written in unknown:
            merged[key] = Word(written, count, "")
    shown = list(merged.values())[:SHOWN]
    guesses = _guesses(session, field, [word.written for word in shown if not word.meant], actor)
    words = [Word(word.written, word.count, guesses[word.written], True) if word.written in guesses else word for word in shown]
    return Strange(field, position, words, len(merged) - len(shown), batch.rows > LOOKED_AT)


def _unknown(session: Session, field: Field, counted: Mapping[str, int], actor: Actor) -> set[str]:
    convert, read = field.converter(Reading()), dict[str, Any]()
    unknown = set[str]()
    for written in counted:
        try:
            read[written] = convert(written)
        except ValueError:
            unknown.add(written)
    if isinstance(field, Reference):
        wanted = {one.value for one in read.values() if isinstance(one, Wanted)}
        here = found(session, field, list(wanted), actor)
        unknown |= {written for written, one in read.items() if isinstance(one, Wanted) and one.value not in here}
    return unknown


def _guesses(session: Session, field: Field, words: Sequence[str], actor: Actor) -> dict[str, str]:
    """{word: what it probably means}."""
    if isinstance(field, Choice):
        likely = {word: _likely(field, word) for word in words}
        return {word: name for word, name in likely.items() if name is not None}
    return _called(session, field, words, actor) if isinstance(field, Reference) and words else {}


def _likely(field: Choice, word: str) -> str | None:
    """The one choice that is spelled nearly so, and begins alike: Unshipped is not Shipped."""
    said = folded(word)
    near = sorted(((SequenceMatcher(None, said, name).ratio(), state.name) for state in field.choices
                   for name in {folded(state.title), state.name} if name[:1] == said[:1]), reverse=True)
    names = {name for score, name in near if score >= LIKE}
    return near[0][1] if len(names) == 1 else None


def _called(session: Session, field: Reference, words: Sequence[str], actor: Actor) -> dict[str, str]:
    """{word: key} where exactly one record is called so: "ACME Ltd" is the company of one customer."""
    other = named(field.to)
    seen: dict[str, set[str]] = {}
    shown, scope = other.require(field.shown_by), policy.scope(actor, other)
    keys = {folded(word): word for word in words}
    for name in _names(other, actor):
        key_column, conditions = other.table.c[name.sort_column], [] if scope is None else [scope]
        for key, said in session.execute(select(other.table.c[shown.column], key_column).where(
                key_column.in_(list(keys)), other.table.c.trashed_at.is_(None), *conditions).limit(SHOWN * 4)):
            seen.setdefault(keys[said], set()).add(shown.written({shown.column: key}))
    return {word: next(iter(found)) for word, found in seen.items() if len(found) == 1 and "" not in found}


def _names(other: Resource, actor: Actor) -> list[Field]:
    """The fields a record is called by, that an index finds it by."""
    return [field for field in policy.readable(actor, other)
            if field.kind == "text" and field.sortable and field.folded and field.name in other.searched]
