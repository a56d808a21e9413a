"""What people type in place of what a file says: constants, defaults, the meaning of a word. Checked before it is used."""
import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import Actor
from app.imports.rules import Rules
from app.imports.units import factor
from app.records import policy
from app.records.fields import Boolean, Choice, Field, Reference, Wanted
from app.records.registry import named
from app.records.values import TYPED

ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}(?!\d)", re.ASCII)
NUMERIC, DAYS = ("money", "integer"), ("date", "datetime")
NO_SIGN = "Type what stands between the two parts."
Options = list[tuple[str, str]]


def typed(field: Field, text: str) -> Any:
    """The value as the gate takes it, whatever signs the numbers and days of the file are written with. Raises ValueError."""
    if field.kind in DAYS and not ISO.match(text.strip()):
        raise ValueError("This is not a day. Write it like 2026-05-31.")
    value = field.converter(TYPED)(text)
    return value if field.kind in NUMERIC else text.strip()


def options(field: Field) -> Options:
    """(value, word) of what can be chosen; none where it is typed."""
    if isinstance(field, Boolean):
        return [("yes", "Yes"), ("no", "No")]
    return [(state.name, state.title) for state in field.choices] if isinstance(field, Choice) else []


def wrong(session: Session, field: Field, text: str, actor: Actor) -> str:
    """Why this cannot be the value of the field, in a sentence; "" if it can."""
    try:
        value = field.converter(TYPED)(text)
        typed(field, text)
    except ValueError as error:
        return str(error)
    if value is None:
        return "This is blank. Type a value."
    if isinstance(value, Wanted) and isinstance(field, Reference):
        return "" if value.value in found(session, field, [value.value], actor) else _nobody(field, value)
    return field.objection(value)


def found(session: Session, field: Reference, values: list[Any], actor: Actor) -> set[Any]:
    """Those of the values that name a record `actor` may see and that is not in the trash."""
    other = named(field.to)
    column, scope = other.table.c[other.require(field.shown_by).column], policy.scope(actor, other)
    seen = [] if scope is None else [scope]
    return set(session.scalars(select(column).where(column.in_(values), other.table.c.trashed_at.is_(None), *seen)))


def wrong_rules(session: Session, rules: Rules, fields: dict[str, Field], places: dict[str, int], actor: Actor) -> dict[str, str]:
    """{id of an input: sentence} for everything in the rules that cannot be. `places`: {field: position of its column}."""
    errors: dict[str, str] = {}
    for name, text in rules.constants.items():
        if name in places or any(split.rest == name for split in rules.splits.values()):
            errors[f"same-{name}"] = "This field has a column already. Take one of the two away."
        elif sentence := wrong(session, fields[name], text, actor):
            errors[f"same-{name}"] = sentence
    for name, text in rules.defaults.items():
        if sentence := wrong(session, fields[name], text, actor):
            errors[f"default-{places.get(name, name)}"] = sentence
    for name, text in rules.units.items():
        try:
            factor(fields[name], text)
        except ValueError as error:
            errors[f"unit-{places.get(name, name)}"] = str(error)
    return errors | _wrong_splits(rules, fields, places) | _wrong_words(session, rules, fields, actor)


def _wrong_splits(rules: Rules, fields: dict[str, Field], places: dict[str, int]) -> dict[str, str]:
    errors: dict[str, str] = {}
    taken = [split.rest for split in rules.splits.values()]
    for name, split in rules.splits.items():
        if not split.by:
            errors[f"sign-{places[name]}"] = NO_SIGN
        elif split.rest not in fields:
            errors[f"rest-{places[name]}"] = "Choose the field of the second part."
        elif split.rest in places or taken.count(split.rest) > 1:
            errors[f"rest-{places[name]}"] = "This field has a column already. Choose another one for the second part."
    return errors


def _wrong_words(session: Session, rules: Rules, fields: dict[str, Field], actor: Actor) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name, words in rules.words.items():
        said = {value: wrong(session, fields[name], value, actor) for value in {*words.values()} if value is not None}
        errors |= {f"word-{name}-{word}": said[value] for word, value in words.items() if value is not None and said[value]}
    return errors


def _nobody(field: Reference, wanted: Wanted) -> str:
    other = named(field.to)
    return f"No {other.label.lower()} has the {other.require(field.shown_by).title.lower()} {wanted.value}. Choose another."
