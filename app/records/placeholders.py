"""Records a provider deleted before they were ever here: each keeps later news of it in the trash, and has nothing to restore."""
import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.records.resource import Resource

CLOCK = "trashed_at"     # among the clocks of a record where its provider said that it is deleted


def is_placeholder(resource: Resource, values: Mapping[str, Any], then: Mapping[str, Any] | None = None) -> bool:
    """Whether this record, all of its columns, is one; `then` is what a change would make of some of them."""
    lacks = any({**values, **(then or {})}[field.column] is None for field in resource.required)
    return lacks and values["trashed_at"] is not None and CLOCK in json.loads(values.get("said") or "{}")


def among(session: Session, resource: Resource, ids: Iterable[int | None]) -> set[int]:
    """Which of these records are placeholders. 1 statement, none where no record is named."""
    wanted, table = {id for id in ids if id is not None}, resource.table
    if not wanted or not resource.outside or not resource.required:
        return set()
    lacks = or_(*(table.c[field.column].is_(None) for field in resource.required))
    return set(session.scalars(select(table.c.id).where(
        table.c.id.in_(wanted), table.c.trashed_at.is_not(None), lacks, table.c.said.contains(f'"{CLOCK}"'))))
