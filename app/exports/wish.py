"""What a person wants exported, as the form says it and is shown it again."""
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from app.audit import Actor
from app.exports import columns
from app.exports.columns import Column
from app.exports.models import Definition, Export
from app.exports.style import PLAIN, Style
from app.records.resource import Resource

STYLED = ("delimiter", "encoding", "values", "zone", "lines")


@dataclass(frozen=True)
class Wish:
    """`names`: the columns in order; None: those one begins with. `name` and `shared` are for keeping it."""

    resource: str
    query: str = ""
    names: tuple[str, ...] | None = None
    format: str = "csv"
    style: Style = PLAIN
    name: str = ""
    shared: bool = False

    @classmethod
    def typed(cls, form: "MultiDict[str, str]") -> "Wish":
        """Columns stand in the order of their places, else as they are sent. Raises BadRequest for a style there is none of."""
        sent = list(dict.fromkeys(form.getlist("columns")))
        names = sorted(sent, key=lambda name: _place(form.get(f"place-{name}", "")))
        style = Style.of({name: form[name] for name in STYLED if form.get(name)})
        return cls(form.get("resource", ""), form.get("query", ""), tuple(names), form.get("format", ""), style,
                   form.get("name", "").strip(), form.get("shared") == "1")

    @classmethod
    def written(cls, export: Export) -> "Wish":
        """The same once more."""
        return cls(export.resource, export.query, tuple(export.columns), export.format, Style.of(export.style))

    @classmethod
    def kept(cls, definition: Definition) -> "Wish":
        return cls(definition.resource, definition.query, tuple(definition.columns), definition.format,
                   Style.of(definition.style), definition.name, definition.is_shared)


@dataclass(frozen=True)
class Group:
    """Columns that are offered together: those of the records themselves have no title."""

    title: str
    columns: tuple[Column, ...]


def groups(offered: Sequence[Column]) -> list[Group]:
    """The columns by where they come from."""
    found: dict[str, list[Column]] = {}
    for column in offered:
        found.setdefault(column.by.title if column.by else column.of.title if column.of else "", []).append(column)
    return [Group(title, tuple(some)) for title, some in found.items()]


def places(wish: Wish, actor: Actor, resource: Resource, offered: Sequence[Column]) -> dict[str, int]:
    """The chosen columns with their places, from 1; those that are not to be had any more are left out."""
    known = {column.name for column in offered}
    names: Sequence[Any] = [one.name for one in columns.usual(actor, resource)] if wish.names is None else wish.names
    return {name: place for place, name in enumerate((name for name in names if name in known), 1)}


def _place(raw: str) -> int:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 6 else 0
