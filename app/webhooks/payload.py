"""A payload as a tree to look at: what it holds, without what opens doors."""
import json
import re
from dataclasses import dataclass, field
from typing import Any

from app.counting import counted
from app.webhooks.texts import clean

SECRET = re.compile(r"secret|password|passwd|token|authorization|api_?key|cvc|cvv|iban|account_number", re.I)
MOST_KEYS = 200
DEEPEST = 12
LONGEST = 300


@dataclass(frozen=True)
class Node:
    """One key: a `value` as JSON writes it with its `kind` ("", "n" for numbers and truth, "0" for null), or `children`."""

    key: str
    value: str = ""
    kind: str = ""
    note: str = ""            # beside the key: "4 keys", "list of 2"
    children: list["Node"] = field(default_factory=list)


def tree(body: bytes) -> list[Node] | None:
    """The body's keys; None when it is not JSON of keys or items. Values of secret keys are left out."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return _children(found, 0) if isinstance(found, dict | list) else None


def raw(body: bytes) -> str:
    """The beginning of a body that is no JSON, as text."""
    return body[:4_000].decode("utf-8", "replace")


def _children(value: Any, depth: int) -> list[Node]:
    items = list(value.items()) if isinstance(value, dict) else [(str(place), each) for place, each in enumerate(value)]
    nodes = [_node(clean(str(key)), each, depth) for key, each in items[:MOST_KEYS]]
    return nodes if len(items) <= MOST_KEYS else [*nodes, Node("…", note=f"{len(items) - MOST_KEYS} more")]


def _node(key: str, value: Any, depth: int) -> Node:
    if SECRET.search(key) and isinstance(value, str):
        return Node(key, "left out", "0")
    if isinstance(value, dict | list) and value:
        note = f"list of {len(value)}" if isinstance(value, list) else counted(len(value), "key")
        return Node(key, note=note, children=_children(value, depth + 1) if depth < DEEPEST else [])
    text = clean(json.dumps(value, ensure_ascii=False))
    return Node(key, text if len(text) <= LONGEST else text[:LONGEST] + "…", _kind(value))


def _kind(value: Any) -> str:
    return "0" if value is None or value == {} or value == [] else "n" if isinstance(value, int | float) else ""
