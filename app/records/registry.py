"""The resources there are, by name. A declaration puts itself here by being imported."""
from functools import cache

from app.records import declared
from app.records.resource import Resource


def register(resource: Resource) -> Resource:
    """Make a resource known to pages, API, imports, exports, search and the gate."""
    declared.put(resource.name, resource)
    rank.cache_clear()
    return resource


def named(name: str) -> Resource:
    """The resource with this name, as it stands in URLs. Raises NotFound."""
    found: Resource = declared.find(name)
    return found


def resources() -> list[Resource]:
    """Every resource, referenced before referring, then by name."""
    return sorted(map(named, declared.names()), key=lambda resource: (rank(resource.name), resource.name))


@cache
def rank(name: str) -> int:
    """Referenced before referring: the order in which tables are locked and written, the same in every process."""
    return 1 + max((rank(to) for to in named(name).targets if to != name), default=-1)
