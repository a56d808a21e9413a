"""Writing one record for a person: a batch of one through the gate, safe to press twice."""
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit import Actor, Audit
from app.records.changes import Change, Door, Outcome, Source, apply
from app.records.values import TYPED
from app.transaction import is_sqlite, repeated, transaction

Values = Mapping[str, Any]


@repeated
def update(resource: str, id: int, values: Values, version: int, *, by: Actor, request_id: str | None) -> Outcome:
    """Change a record somebody saw at `version`. Pressed twice, the second is "unchanged"; a version gone by is a "conflict"."""
    change = Change(resource, values, key={"id": id}, version=version, only="update")
    with transaction() as session:
        return apply(session, [change], Source(Door.FORM, by, request_id=request_id, reading=TYPED))[0]


@repeated
def create(resource: str, values: Values, *, by: Actor, once: str) -> Outcome:
    """Make a record. `once` names the form that was filled in: sent twice, the second finds what the first made."""
    with transaction() as session:
        alone(session, once)
        made = session.scalar(select(Audit.record_id).where(Audit.request_id == once, Audit.resource == resource,
                                                            Audit.action == "created"))
        if made is not None:
            return Outcome("unchanged", made)
        return apply(session, [Change(resource, values, only="create")], Source(Door.FORM, by, request_id=once, reading=TYPED))[0]


def trash(resource: str, id: int, *, by: Actor, request_id: str | None, version: int | None = None) -> Outcome:
    """Move a record to the trash. Twice is once. With `version`, only as it was seen then: else a "conflict"."""
    return _trashed(resource, id, datetime.now(UTC), by, request_id, version)


def restore(resource: str, id: int, *, by: Actor, request_id: str | None, version: int | None = None) -> Outcome:
    """Take a record out of the trash. Twice is once. With `version`, only as it was seen then: else a "conflict"."""
    return _trashed(resource, id, None, by, request_id, version)


@repeated
def _trashed(resource: str, id: int, at: datetime | None, by: Actor, request_id: str | None, version: int | None) -> Outcome:
    change = Change(resource, {"trashed_at": at}, key={"id": id}, version=version, only="update")
    with transaction() as session:
        return apply(session, [change], Source(Door.FORM, by, request_id=request_id, reading=TYPED))[0]


def alone(session: Session, once: str) -> None:
    """One at a time for each form; SQLite has one writer anyway."""
    if not is_sqlite(session.connection()):
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(once))))
