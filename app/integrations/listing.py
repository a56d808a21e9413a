"""What a provider can list, so that what it has is compared with what we have: one object for each kind of thing."""
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from app.errors import NotFound
from app.integrations.calling import Connection
from app.integrations.paging import Page
from app.integrations.provider import Incoming

Pages = Callable[[Connection, datetime | None, str | None], Iterator[Page]]
Told = Callable[[Any, datetime], Incoming | None]
Show = Callable[[Connection, str], Any]


@dataclass(frozen=True)
class Listing:
    """One list of a provider.

    `pages`: (connection, since, checkpoint) → the things made or changed from `since` on (None: all there are), page by page;
    it calls out. `told`: (thing, the moment before it was asked for) → the same as an event would tell it, for the provider's
    `changes`; None for what we keep nothing of. Raises Unreadable. `show`: (connection, outside id) → the thing, asked for alone
    to find out whether it is still there; raises NotFoundThere.
    """

    name: str                                      # in addresses and rows: "payments"
    label: str                                     # on pages: "Payments"
    resource: str                                  # of which records it speaks; what it says of others is left out
    pages: Pages
    told: Told
    show: Show | None = None                       # None: what is missing there is not looked for
    by: Literal["made", "changed"] = "made"        # what `since` is compared with
    back: timedelta = timedelta(days=35)           # how far behind the last run the next one begins


_listings: dict[str, dict[str, Listing]] = {}


def register(provider_name: str, *found: Listing) -> None:
    """Let these lists of a provider be asked for, in this order."""
    _listings.setdefault(provider_name, {}).update({each.name: each for each in found})


def of(provider_name: str) -> tuple[Listing, ...]:
    """What this provider can list; nothing for one that cannot."""
    return tuple(_listings.get(provider_name, {}).values())


def one(provider_name: str, name: str) -> Listing:
    """Raises NotFound."""
    found = _listings.get(provider_name, {}).get(name)
    if found is None:
        raise NotFound(f"{provider_name} lists no {name[:40]}.")
    return found
