"""What EasyPost lists: trackers, by when they were made."""
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from app.integrations.calling import Connection
from app.integrations.listing import Listing, register
from app.integrations.paging import Page
from app.integrations.provider import Incoming, Unreadable, dig, shown
from app.providers.easypost_client import EasyPostClient


def _pages(connection: Connection, since: datetime | None, start: str | None) -> Iterator[Page]:
    return EasyPostClient(connection).each(since=since, start=start)


def _told(thing: Any, at: datetime) -> Incoming:
    id = dig(thing, "id")
    if not isinstance(id, str):
        raise Unreadable(f"id must be text, and {shown(id)}.")
    return Incoming("delivery.changed", f"listed:{id}", id, at, {"result": {**thing, "updated_at": None}})


register("easypost", Listing("deliveries", "Deliveries", "deliveries", _pages, _told,
                             lambda connection, id: EasyPostClient(connection).show(id)))
