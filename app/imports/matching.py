"""Which field each column of a file probably means: by what it is called, else by what it holds."""
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, NamedTuple

from app.imports.targets import Target
from app.records.fields import Boolean, Choice, Country, Currency, Email, Field, Reference
from app.records.values import NO, YES

NEAR, CALLED = 0.8, 0.995      # called nearly so; called so, but the values do not fit
OURS = ("What to mend",)
ROW_OF, EDITION = "Row of import", "Edition of the row"
"""Headings of columns we add to a file of refused rows; they are left out when it comes back."""


class Match(NamedTuple):
    """`sure`: certain, likely, guess, none; ours for a column we added ourselves."""

    field: str | None
    sure: str


def is_ours(header: str) -> bool:
    """Whether a column is one we added."""
    return header in (*OURS, EDITION) or header.startswith(ROW_OF)


def suggest(columns: Sequence[dict[str, Any]], targets: Sequence[Target]) -> list[Match]:
    """One match a column, in order; every field is used once, by the column that is surest of it."""
    scored = [(score, -position, target.name) for position, column in enumerate(columns) for target in targets
              if (score := _score(column, target)) > 0 and not is_ours(column["header"])]
    fields: dict[int, tuple[str, float]] = {}
    taken: set[str] = set()
    for score, position, name in sorted(scored, reverse=True):
        if -position not in fields and name not in taken:
            fields[-position] = (name, score)
            taken.add(name)
    return [Match(None, "ours") if is_ours(column["header"]) else _match(fields.get(position))
            for position, column in enumerate(columns)]


def remembered(columns: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]],
               targets: Sequence[Target]) -> list[Match] | None:
    """What was chosen for a file with the same headings, in whatever order; None if they differ. Columns of ours do not count."""
    if _theirs(columns) != _theirs(before):
        return None
    known, chosen = {target.name for target in targets}, defaultdict[str, list[str | None]](list)
    for column in before:
        chosen[column["header"]].append(column["field"])
    return [Match(None, "ours") if is_ours(header) else
            Match(field, "certain") if (field := chosen[header].pop(0)) in known else Match(None, "none")
            for header in (column["header"] for column in columns)]


def _theirs(columns: Sequence[dict[str, Any]]) -> list[str]:
    return sorted(column["header"] for column in columns if not is_ours(column["header"]))


def _match(found: tuple[str, float] | None) -> Match:
    if found is None:
        return Match(None, "none")
    return Match(found[0], "certain" if found[1] >= 1 else "likely" if found[1] >= NEAR else "guess")


def _score(column: dict[str, Any], target: Target) -> float:
    heading = plain(column["header"])
    words = [plain(word) for word in target.words]
    if heading in words:
        own = heading in (plain(target.name), plain(target.field.title))
        return 1.0 + own if _fits(column, target) else CALLED
    near = max((SequenceMatcher(None, heading, word).ratio() for word in words if abs(len(word) - len(heading)) < 6), default=0.0)
    if near >= NEAR and _fits(column, target):
        return min(near, 0.99)
    return _held(column, target)


def _fits(column: dict[str, Any], target: Target) -> bool:
    """Whether the samples can be values of this field at all."""
    if column["filled"] == column.get("formulas", 0):
        return True
    kind = target.field.kind
    if kind in ("money", "integer"):
        return bool(column["numbers"])
    if isinstance(target.field, Email):
        return bool(column["emails"])
    return kind not in ("date", "datetime") or bool(column["days"]) or any(map(str.isdecimal, "".join(column["samples"])))


def _held(column: dict[str, Any], target: Target) -> float:
    """How much the values alone speak for this field."""
    field = target.field
    by_mail = isinstance(field, Email) or isinstance(field, Reference) and field.shown_by == "email"
    if by_mail and column["filled"] and column["emails"] >= column["filled"] * 0.9:
        return 0.5 if isinstance(field, Email) else 0.45
    if isinstance(field, Choice) and column["samples"]:
        known = {plain(word) for state in field.choices for word in (state.name, state.title)}
        return 0.6 * all(plain(sample) in known for sample in column["samples"])
    return 0.4 * (bool(column["samples"]) and all(_is_of(field, sample) for sample in column["samples"]))


def _is_of(field: Field, sample: str) -> bool:
    """Whether a value alone says what it is: the code of a currency or a country, a yes or a no in words."""
    if isinstance(field, Boolean):
        return len(sample) > 1 and sample.strip().casefold() in YES | NO
    if not isinstance(field, Currency | Country):
        return False
    return sample.isupper() and not field.objection(sample) and len(sample) == field.limit


@lru_cache(maxsize=5_000)
def plain(words: str) -> str:
    """Words without case, accents and punctuation: "E-Mail" and "e mail" are one."""
    letters = unicodedata.normalize("NFKD", words.casefold())
    kept = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[^a-z0-9]+|(?<=[a-z])(?=\d)", " ", kept).split()) or kept.strip()
