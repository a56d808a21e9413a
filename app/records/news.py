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
            if _same(row, column, values):
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
    return Weighed(fresh, moved, older, False)


def first(resource: Resource, values: Mapping[str, Any], change: Change, found_by: str) -> dict[str, Clock]:
    """The clocks of a record that begins with this report."""
    stamp, word = moment(change.as_of), change.word or ""
    status, lives, followers = resource.status, _lives(resource), _followers(resource)
    with_status = -1 if status is None else status.life.get(values.get(status.column), -1)  # type: ignore[arg-type]
    return {column: [stamp, word, lives[column].get(value, -1) if column in lives else with_status]
            for column, value in values.items() if column not in followers and column != found_by}


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


def _same(row: Row, column: str, values: Mapping[str, Any]) -> bool:
    followers = _followers(row.resource)
    return all(row.values.get(c) == values[c] for c in values if c == column or followers.get(c) == column)


@cache
def _lives(resource: Resource) -> dict[str, dict[str, int]]:
    return {field.column: field.life for field in resource.fields if isinstance(field, Choice)}


@cache
def _followers(resource: Resource) -> dict[str, str]:
    """Columns that go where another goes: an account with its outside id, what is awaited with the id it would be."""
    return {"account": IDENTITY, **{f.ref_column: f.column for f in resource.references if f.loose}}


_to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False, sort_keys=True).encode
