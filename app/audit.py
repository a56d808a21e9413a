"""Who did what, when, through which door: the Actor, the audit table and the ways to write to it."""
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Literal

from sqlalchemy import Index, Integer
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.extensions import Id, Model

ActorKind = Literal["staff", "token", "provider", "system", "command"]


class Door(StrEnum):
    """The way a change came in."""

    FORM = "form"
    API = "api"
    BULK = "bulk"
    IMPORT = "import"
    EVENT = "event"   # a provider told us
    SYNC = "sync"     # we asked a provider
    UNDO = "undo"


@dataclass(frozen=True)
class Actor:
    """Somebody or something that acts, with the rights it has now.

    `grants` are verb patterns ("*.read", "payments.refund"). `scopes` narrow what is seen, a filter in the query grammar
    by resource ({"orders": "channel=shopify"}); a resource without one is seen whole.
    """

    kind: ActorKind
    name: str
    id: int | None = None        # of the user or the token
    grants: tuple[str, ...] = ()
    scopes: Mapping[str, str] = field(default_factory=dict, hash=False)
    role: str = ""               # whose grants these are; of people, and of their tokens
    user_id: int | None = None   # of a token: whose it is

    @property
    def person(self) -> tuple[str, int | None]:
        """Who answers for it: a token acts for its user. Two of one person are no two people."""
        return (self.kind, self.id) if self.user_id is None else ("staff", self.user_id)

    def may(self, permission: str) -> bool:
        """Whether it holds this permission; "*.import" asks for the verb on anything at all."""
        if permission.startswith("*."):
            return any(fnmatchcase(permission[2:], grant.rpartition(".")[2]) for grant in self.grants)
        return any(fnmatchcase(permission, grant) for grant in self.grants)


SYSTEM = Actor("system", "Backroom", grants=("*",))
COMMAND_LINE = Actor("command", "command line", grants=("*",))


class Audit(Model):
    """One accepted change of a record, or one deed of a person. Rows are only ever added."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("uq_audit_one_row_a_version", "resource", "record_id", "version", unique=True),
        Index("ix_audit_door", "door", "door_id"),
        Index("ix_audit_actor", "actor_kind", "actor_id", "id"),
        Index("ix_audit_request_id", "request_id"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    actor_kind: Mapped[str]
    actor_id: Mapped[int | None]
    actor: Mapped[str]
    door: Mapped[str | None]
    door_id: Mapped[int | None]            # the import, bulk change, event, sync
    door_part: Mapped[int | None]          # the row of the import
    request_id: Mapped[str | None]
    resource: Mapped[str]                  # of a record; for a deed, the table it was done to
    record_id: Mapped[int | None]
    version: Mapped[int | None] = mapped_column(Integer)  # of the record after the change; a deed has none
    action: Mapped[str]                    # created updated trashed restored | webhooks.retry …
    diff: Mapped[str]                      # JSON {column: [old, new]}; for a created record {}


COLUMNS = ("at", "actor_kind", "actor_id", "actor", "door", "door_id", "door_part", "request_id", "resource", "record_id",
           "version", "action", "diff")
to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False, default=str).encode


def note(session: Session, actor: Actor, action: str, table: str, id: int | None = None, *, request_id: str | None = None,
         **facts: Any) -> None:
    """Keep that `actor` did `action` to row `id` of `table`, in the caller's transaction. No secrets among the facts."""
    session.add(Audit(at=datetime.now(UTC), actor_kind=actor.kind, actor_id=actor.id, actor=actor.name, action=action,
                      resource=table, record_id=id, request_id=request_id, diff=to_json(facts)))
