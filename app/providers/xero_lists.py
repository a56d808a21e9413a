"""What Xero lists: contacts and payments, by when they were changed."""
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from app.integrations.calling import Connection
from app.integrations.listing import Listing, Pages, Show, Told, register
from app.integrations.paging import Page
from app.integrations.provider import Incoming, Unreadable, dig, shown
from app.providers.xero_client import KINDS, XeroClient


def _pages(kind: str) -> Pages:
    def pages(connection: Connection, since: datetime | None, start: str | None) -> Iterator[Page]:
        return XeroClient(connection).each(kind, since=since, start=start)
    return pages


def _told(kind: str) -> Told:
    def told(thing: Any, at: datetime) -> Incoming:
        id = dig(thing, KINDS[kind][1])
        if not isinstance(id, str):
            raise Unreadable(f"{KINDS[kind][1]} must be an ID, and {shown(id)}.")
        return Incoming(f"{kind}.changed", f"listed:{id}", f"{kind}:{id}", at, {"shown": thing})
    return told


def _show(kind: str) -> Show:
    return lambda connection, id: XeroClient(connection).show(kind, id)


def _listing(name: str, kind: str) -> Listing:
    return Listing(name, name.capitalize(), name, _pages(kind), _told(kind), _show(kind), by="changed", back=timedelta(days=1))


register("xero", _listing("customers", "contact"), _listing("payments", "payment"))
