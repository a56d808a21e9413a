"""Which of what a provider reports is newer than what was said before, field by field."""
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from app.records.change import Change
from app.records.fields import Choice
from app.records.held import Row
from app.records.parse import IDENTITY
from app.records.resource import Resource

Clock = list[Any]      # [moment, word, place in life]; compared as (moment, place, word)
PARTS = "+"            # behind a column: [id, moment, amount] of each amount it is the sum of


class Weighed(NamedTuple):
    """What counts of a report: values newer than what was said, and the clocks they move. `older`: some of it did not count."""

    values: dict[str, Any]
    clocks: dict[str, Clock]
    older: bool
    tie: bool


def weigh(row: Row, values: dict[str, Any], change: Change, found_by: str) -> Weighed:
    """Compare a report with the clocks of a record. `found_by`: the column it was found by, which is no news then.

    Of two reports of one moment the later in life wins: a choice by its own order, other fields by the status reported
    with them. Then the greater word; with `ask`, nobody: `tie`.
    """
    clocks, stamp, word = heard(row), moment(change.as_of), change.word or ""
    status, lives, followers = row.resource.status, _lives(row.resource), _followers(row.resource)
    with_status = -1 if status is None else status.life.get(values.get(status.column), -1)  # type: ignore[arg-type]
    fresh: dict[str, Any] = {}
    moved: dict[str, Clock] = {}
    older = False
    for column, value in values.items():
        if column in followers:
            continue
        if column == found_by:
            fresh[column] = value
            continue
        place = lives[column].get(value, -1) if column in lives else with_status
        held = clocks.get(column)
        if held is None or stamp > held[0]:
            fresh[column], moved[column] = value, [stamp, word, place]
        elif stamp == held[0]:
            if _same(row, column, values) or column in _completing(row.resource) and place == held[2]:
                if (place, word) > (held[2], held[1]):
                    moved[column] = [stamp, word, place]
            elif place == held[2] or min(place, held[2]) < 0:
                if change.ask:
                    return Weighed({}, {}, False, True)
                if (place, word, str(value)) > (held[2], held[1], str(row.values[column])):
                    fresh[column], moved[column] = value, [stamp, word, place]
                else:
                    older = True
            elif place > held[2]:
                fresh[column], moved[column] = value, [stamp, word, place]
            else:
                older = True
        else:
            older = True
    for follower, leader in followers.items():
        if follower in values and leader in fresh:
            fresh[follower] = values[follower]
    sums, parts, known = added(change, clocks)
    fresh, moved = fresh | sums, moved | parts
    fresh |= _amounts_to(row, fresh, {**clocks, **moved})
    return Weighed(fresh, moved, older or known, False)


def begun(resource: Resource, values: Mapping[str, Any], clocks: Mapping[str, Clock]) -> dict[str, Any]:
    """What the first report of a record amounts to, beside what it says. `values`: all of the record."""
    return {column: field.completed(values[column], values) for column, field in _completing(resource).items()
            if column in clocks and field.completed is not None}


def added(change: Change, clocks: Mapping[str, Clock]) -> tuple[dict[str, Any], dict[str, Clock], bool]:
    """The sums a report adds a part to, the parts as they are now, and whether newer words were heard of one of them.

    Each part counts once, as of the newest report of it: in whatever order they come, the sum is the same.
    """
    sums: dict[str, Any] = {}
    moved: dict[str, Clock] = {}
    older = False
    for column, (id, amount) in (change.parts or {}).items():
        held = {part[0]: part for part in clocks.get(column + PARTS, ())}
        part = [id, moment(change.as_of), amount]
        if id in held and part <= held[id]:
            older = older or part != held[id]
            continue
        moved[column + PARTS] = sorted({**held, id: part}.values())
        sums[column] = sum(amount for _, _, amount in moved[column + PARTS])
    return sums, moved, older


def first(resource: Resource, values: Mapping[str, Any], change: Change, found_by: str) -> dict[str, Clock]:
    """The clocks of a record that begins with this report."""
    stamp, word = moment(change.as_of), change.word or ""
    status, lives, followers = resource.status, _lives(resource), _followers(resource)
    with_status = -1 if status is None else status.life.get(values.get(status.column), -1)  # type: ignore[arg-type]
    clocks = {column: [stamp, word, lives[column].get(value, -1) if column in lives else with_status]
              for column, value in values.items() if column not in followers and column != found_by}
    return clocks | added(change, {})[1]


def heard(row: Row) -> dict[str, Clock]:
    """The clocks of a record, read when they are first asked for."""
    if row.clocks is None:
        said = row.values.get("said")
        row.clocks = json.loads(said) if said else {}
    return row.clocks


def kept(clocks: Mapping[str, Clock]) -> str:
    """Clocks as they are stored, always in one order."""
    return _to_json(clocks)


@lru_cache(maxsize=1000)
def moment(at: datetime | None) -> str:
    """A moment as text that sorts like moments do."""
    assert at is not None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _amounts_to(row: Row, fresh: Mapping[str, Any], clocks: Mapping[str, Clock]) -> dict[str, Any]:
    """What choices amount to now: from what was reported, never from what that amounted to before; what people chose stays."""
    found: dict[str, Any] = {}
    for column, field in _completing(row.resource).items() if fresh else ():
        place = clocks[column][2] if column in clocks else -1
        if field.completed is None or place < 0:
            continue
        reported = field.names[place]
        if column in fresh or row.values.get(column) in (reported, field.completed(reported, row.values)):
            found[column] = field.completed(reported, {**row.values, **fresh})
    return found


def _same(row: Row, column: str, values: Mapping[str, Any]) -> bool:
    followers = _followers(row.resource)
    return all(row.values.get(c) == values[c] for c in values if c == column or followers.get(c) == column)


@cache
def _lives(resource: Resource) -> dict[str, dict[str, int]]:
    return {field.column: field.life for field in resource.fields if isinstance(field, Choice)}


@cache
def _completing(resource: Resource) -> dict[str, Choice]:
    """Choices that amount to something else by what else is known of the record."""
    return {field.column: field for field in resource.fields if isinstance(field, Choice) and field.completed is not None}


@cache
def _followers(resource: Resource) -> dict[str, str]:
    """Columns that go where another goes: an account with its outside id, what is awaited with the id it would be."""
    return {"account": IDENTITY, **{f.ref_column: f.column for f in resource.references if f.loose}}


_to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False, sort_keys=True).encode
