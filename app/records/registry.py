"""The resources there are, by name. A declaration puts itself here by being imported."""
from functools import cache
from typing import TYPE_CHECKING

from app.errors import NotFound

if TYPE_CHECKING:
    from app.records.resource import Resource

_registered: dict[str, "Resource"] = {}


def register(resource: "Resource") -> "Resource":
    """Make a resource known to pages, API, imports, exports, search and the gate."""
    _registered[resource.name] = resource
    rank.cache_clear()
    return resource


def named(name: str) -> "Resource":
    """The resource with this name, as it stands in URLs. Raises NotFound."""
    try:
        return _registered[name]
    except KeyError:
        raise NotFound(f"There are no records called {name}.") from None


def resources() -> list["Resource"]:
    """Every resource, referenced before referring, then by name."""
    return sorted(_registered.values(), key=lambda resource: (rank(resource.name), resource.name))


@cache
def rank(name: str) -> int:
    """Referenced before referring: the order in which tables are locked and written, the same in every process."""
    return 1 + max((rank(to) for to in named(name).targets if to != name), default=-1)
