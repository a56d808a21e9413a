"""Lists that come in pages: by cursor, offset, page number or Link header, from a checkpoint on, and never without end."""
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from app.integrations.errors import BadResponse
from app.integrations.transport import Reply

MOST = 1_000        # pages
LINK = re.compile(r'<([^>]*)>\s*;\s*[^,]*?\brel\s*=\s*"?([^",;]+)"?')
Params = dict[str, str | int]


@dataclass(frozen=True)
class Page:
    """Some of the things, and where to go on: keep `after` with what was done with them. None: this was the last page."""

    items: list[Any]
    after: str | None


Ask = Callable[[Params], Reply]


def by_cursor(ask: Ask, *, items: str = "data", more: str = "has_more", param: str = "starting_after", id: str = "id",
              start: str | None = None, most: int = MOST) -> Iterator[Page]:
    """The last thing's id asks for the next page (Stripe). `ask` gets the parameters to add."""

    def page(after: str | None) -> Page:
        told = ask({param: after} if after else {}).json()
        found = _list(told, items)
        is_last = not (isinstance(told, Mapping) and told.get(more)) or not found
        return Page(found, None if is_last else str(_text(found[-1], id)))
    return _pages(page, start, most)


def by_token(ask: Ask, *, items: str, token: str, param: str, start: str | None = None, most: int = MOST) -> Iterator[Page]:
    """Each page names the token of the next one."""

    def page(after: str | None) -> Page:
        told = ask({param: after} if after else {}).json()
        found = told.get(token) if isinstance(told, Mapping) else None
        return Page(_list(told, items), str(found) if found else None)
    return _pages(page, start, most)


def by_offset(ask: Ask, *, items: str = "data", param: str = "offset", size_param: str = "limit", size: int = 100,
              start: str | None = None, most: int = MOST) -> Iterator[Page]:
    """So many things are left out. A page that is not full is the last one."""

    def page(after: str | None) -> Page:
        begin = int(after or 0)
        found = _list(ask({param: begin, size_param: size}).json(), items)
        return Page(found, str(begin + len(found)) if len(found) >= size else None)
    return _pages(page, start, most)


def by_number(ask: Ask, *, items: str = "data", param: str = "page", size_param: str = "page_size", size: int = 100,
              first: int = 1, total: str = "", start: str | None = None, most: int = MOST) -> Iterator[Page]:
    """Pages have numbers. The last one is not full; or the reply says under `total` how many pages there are."""

    def page(after: str | None) -> Page:
        number = int(after or first)
        told = ask({param: number, size_param: size}).json()
        found, pages = _list(told, items), told.get(total) if total and isinstance(told, Mapping) else None
        goes_on = number - first + 1 < pages if isinstance(pages, int) else len(found) >= size
        return Page(found, str(number + 1) if goes_on and found else None)
    return _pages(page, start, most)


def by_link(ask: Callable[[str], Reply], first: str, *, items: str = "", start: str | None = None,
            most: int = MOST) -> Iterator[Page]:
    """The header Link names the next address (RFC 8288). `ask` gets an address; the client calls none outside its base."""

    def page(after: str | None) -> Page:
        reply = ask(after or first)
        found = {rel.strip(): url for url, rel in LINK.findall(reply.header("link"))}
        return Page(_list(reply.json(), items), found.get("next"))
    return _pages(page, start, most)


def _pages(page: Callable[[str | None], Page], start: str | None, most: int) -> Iterator[Page]:
    """One page after the other. Raises BadResponse for a page that comes twice and after `most` pages."""
    after, seen, was = start, {start}, b""
    for _ in range(most):
        found = page(after)
        is_like = sha256(repr(found.items).encode()).digest()
        if found.items and is_like == was or found.after is not None and found.after in seen:
            raise BadResponse("It sends the same page again and again.")
        yield found
        if found.after is None:
            return
        after, was = found.after, is_like
        seen.add(after)
    raise BadResponse(f"Its list does not end after {most:,} pages.")


def _list(told: Any, items: str) -> list[Any]:
    found = told if not items else told.get(items) if isinstance(told, Mapping) else None
    if not isinstance(found, list):
        raise BadResponse(f"Its list has no {items or 'rows'}.")
    return found


def _text(thing: Any, name: str) -> str:
    found = thing.get(name) if isinstance(thing, Mapping) else None
    if not isinstance(found, str | int):
        raise BadResponse(f"A thing in its list has no {name}.")
    return str(found)
