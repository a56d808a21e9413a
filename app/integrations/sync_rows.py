"""What a provider listed, as the rows of a batch keep it, and back again as what the gate takes."""
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from app.integrations.calling import Connection
from app.integrations.listing import Listing
from app.integrations.provider import EndpointConfig, Provider, Unreadable, dig
from app.records.batches import Shaped
from app.records.change import Change

Cells = list[Any]
MOMENT, DAY = "$at", "$on"      # how JSON keeps what it knows nothing of


def cells_of(by: Provider, listing: Listing, connection: Connection, things: Iterable[Any], before: datetime) -> Iterator[Cells]:
    """[key, values, as of, parts, what is wrong] for each change of a record the things tell of; nothing for the rest."""
    for thing in things:
        try:
            told = listing.told(thing, before)
            found = [] if told is None else by.changes(told, EndpointConfig(connection.name, connection.account))
        except Unreadable as problem:
            yield [{"external_id": str(dig(thing, "id") or "")}, {}, None, None, problem.detail]
        else:
            yield from (_cells(change, connection.account) for change in found if change.resource == listing.resource)


def shape(cells: Cells) -> Shaped:
    """A row as the gate takes it."""
    key, values, as_of, parts, wrong = cells
    errors = {"": wrong} if wrong else {}
    return Shaped(_read(values), key, outside(cells) or None, errors, None if as_of is None else datetime.fromisoformat(as_of),
                  {column: (id, amount) for column, (id, amount) in parts.items()} if parts else None)


def outside(cells: Cells) -> str:
    """What the provider calls it."""
    return str(next(iter((cells[0] or {}).values()), ""))


def _cells(change: Change, account: str) -> Cells:
    key = dict(change.key or {})
    if set(key) == {"external_id"}:
        key["account"] = account
    at = change.as_of.isoformat() if change.as_of else None
    parts = {name: [*part] for name, part in change.parts.items()} if change.parts else None
    return [key, _written(dict(change.values), account), at, parts, None]


def _written(value: Any, account: str) -> Any:
    """As JSON has it. An outside id within is one of this account."""
    if isinstance(value, datetime):
        return {MOMENT: value.isoformat()}
    if isinstance(value, date):
        return {DAY: value.isoformat()}
    if isinstance(value, dict):
        named = {"account": account} if set(value) == {"external_id"} else {}
        return {name: _written(each, account) for name, each in value.items()} | named
    return [_written(each, account) for each in value] if isinstance(value, list | tuple) else value


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        if MOMENT in value:
            return datetime.fromisoformat(value[MOMENT])
        if DAY in value:
            return date.fromisoformat(value[DAY])
        return {name: _read(each) for name, each in value.items()}
    return [_read(each) for each in value] if isinstance(value, list) else value
