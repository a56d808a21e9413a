"""What goes into the gate and what comes out: changes, their source, and what became of each."""
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from app.audit import Actor, Door
from app.records.values import Reading

Kind = Literal["created", "updated", "unchanged", "stale", "tie", "conflict", "invalid", "missing", "forbidden"]
ACCEPTED: frozenset[Kind] = frozenset(("created", "updated"))
"""The record was written, and its version counted."""
REFUSED: frozenset[Kind] = frozenset(("tie", "conflict", "invalid", "missing", "forbidden"))
"""Nothing was written, and changes of the same cause fell with it. `unchanged` and `stale` are neither."""


class Source(NamedTuple):
    """Through which door changes come, and on whose behalf."""

    door: Door
    actor: Actor
    door_id: int | None = None            # the import, bulk change, sync; None: each change's cause
    request_id: str | None = None
    account: str | None = None            # whose outside ids the changes speak of; None: nobody's in particular
    reading: Reading = Reading()
    gives_back: bool = False              # it takes back what a provider said: what the provider keeps may change for it

    @property
    def reports(self) -> bool:
        """Providers say what is; people say what should be. Only the latter obey rights, ownership and transitions."""
        return self.door in (Door.EVENT, Door.SYNC)


class Change(NamedTuple):
    """What should become of one record. Without a key it creates; with one it changes the record found by it, or creates it.

    `values` and `key` are by field name (what people write) or column (what we store). Putting into the trash and taking
    out again is the value `trashed_at`; letting go of a provider is {"account": ""}.
    """

    resource: str
    values: Mapping[str, Any]
    key: Mapping[str, Any] | None = None  # one field; beside external_id also its account
    version: int | None = None            # what the editor saw: refuses to overwrite what they did not see
    as_of: datetime | None = None         # when the source says it happened: older news is stale
    only: Literal["create", "update"] | None = None
    cause: int | None = None              # the event or row it comes from: changes of one cause stand or fall together
    word: str | None = None               # what the source called the report: of two of one moment the greater wins
    ask: bool = False                     # … unless the source can be asked: then the outcome is "tie"
    parts: Mapping[str, tuple[str, int]] | None = None   # by column: the outside id of one amount of which it is the sum, and it


class Outcome:
    """What became, or would become, of one change.

    `diff` is {column: [old, new]}: of an updated record what was changed, of a created one what it was given, on a conflict
    what the save would have changed now. `errors` is {name as the caller wrote it: sentence}; under "" what concerns all.
    """

    __slots__ = ("_diff", "errors", "given", "id", "kind", "version")

    def __init__(self, kind: Kind, id: int | None = None, version: int | None = None, diff: dict[str, list[Any]] | None = None,
                 errors: dict[str, str] | None = None, given: dict[str, Any] | None = None) -> None:
        self.kind, self.id, self.version = kind, id, version
        self.errors = errors or {}
        self._diff, self.given = diff, given

    @property
    def diff(self) -> dict[str, list[Any]]:
        if self._diff is None:
            self._diff = {column: [None, value] for column, value in (self.given or {}).items() if value not in (None, ())}
        return self._diff

    def __repr__(self) -> str:
        return f"Outcome({self.kind!r}, {self.id}, {self.version}, {self.diff}, {self.errors})"
