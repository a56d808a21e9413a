"""A resource: one table and its fields, declared once."""
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Identity, Index, Integer, Table, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from app.extensions import Id, Model, SortKey
from app.records.check import Check
from app.records.fields import Choice, DateTime, Field, Lines, Reference


class Record(Model):
    """What every business record has besides its own columns. Written by the gate alone.

    `version` counts the changes a person sees, `revision` every write.
    """

    __abstract__ = True
    id: Mapped[int] = mapped_column(Id, Identity(), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    trashed_at: Mapped[datetime | None]

    @declared_attr.directive
    def __table_args__(cls) -> Any:  # noqa: N805
        """An id never comes back; an outside id is known once an account."""
        options = {"sqlite_autoincrement": True}
        if "external_id" in dir(cls):
            return UniqueConstraint("external_id", "account", name=f"uq_{cls.__tablename__}_outside"), options
        return options


class Outside:
    """A record a provider knows: by `external_id` within `account` ('' = none of them).

    `said` is JSON: {column: [moment, word, place in life]}, when and by whose word each field was last reported.
    """

    account: Mapped[str] = mapped_column(default="")
    external_id: Mapped[str | None]
    said: Mapped[str | None]


@dataclass(frozen=True)
class Action:
    """Something one can do to a record beyond writing its fields; the room that does it registers how."""

    name: str
    _: KW_ONLY
    fields: tuple[Field, ...] = ()        # what is asked for; they make the form and the body of the API
    needs: str = ""                       # the permission; default: <resource>.<name>
    label: str = ""
    text: str = ""                        # what it will do, said before it is done

    @property
    def title(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()


REFRESH = Action("refresh", text="The provider is asked how this stands there now. What it says of its fields is written as if "
                                 "it had told us by itself; nothing is changed there.")


@dataclass(frozen=True, eq=False)
class Resource:
    """A table and its fields, declared once. Sort keys, keys of absent references and indexes are added to the table here."""

    model: type[Record]
    fields: tuple[Field, ...]
    key: str                              # the field people find a record by
    _: KW_ONLY
    icon: str = "file-earmark"
    label: str = ""                       # one of them: "Order"
    plural: str = ""
    listed: tuple[str, ...] = ()          # fields of the list, in order
    searched: tuple[str, ...] = ()        # text fields of the search index
    titled: tuple[str, ...] = ()          # fields of the title; default: the key
    order: str = "-id"
    actions: tuple[Action, ...] = ()
    checks: tuple[Check, ...] = ()        # what cannot be right, found by query

    def __post_init__(self) -> None:
        object.__setattr__(self, "plural", self.plural or self.name.replace("_", " ").capitalize())
        object.__setattr__(self, "label", self.label or self.plural.removesuffix("s"))
        object.__setattr__(self, "listed", self.listed or tuple(f.name for f in self.fields if f is not self.lines))
        _complete(self)

    @cached_property
    def name(self) -> str:
        return self.table.name

    @cached_property
    def table(self) -> Table:
        table: Any = self.model.__table__
        return table  # type: ignore[no-any-return]

    @property
    def singular(self) -> str:
        return self.label

    def field(self, name: str) -> Field | None:
        """The field of this name or column; None if there is none."""
        return self._by_name.get(name)

    def require(self, name: str) -> Field:
        """The field of this name or column. Raises KeyError: a mistake in our own code."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, Field]:
        refs = {f.ref_column: f for f in self.references if f.loose}
        return {**refs, **{f.column: f for f in self.fields}, **{f.name: f for f in self.fields}}

    @cached_property
    def unique(self) -> tuple[str, ...]:
        """Columns no two records share a value in."""
        return tuple(f.column for f in self.fields if f.unique)

    @cached_property
    def required(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.required)

    @cached_property
    def found_by(self) -> tuple[Field, ...]:
        """The fields the search looks into; sensitive ones never, whatever was declared."""
        return tuple(field for field in map(self.require, self.searched) if not field.sensitive)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        return tuple(f for f in self.fields if isinstance(f, Reference))

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """The resources it refers to, itself or in its lines."""
        inner = () if self.lines is None else tuple(f for f in self.lines.fields if isinstance(f, Reference))
        return tuple(dict.fromkeys(f.to for f in (*self.references, *inner)))

    @cached_property
    def lines(self) -> Lines | None:
        return next((f for f in self.fields if isinstance(f, Lines)), None)

    @cached_property
    def status(self) -> Choice | None:
        """The choice that says how far along its life a record is."""
        return next((f for f in self.fields if isinstance(f, Choice) and f.name == "status"), None)

    @cached_property
    def outside(self) -> bool:
        """Whether providers know these records by an account and an external id."""
        return issubclass(self.model, Outside)

    def text(self, row: Mapping[str, Any]) -> str:
        """The title of a record: "10482", "Clara Neumann"."""
        titled = " ".join(filter(None, (self._by_name[name].written(row) for name in self.titled or (self.key,))))
        return titled or self._by_name[self.key].written(row) or row.get("external_id") or f"{self.label} {row.get('id')}"


BUILT_IN = (DateTime("created_at", "Created", sortable=True), DateTime("updated_at", "Changed", sortable=True))
"""What every resource can be filtered and sorted by besides its fields and its id."""


def _complete(resource: Resource) -> None:
    """Add what follows from the fields: columns for sort keys and absent references, indexes for keys, sorting, references."""
    table = resource.table
    for field in resource.fields:
        if field.sortable and field.folded:
            setattr(resource.model, field.sort_column, mapped_column(field.sort_column, SortKey, nullable=True))
        if field.unique:
            Index(f"uq_{table.name}_{field.column}", table.c[field.column], unique=True)
        if field.sortable:
            Index(f"ix_{table.name}_{field.sort_column}_id", table.c[field.sort_column], table.c.id)
    for name in ("created_at", "updated_at"):
        Index(f"ix_{table.name}_{name}_id", table.c[name], table.c.id)
    gone = table.c.trashed_at.is_not(None)
    Index(f"ix_{table.name}_trash", table.c.id, sqlite_where=gone, postgresql_where=gone)
    for check in resource.checks:
        asked = text(f"{check.candidates} AND trashed_at IS NULL")
        Index(f"ix_{table.name}_check_{check.name}", table.c.id, sqlite_where=asked, postgresql_where=asked)
    for reference in resource.references:
        Index(f"ix_{table.name}_{reference.column}", table.c[reference.column])
        _await(resource.model, reference)
    if resource.lines is not None:
        for reference in (f for f in resource.lines.fields if isinstance(f, Reference)):
            _await(resource.lines.model, reference)


def _await(model: type[Model], reference: Reference) -> None:
    """A column for what is not here yet. Only rows that wait for somebody are in its index: it is all but empty."""
    if reference.loose:
        setattr(model, reference.ref_column, mapped_column(reference.ref_column, Text, nullable=True))
        waits = model.__table__.c[reference.ref_column]
        Index(f"ix_{model.__tablename__}_{reference.ref_column}", waits,
              postgresql_where=waits.is_not(None), sqlite_where=waits.is_not(None))
