"""What has been declared, by name. Below the declarations themselves, so that a field can ask for what it refers to."""
from typing import Any

from app.errors import NotFound

_declared: dict[str, Any] = {}


def put(name: str, resource: Any) -> None:
    """Keep a resource under its name."""
    _declared[name] = resource


def find(name: str) -> Any:
    """The resource with this name. Raises NotFound."""
    try:
        return _declared[name]
    except KeyError:
        raise NotFound(f"There are no records called {name}.") from None


def names() -> list[str]:
    """The names of all of them."""
    return sorted(_declared)
