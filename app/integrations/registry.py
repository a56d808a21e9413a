"""Which providers there are: each file in providers/ registers its own."""
from typing import TypeVar

from app.errors import NotFound
from app.integrations.provider import Provider

P = TypeVar("P", bound=type[Provider])
_providers: dict[str, Provider] = {}


def register(found: P) -> P:
    """Make a provider known under its name. Two of one name are a mistake of ours: RuntimeError."""
    known = _providers.get(found.name)
    if known is not None and type(known) is not found:
        raise RuntimeError(f"two providers are called {found.name}")
    _providers[found.name] = found()
    return found


def provider(name: str) -> Provider:
    """The provider of this name. Raises NotFound."""
    try:
        return _providers[name]
    except KeyError:
        raise NotFound(f"There is no provider called {name[:40]!r}. There are: {', '.join(sorted(_providers))}.") from None


def find(name: str) -> Provider | None:
    """The provider of this name, None when its file is gone: what it left behind can still be looked at."""
    return _providers.get(name)


def providers() -> list[Provider]:
    """Every provider, by label."""
    return sorted(_providers.values(), key=lambda each: each.label.casefold())
