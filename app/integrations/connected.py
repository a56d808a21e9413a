"""What ties us to a provider: rooms above say what they have, the page of integrations shows it."""
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tie:
    """One endpoint or connection: how it is called, how it stands (tone, shape, word) and where its page is."""

    what: str
    name: str
    account: str
    status: tuple[str, str, str]
    url: str


Finder = Callable[[str], Iterable[Tie]]
_finders: list[Finder] = []


def register(find: Finder) -> Finder:
    """Ask `find(provider_name)` for what a room has of a provider."""
    _finders.append(find)
    return find


def of(provider_name: str) -> list[Tie]:
    """Everything that ties us to this provider."""
    return [tie for find in _finders for tie in find(provider_name)]
