"""Panels on a record's page that rooms above know how to fill: the events about it, the calls made for it."""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.audit import Actor
from app.records.resource import Resource

Row = dict[str, Any]


@dataclass(frozen=True)
class Panel:
    """A section of the page: its heading, how many there are, and the finished HTML below it."""

    title: str
    body: Markup
    count: str = ""
    url: str = ""          # where to see them all
    aside: bool = False    # beside the timeline, not below the fields


Maker = Callable[[Resource, Row, Actor], Panel | None]
_makers: list[tuple[str, Maker]] = []


def panel(resource_name: str, make: Maker) -> Maker:
    """Register a panel for the records of one resource, or "*" for all. `make` answers None where there is nothing to show."""
    _makers.append((resource_name, make))
    return make


def panels(resource: Resource, row: Row, actor: Actor) -> list[Panel]:
    """The panels of this record, in the order they were registered."""
    made = (make(resource, row, actor) for name, make in _makers if name in ("*", resource.name))
    return [one for one in made if one is not None]
