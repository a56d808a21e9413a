"""Where something stands in a post: `data.items[0].id`, `data["odd key"]`, `$` for all of it; or `header:X-Topic`.

`=EUR` is no place, but a text that always holds."""
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from app.integrations.provider import dig

LONGEST = 200          # characters
DEEPEST = 20           # steps
HEADER = re.compile(r"[A-Za-z0-9_-]{1,80}")
STEP = re.compile(r'\.([^.\[\]"\s][^.\[\]"]*)|\[([0-9]{1,3})\]|\["([^"]+)"\]')
LIKE = "Write it like data.object.id or items[0].sku."


@dataclass(frozen=True)
class Path:
    """A place in JSON, or a text that is always the same. Asking costs a step each, whatever stands there."""

    steps: tuple[str | int, ...] = ()
    constant: str | None = None

    def of(self, payload: Any) -> Any:
        """What stands there; None where nothing does."""
        return dig(payload, *self.steps) if self.constant is None else self.constant


@dataclass(frozen=True)
class Header:
    """A header of the post, by its name in lower case."""

    name: str


Place = Path | Header


@lru_cache(maxsize=2_000)
def path(text: str) -> Path:
    """The place `text` names. Raises ValueError with a sentence."""
    if len(text) > LONGEST:
        raise ValueError(f"A path may have {LONGEST} characters.")
    if text.startswith("="):
        return Path(constant=text[1:].strip())
    rest = text.removeprefix("$")
    rest = rest if rest[:1] in (".", "[", "") else f".{rest}"
    steps: list[str | int] = []
    at = 0
    while at < len(rest):
        found = STEP.match(rest, at)
        if found is None or len(steps) == DEEPEST:
            raise ValueError(f"No path can be read here. {LIKE}" if found is None else f"A path may have {DEEPEST} steps.")
        steps.append(int(found[2]) if found[2] else found[1] or found[3])
        at = found.end()
    if not steps and text != "$":
        raise ValueError(f"The path is empty. {LIKE}")
    return Path(tuple(steps))


def place(text: str) -> Place | None:
    """The same, or a header; None for nothing. Raises ValueError with a sentence."""
    if not text.startswith("header:"):
        return path(text) if text else None
    return Header(header_name(text.removeprefix("header:").strip()))


def header_name(text: str) -> str:
    """The name of a header in lower case. Raises ValueError with a sentence."""
    if not HEADER.fullmatch(text):
        raise ValueError("The name of a header has letters, digits and dashes, like X-Signature.")
    return text.lower()
